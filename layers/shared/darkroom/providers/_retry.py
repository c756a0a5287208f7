"""Trying again: only what is proven to have cost nothing, a little later each time, and never past the deadline.

Whether an error may be tried again stands in the error (`retryable`, which is never true of what may have been
charged). How long to wait is ours (1, 2, 4 s, a quarter more or less) or the provider's, whichever is longer. A wait
that is longer than `wait_max`, or that leaves no time for the attempt after it, is not cut short, which would only
annoy the provider: there is no further attempt then, and the error says when one makes sense.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from darkroom.errors import DarkroomError
from darkroom.models.deadline import Deadline

T = TypeVar("T")


class Retries(Struct, frozen=True):
    """How often and when.

    Args:
        attempts: how many in all; 1 is no retry.
        wait_initial: seconds before the second attempt; it doubles with each.
        wait_jitter: how much a wait may differ, as a part of it.
        wait_max: the longest wait, in seconds.
        least_left: seconds that have to be left for an attempt.
        sleep: what waits.
        uniform: a number between two, at random.
    """

    attempts: int = 3
    wait_initial: float = 1.0
    wait_jitter: float = 0.25
    wait_max: float = 60.0
    least_left: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def run(self, attempt: Callable[[], T], *, deadline: Deadline, may_repeat: Callable[[DarkroomError], bool]) -> T:
        """The attempt's result, or the error of the last one."""
        for number in range(1, max(1, self.attempts)):
            try:
                return attempt()
            except DarkroomError as error:
                wait = self._wait(number, error)
                if not may_repeat(error) or wait > self.wait_max or wait + self.least_left > deadline.left():
                    raise
            self.sleep(wait)
        return attempt()

    def _wait(self, number: int, error: DarkroomError) -> float:
        own = self.wait_initial * 2.0 ** (number - 1)
        own *= 1 + self.uniform(-self.wait_jitter, self.wait_jitter)
        return max(own, float(error.retry_after or 0))
