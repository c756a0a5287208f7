"""Writes of what has been paid for, tried again while there is time: trouble of seconds does not lose a picture."""

import time
from collections.abc import Callable
from typing import Any

from darkroom.errors import DarkroomError
from darkroom.models.deadline import Deadline

# Seconds between two tries: twice as long each time.
_MIN_WAIT = 0.1
_MAX_WAIT = 2.0

Write = Callable[[], Any]
Persist = Callable[[Write], Any]
"""Carries out a write, in its own way, and returns what it returns."""


def once(write: Write) -> Any:
    """Does not try again: for callers that run again later by themselves, such as the sweep."""
    return write()


def write_again(
    write: Write, deadline: Deadline, *, reserve: float = 0.0, sleep: Callable[[float], None] = time.sleep
) -> Any:
    """Writes, and after an error that passes writes again, until only `reserve` seconds of the deadline are left.

    Args:
        write: may be done twice without harm, for the answer of a write that was done can be lost.
        reserve: seconds that what comes afterwards takes.
        sleep: waits that number of seconds.

    Raises:
        Exception: the last error, or the first that does not pass by itself.
    """
    allowed, waited, wait = deadline.left() - reserve, 0.0, _MIN_WAIT
    while True:
        try:
            return write()
        except DarkroomError as error:
            if not error.retryable or waited + wait > allowed or wait > deadline.left() - reserve:
                raise
        sleep(wait)
        waited, wait = waited + wait, min(_MAX_WAIT, wait * 2)
