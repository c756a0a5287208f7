"""Usage: what a user's jobs of a month made and cost, from tallies of the receipts."""

from typing import Any

from msgspec import Struct

from darkroom.errors import DarkroomError, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.money import MicroUsd
from darkroom.models.usage import Dimension, Statement
from darkroom.ports import Clock, KeyInspector, KeyVault, MonthTallies, SettingsStore, UsageBooks
from darkroom.services.usage.statement import PriceOf, month_of, statement


class Usage(Struct, frozen=True):
    """Args:
    credit: what a credit is worth where a user says nothing else.
    price_of: what pictures of another model would cost.
    """

    books: UsageBooks
    settings: SettingsStore
    clock: Clock
    credit: MicroUsd
    price_of: PriceOf

    def statement(
        self,
        user: str,
        *,
        month: str | None = None,
        by: tuple[Dimension, ...] = (),
        against: str | None = None,
        deadline: Deadline | None = None,
    ) -> Statement:
        """Of the present month in UTC unless another is named. A job belongs to the month in which it was made, as it
        does in the budgets, whenever it is settled.

        Args:
            deadline: for how long receipts of an earlier version may be added up; None: one step of that.

        Raises:
            InvalidParameter: `by` makes too many groups.
            CallerError: there is no model `against`.
            ServiceUnavailable: there are more receipts of an earlier version; the next call goes on with them.
        """
        if against:
            # Also where no receipt is compared with it, so that a name that means nothing is never repeated as a model.
            self.price_of(against, 1, False)
        month = month or month_of(self.clock())
        found = self._month(user, month, deadline, by_conversation="conversation" in by)
        return statement(user, month, found.tallies, by=by, against=against, price_of=self.price_of)

    def credit_of(self, user: str) -> MicroUsd:
        return self.settings.load(user).credit or self.credit

    def _month(self, user: str, month: str, deadline: Deadline | None, *, by_conversation: bool) -> MonthTallies:
        found = self.books.month(user, month, by_conversation=by_conversation)
        if found.is_whole:
            return found
        while not self.books.catch_up(user, month, at=self.clock()):
            if deadline is None or deadline.is_over:
                raise ServiceUnavailable(
                    f"The receipts of {month} are being added up, once after an update.",
                    fix="Ask again in some seconds: each time it comes further.",
                    retry_after=2,
                )
        return self.books.month(user, month, by_conversation=by_conversation)


class KeyFigures(Struct, frozen=True):
    """What a provider itself says of a user's own key. The stack's key is nobody's to look at."""

    vault: KeyVault
    inspector: KeyInspector
    provider: str

    def show(self, user: str) -> dict[str, Any]:
        """`status` is null where there is nothing to be told, and `reason` a word why."""
        try:
            secret = self.vault.reveal(user, self.provider)
            status = self.inspector.inspect(secret) if secret else None
        except DarkroomError as error:
            return {"provider": self.provider, "status": None, "reason": error.code}
        if status is None:
            return {"provider": self.provider, "status": None, "reason": "NO_KEY"}
        told = status.model_dump(mode="json", exclude={"user_id"})
        return {"provider": self.provider, "status": told, "reason": None}
