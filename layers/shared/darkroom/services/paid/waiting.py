"""Waiting for a job, as an HTTP function does for a caller who wants the result in the answer."""

import time
from collections.abc import Callable
from contextlib import suppress

from darkroom.errors import DarkroomFault
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.ports import JobStore

# The first looks come quickly, for what is done quickly; later ones cost a read a second.
_FIRST = 0.1
_LONGEST = 1.0


def wait_for(
    jobs: JobStore,
    job: Job,
    deadline: Deadline,
    sleep: Callable[[float], None] = time.sleep,
    *,
    as_shown: Callable[[Job], Job] = lambda job: job,
    gives_up: Callable[[], bool] = lambda: False,
) -> Job:
    """The job when it is over, or as it was last seen at the deadline. Uncertain is as good as over: it may take hours.

    A look that fails is taken again: the job goes on all the same.

    Args:
        as_shown: the job as its owner sees it, which may be running while its pictures are cut out.
        gives_up: whether nobody waits any more.
    """
    pause = _FIRST
    while not is_answer(job := as_shown(job)):
        left = deadline.left()
        if left <= 0 or gives_up():
            return job
        sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST)
        with suppress(DarkroomFault):
            job = jobs.find(job.user, job.id) or job
    return job


def is_answer(job: Job) -> bool:
    return job.status.is_final or job.status is JobStatus.UNCERTAIN
