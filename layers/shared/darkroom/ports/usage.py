"""What was done and is counted, and the monthly reports of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from darkroom.models.job import Job
    from darkroom.models.tally import Tally
    from darkroom.models.usage import ReportRun, UsageReport
    from darkroom.models.webhook import Delivery
    from darkroom.ports.jobs import ReceiptPage


class WorkLog(Protocol):
    """What was done for nothing. A JobStore notes the jobs that it stores as over; each counts once, by its id."""

    def note(self, job: Job, *, at: datetime) -> None:
        """A piece of work of which no job is stored. The same id again is the same work."""

    def receipts(self, user: str, *, limit: int, before: str | None = None, month: str | None = None) -> ReceiptPage:
        """As Ledger.receipts, with nothing that was paid."""


class MonthTallies(NamedTuple):
    """Args:
    tallies: read as they are asked for, once.
    is_whole: whether every receipt of the month is known to be in them.
    """

    tallies: Iterable[Tally]
    is_whole: bool


class UsageBooks(Protocol):
    """What a user's receipts of a month add up to, those of free work among them. Whatever writes receipts keeps it."""

    def month(self, user: str, month: str, *, by_conversation: bool = False) -> MonthTallies:
        """The month's tallies; without conversations in their keys unless they are asked for."""

    def catch_up(self, user: str, month: str, *, at: datetime) -> bool:
        """Adds receipts of the month that an earlier version wrote beside the tallies, some thousand at a time.

        Returns:
            Whether none is left.
        """


class UserPage(Struct, frozen=True):
    users: tuple[str, ...]
    next_cursor: str | None = None
    """None on the last page."""


class ReportStore(Protocol):
    """Which monthly reports there are, and how far the making of them has come."""

    def run(self) -> ReportRun | None:
        """The last that was begun."""

    def save_run(self, run: ReportRun) -> None: ...

    def users(self, month: str, *, cursor: str | None = None) -> UserPage:
        """Some of those with receipts of the month, paid or not; one may come on two pages."""

    def find(self, user: str, month: str) -> UsageReport | None: ...

    def of_user(self, user: str) -> Sequence[UsageReport]:
        """Newest first."""

    def add(self, report: UsageReport, *, delivery: Delivery | None = None) -> bool:
        """Stores the report, and with it a webhook's delivery; False, and nothing stored, if there is one already."""
