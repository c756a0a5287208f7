"""What paid jobs need beside the ledger, in memory. The contract suites hold it to what the adapters do."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

from darkroom.models.admission import PendingAnswer
from darkroom.models.generation import RawAnswer
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Clock

Answers = dict[tuple[str, str, str], PendingAnswer]
"""By user, the request's digest and the job's id."""


class MemoryAnswerStore:
    """`answers` may be shared with a ledger, which puts in what it admits."""

    def __init__(self, clock: Clock, answers: Answers | None = None) -> None:
        self._clock = clock
        self._lock = Lock()
        self.answers: Answers = {} if answers is None else answers

    def of_request(self, user: str, request_sha256: str) -> Sequence[PendingAnswer]:
        found = [answer for key, answer in sorted(self.answers.items()) if key[:2] == (user, request_sha256)]
        return [answer for answer in found if answer.expires_at > self._clock()]

    def change(self, seen: PendingAnswer, *, to: PendingAnswer) -> bool:
        key = (to.user, to.request_sha256, to.job_id)
        with self._lock:
            stored = self.answers.get(key)
            if stored is None or (stored.state, stored.changed_at) != (seen.state, seen.changed_at):
                return False
            self.answers[key] = to
        return True

    def find(self, user: str, request_sha256: str, job_id: str) -> PendingAnswer | None:
        found = self.answers.get((user, request_sha256, job_id))
        return found if found and found.expires_at > self._clock() else None


class MemoryRawAnswerStore:
    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], RawAnswer] = {}

    def write(self, user: str, job_id: str, answer: RawAnswer) -> None:
        self.answers[user, job_id] = answer

    def read(self, user: str, job_id: str) -> RawAnswer | None:
        return self.answers.get((user, job_id))

    def remove(self, user: str, job_id: str) -> None:
        self.answers.pop((user, job_id), None)


class MemoryJobQueue:
    """`sent` holds user and job id of every message, in order; `delays` the seconds each of them is held back;
    `postponed` which was put off for how long.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.delays: list[int] = []
        self.postponed: list[tuple[str, timedelta]] = []

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        self.postponed.append((receipt_handle, wait))

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        self.sent.append((user, job_id))
        self.delays.append(delay_seconds)


class MemorySettingsStore:
    def __init__(self) -> None:
        self._lock = Lock()
        self.settings: dict[str, UserSettings] = {}

    def load(self, user: str) -> UserSettings:
        return self.settings.get(user, UserSettings())

    def save(self, user: str, settings: UserSettings) -> bool:
        with self._lock:
            if self.load(user).version != settings.version:
                return False
            self.settings[user] = settings.model_copy(update={"version": settings.version + 1})
        return True
