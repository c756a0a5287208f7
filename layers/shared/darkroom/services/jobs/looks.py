"""In which order the sweep looks at jobs, how long one look may take, and when a job that fails it is looked at again.

One job must not hold up another: those that gave no trouble come first, those that were looked at longest ago before
the others; a look that takes too long is left to itself; and a job whose looks fail again and again is looked at a few
times a day only, until it is decided.
"""

from collections.abc import Callable, Iterable
from contextvars import copy_context
from datetime import datetime, timedelta
from threading import Thread
from typing import Final

from darkroom.ports import OpenJob
from darkroom.services.paid.settlement import DECIDED_AFTER

# Looks in a row that came to no good end; from then on the job is in quarantine.
MOST_FAILURES: Final = 3
# After the first, the second and every further look that failed. The first is longer than a look may take: the sweep
# before this one may be at it yet.
_BACK_OFF: Final = (timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=6))


def in_order(found: Iterable[OpenJob], now: datetime) -> list[OpenJob]:
    """Those that are to be looked at now: without trouble first, and each kind from the longest not looked at."""
    due = (each for each in found if next_look(each) <= now)
    return sorted(due, key=lambda each: (each.failures, each.looked_at or each.created_at))


def next_look(job: OpenJob) -> datetime:
    """When it is to be looked at again. What is in quarantine is not left there when it can be decided."""
    if job.looked_at is None or not job.failures:
        return job.created_at
    at = job.looked_at + _BACK_OFF[min(job.failures, len(_BACK_OFF)) - 1]
    decided = decided_at(job)
    return min(at, decided) if job.looked_at < decided else at


def decided_at(job: OpenJob) -> datetime:
    """From when on it is ended, whatever is known of it."""
    return (job.dispatched_at or job.created_at) + DECIDED_AFTER


def within(seconds: float, look: Callable[[], None]) -> Thread | None:
    """Has a look taken, for so long at the most.

    Every write that a look makes holds only while its job stands as it was read, so one that goes on after its time
    does no harm.

    Returns:
        None if it is over; its thread if it goes on.

    Raises:
        Exception: whatever the look raises.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            look()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            raised.append(error)

    # One that hangs must not keep the process from its end.
    thread = Thread(target=copy_context().run, args=(run,), name="look", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        return thread
    if raised:
        raise raised[0]
    return None
