"""The paid cut-out: the studio with remove.bg's simulator."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from msgspec.structs import replace
from PIL import Image

from darkroom.models.cutout import Beside, BoundingBox, Cutout, CutoutOptions
from darkroom.models.deadline import Deadline
from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus
from darkroom.models.key import StoredKey
from darkroom.models.user_settings import Limits, UserSettings
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.removebg import RemoveBg
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.worker import Worker
from darkroom.services.removal.postponed import Postponed
from darkroom.services.removal.remove_background import RemoveBackground
from local.providers.removebg import CREDIT_USD, Simulator
from tests.application import LONG, Studio
from tests.fakes.matting import FakeMatter

CREDIT = 200_000
ROOMY = Limits(per_request=500_000)
RETENTION = timedelta(days=30)


def dot(colour: str = "red", size: int = 64) -> bytes:
    """Something to cut out."""
    picture = Image.new("RGB", (size, size), "white")
    picture.paste(colour, (size // 4, size // 4, size * 3 // 4, size * 3 // 4))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Cloud:
    """Args: fails: what cutting out here comes to, where it comes to nothing."""

    studio: Studio
    simulator: Simulator
    fails: BaseException | None = None
    given: list[tuple[bytes, CutoutOptions]] = field(default_factory=list)
    retention: timedelta = RETENTION

    def __post_init__(self) -> None:
        self.studio.direct["removebg"] = self.provider
        self.studio.matter = FakeMatter()
        self.studio.environ = {
            **self.studio.environ,
            "DARKROOM_REMOVEBG_CREDIT_USD": str(CREDIT_USD),
            "DARKROOM_RETENTION_DAYS": str(self.retention.days),
        }
        self.studio.app.pipeline = self.cut

    @cached_property
    def provider(self) -> RemoveBg:
        retries = Retries(sleep=lambda _seconds: None, uniform=lambda _low, _high: 0.0)
        return RemoveBg(ProviderSettings(url=self.simulator.url, credit_usd=CREDIT_USD), retries=retries)

    @property
    def service(self) -> RemoveBackground:
        return self.studio.app.remove_background

    @property
    def postponed(self) -> Postponed:
        return self.studio.app.postponed

    @property
    def worker(self) -> Worker:
        return self.studio.app.worker

    @property
    def sweep(self) -> Sweep:
        return self.studio.app.sweep

    def cut(self, data: bytes, options: CutoutOptions, _beside: Beside) -> Cutout:
        """What Darkroom does itself."""
        self.given.append((data, options))
        if self.fails is not None:
            raise self.fails
        box = BoundingBox(left=0, top=0, width=1, height=1)
        return Cutout(
            data=b"ours", media_type="image/png", width=2, height=3, subject=box, model="u2net", timings_ms={}
        )

    def connect(self, user: str) -> None:
        key = StoredKey(
            user=user,
            provider="removebg",
            hint=self.simulator.key[-4:],
            sha256=digest(self.simulator.key),
            connected_at=self.studio.clock(),
        )
        self.studio.vault.store(key, self.simulator.key)

    def set(self, user: str, **settings: object) -> None:
        """The user's settings, with limits that leave room for a credit."""
        known = self.studio.settings.load(user)
        changed = known.model_copy(update={"limits": ROOMY, **settings})
        assert self.studio.settings.save(user, UserSettings.model_validate(changed.model_dump()))

    def work(self) -> None:
        """Carries out what waits in the queue, each once."""
        self.each(lambda user, job_id: self.worker.run(user, job_id, Deadline(LONG)))

    def each(self, work: Callable[[str, str], None]) -> None:
        sent, self.studio.job_queue.sent = self.studio.job_queue.sent, []
        for user, job_id in sent:
            work(user, job_id)

    def only_job(self, user: str = "alice") -> Job:
        """That there is, but for what a paid one took the place of."""
        (job,) = (job for job in self.studio.of(user).values() if job.status is not JobStatus.CANCELED)
        return job

    def calls(self) -> list[str]:
        return [request.path for request in self.simulator.log]


def dying(worker: Worker) -> Worker:
    """One that is killed when the answer is there and nothing of it was stored but its bytes."""

    class Gone:
        def __getattr__(self, name: str) -> Any:
            if name in ("succeed", "fail"):
                raise KeyboardInterrupt
            return getattr(worker.settlement, name)

    return replace(worker, settlement=Gone())
