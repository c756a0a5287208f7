"""Jobs that no worker holds though they are not over, and what becomes of one that its owner gives up.

Its money is not given up: what was set aside for a call that may have been charged stays so until that is known.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from darkroom.errors import Conflict, JobCanceled
from darkroom.models.job import Job, JobCost, JobStatus
from darkroom.ports import Clock, JobStore

Cancel = Callable[[Job], bool]
"""Settles a paid job that was not sent to its provider; False if it is too late."""

# By then the sweep has looked at it several times.
STUCK_AFTER: Final = timedelta(minutes=15)


def is_stuck(job: Job, now: datetime) -> bool:
    """Whether it is not over, and no worker holds it or has held it for a while."""
    if job.status.is_final:
        return False
    since = job.lease_expires_at or job.started_at or job.created_at
    return job.status is JobStatus.UNCERTAIN or since + STUCK_AFTER <= now


class GivingUp(Struct, frozen=True):
    jobs: JobStore
    clock: Clock

    def call(self, job: Job, cancel: Cancel) -> bool:
        """Cancels a paid job: at no cost if it was not sent; if it was, only when it is stuck. Whether it could be."""
        if cancel(job):
            return True
        if not is_stuck(job, self.clock()):
            return False
        return self.jobs.record(self._canceled(job, job.cost.model_copy(update={"charged": "unknown"})))

    def free(self, job: Job) -> bool:
        """Cancels a job that costs nothing, if it is stuck; else it is over before anybody could."""
        return is_stuck(job, self.clock()) and self.jobs.finish(self._canceled(job, job.cost))

    def turn(self, turn: Job, parts: list[Job], cancel: Cancel) -> None:
        """Cancels a turn: as long as its first call waits, at no cost; later if what it waits for can be given up.

        Raises:
            Conflict: somebody is at work on it.
        """
        waiting = [part for part in parts if not part.status.is_final]
        if not (waiting or is_stuck(turn, self.clock())) or not all(self.call(part, cancel) for part in waiting):
            raise Conflict(
                "It is too late to cancel the turn: its planner has been asked.",
                fix="Wait until it is over, then undo.",
            )
        is_free = all(part.dispatched_at is None for part in parts)
        unknown = JobCost(**{**turn.cost.model_dump(), "actual": None, "settled": False, "charged": "unknown"})
        # A faster writer finds its part canceled, and ends the turn with that.
        self.jobs.finish(self._canceled(turn, turn.cost if is_free else unknown, what="turn"))

    def _canceled(self, job: Job, cost: JobCost, what: str = "job") -> Job:
        if cost.charged == "unknown":
            error = JobCanceled(
                f"The {what} was canceled after it had been sent to its provider.",
                fix="What it cost is being found out; until then what was set aside stays so.",
                charged="unknown",
            )
        else:
            error = JobCanceled(
                f"The {what} was canceled before anything was spent.", fix="Send it again if you want it."
            )
        ended = {"status": JobStatus.CANCELED, "completed_at": self.clock(), "error": error.problem(), "cost": cost}
        return job.model_copy(update=ended)
