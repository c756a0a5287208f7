"""Time, and whom to call when something is wrong."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


class Alarm(Protocol):
    def __call__(self, name: str, /, **facts: object) -> None:
        """Has somebody look at what should not have happened. `name` is a constant; facts hold no secret."""
