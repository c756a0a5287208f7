"""Pictures that were bought and are to be cut out of their backgrounds here, which costs nothing: that it is begun, and
that it comes to an end.

The job is over and paid for before any of this, and nothing here touches its money. What comes of it stands beside the
job (`Job.cutouts`); until then its owner sees a job that is running (`Job.as_shown`).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from msgspec import Struct

from darkroom.errors import DarkroomError
from darkroom.models.job import CUTOUT_TIME, NOT_CUT_OUT, Job, KeptCutout
from darkroom.ports import Alarm, Clock, JobStore, RenderQueue

# A message is delivered within seconds; what still waits after this was never sent, or lost.
FORGOTTEN: Final = timedelta(minutes=1)

BeginCutouts = Callable[[Job], None]
"""Has the pictures of a job that was bought cut out, if they are to be."""


class Cutouts(Struct, frozen=True):
    jobs: JobStore
    queue: RenderQueue
    clock: Clock
    alarm: Alarm

    def begin(self, job: Job) -> None:
        """Has the image function cut the job's pictures out, if they are to be and are not yet."""
        if not job.awaits_cutouts:
            return
        try:
            self.queue.send(job.user, job.id)
        except DarkroomError as error:
            # The job is stored, paid for and listed as waiting: the sweep sends it again.
            self.alarm("CUTOUT_NOT_QUEUED", job=job.id, detail=error.detail)

    def sweep(self) -> int:
        """Sends lost messages again, and gives up what takes too long; how many jobs were waiting."""
        waiting = 0
        for job in self.jobs.list_without_cutouts(at=self.clock()):
            waiting += 1
            try:
                self._look_at(job)
            except Exception as error:  # noqa: BLE001 - one job's trouble must not keep the others waiting
                self.alarm("SWEEP_FAILED", job=job.id, error=type(error).__name__, detail=str(error)[:200])
        return waiting

    def _look_at(self, job: Job) -> None:
        bought_at, now = job.completed_at or job.created_at, self.clock()
        if not job.awaits_cutouts:
            # They were all made before it was known what the pictures cost, so it is still listed.
            self.jobs.keep_cutouts(job, job.cutouts)
        elif bought_at + CUTOUT_TIME <= now:
            missing = len(job.images) - len(job.cutouts)
            given_up = KeptCutout(warnings=(NOT_CUT_OUT.format(why="It took too long."),))
            if self.jobs.keep_cutouts(job, (*job.cutouts, *(given_up,) * missing)) is not None:
                self.alarm("CUTOUT_NEVER_MADE", job=job.id, missing=missing)
        elif bought_at + FORGOTTEN <= now:
            self.queue.send(job.user, job.id)
