"""Queues whose messages are carried out before `send` returns, while `works` is set."""

from darkroom.models.deadline import Deadline
from darkroom.services.paid.worker import Worker
from darkroom.services.removal.cutout_worker import CutoutWorker
from tests.fakes.paid import MemoryJobQueue
from tests.fakes.recipes import MemoryRenderQueue

_LONG = 275.0


class PromptQueue(MemoryJobQueue):
    """Paid jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.works: Worker | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        super().send(user, job_id, delay_seconds=delay_seconds)
        if self.works is not None:
            self.works.run(user, job_id, Deadline(_LONG))


class PromptRenderQueue(MemoryRenderQueue):
    """Pictures to be made here: the cut-outs of jobs that want them."""

    def __init__(self) -> None:
        super().__init__()
        self.works: CutoutWorker | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        super().send(user, job_id, delay_seconds=delay_seconds)
        if self.works is not None:
            self.works.run(user, job_id, Deadline(_LONG))
