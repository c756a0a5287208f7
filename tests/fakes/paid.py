"""What paid jobs need beside the ledger, in memory. The contract suites hold it to what the adapters do."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from threading import Lock

from darkroom.adapters.picture_answers import COLUMN, enclosed, opened
from darkroom.models.admission import PendingAnswer
from darkroom.models.generation import KeptPicture, RawAnswer
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Clock
from tests.fakes.memory import MemoryImageStore

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
    """Args: images: where answers are kept that are pictures."""

    def __init__(self, images: MemoryImageStore) -> None:
        self.answers: dict[tuple[str, str], RawAnswer] = {}
        self._images = images

    def write(self, user: str, job_id: str, answer: RawAnswer, *, as_picture: str | None = None) -> KeptPicture | None:
        found = None if as_picture is None else enclosed(answer, job_id, as_picture)
        if found is None:
            self.answers[user, job_id] = answer
            return None
        picture = found.kept_as(user, job_id)
        metadata = {"job": job_id, COLUMN: found.around}
        self._images.write_output(picture.key, found.data, media_type=found.media_type, metadata=metadata)
        return picture

    def read(self, user: str, job_id: str, *, as_picture: str | None = None) -> RawAnswer | None:
        found = self.answers.get((user, job_id))
        if found is not None or as_picture is None:
            return found
        for key, stored in self._images.outputs.items():
            if key.startswith(f"outputs/{user}/{job_id}/0.") and COLUMN in stored.metadata:
                picture = KeptPicture(key=key, sha256=sha256(stored.data).hexdigest())
                return opened(stored.data, stored.metadata[COLUMN], picture, job_id, as_picture)
        return None

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
