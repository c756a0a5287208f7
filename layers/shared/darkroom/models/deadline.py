"""A moment by which everything has to be over, for example the end of a Lambda invocation."""

from collections.abc import Callable
from time import monotonic


class Deadline:
    """So many seconds from now.

    Args:
        seconds: how long there is.
        clock: seconds that only grow.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._ends = clock() + seconds

    def left(self) -> float:
        """Seconds until then; 0 once it is over."""
        return max(0.0, self._ends - self._clock())

    @property
    def is_over(self) -> bool:
        return self.left() <= 0
