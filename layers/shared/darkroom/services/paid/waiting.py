"""Waiting for a job, as an HTTP function does for a caller who wants the result in the answer.

A look is a read; being late is a function that waits, and a person. Where the time that the model takes is known, two
early looks find what failed at once, and then there is none until it may be done.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import repeat
from typing import Final

from darkroom.errors import DarkroomFault
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.ports import JobStore

# Of jobs of which nothing is known, in seconds: looks come quickly at first, and then every half second.
_FIRST: Final = 0.1
_GROWTH: Final = 1.5
_LONGEST: Final = 0.5
# Of the others: when they are looked at early, from which part of the expected time on steadily, at which part of it as
# a pause, between which bounds, and how often before it has taken long enough to know nothing.
_EARLY: Final = (0.25, 1.0)
_BEGINS: Final = 0.8
_PAUSE: Final = 0.04
_MIN_PAUSE: Final = 0.04
_MAX_PAUSE: Final = 0.3
_STEADY_LOOKS: Final = 15
_SLICE: Final = 0.5


def wait_for(
    jobs: JobStore,
    job: Job,
    deadline: Deadline,
    sleep: Callable[[float], None],
    *,
    as_shown: Callable[[Job], Job],
    gives_up: Callable[[], bool],
    expected: float | None = None,
) -> Job:
    """The job when it is over, or as it was last seen at the deadline. Uncertain is as good as over: it may take hours.

    A look that fails is taken again: the job goes on all the same.

    Args:
        as_shown: the job as its owner sees it, which may be running while its pictures are cut out.
        gives_up: whether nobody waits any more.
        expected: seconds that it will probably take.
    """
    pauses = _pauses(expected)
    while not is_answer(job := as_shown(job)):
        left = deadline.left()
        if left <= 0 or gives_up():
            return job
        _sleep(min(next(pauses), left), sleep, gives_up)
        with suppress(DarkroomFault):
            job = jobs.find(job.user, job.id) or job
    return job


def _sleep(seconds: float, sleep: Callable[[float], None], gives_up: Callable[[], bool]) -> None:
    """In slices, for a look is not needed to notice that nobody waits any more."""
    while seconds > 0 and not gives_up():
        part = min(seconds, _SLICE)
        sleep(part)
        seconds -= part


def is_answer(job: Job) -> bool:
    return job.status.is_final or job.status is JobStatus.UNCERTAIN


def _pauses(expected: float | None) -> Iterator[float]:
    """Seconds between one look and the next."""
    pause = _FIRST
    if expected is not None:
        passed, begins = 0.0, _BEGINS * expected
        for at in (*(early for early in _EARLY if early < begins / 2), begins):
            yield max(_MIN_PAUSE, at - passed)
            passed = at
        pause = min(max(_PAUSE * expected, _MIN_PAUSE), _MAX_PAUSE)
        yield from repeat(pause, _STEADY_LOOKS)
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST)
