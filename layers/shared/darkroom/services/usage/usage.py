"""Usage: what a user's jobs of a month made and cost, from the receipts themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from darkroom.errors import DarkroomError
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import Receipt
from darkroom.models.usage import Dimension, Statement
from darkroom.ports import Clock, KeyInspector, KeyVault, Ledger, ReceiptPage, SettingsStore, WorkLog
from darkroom.services.usage.statement import PriceOf, month_of, nobody_knows, statement

_PER_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Usage:
    """Args:
    credit: what a credit is worth where a user says nothing else.
    price_of: what pictures of another model would cost.
    """

    ledger: Ledger
    work: WorkLog
    settings: SettingsStore
    clock: Clock
    credit: MicroUsd
    price_of: PriceOf = nobody_knows

    def statement(
        self,
        user: str,
        *,
        month: str | None = None,
        by: tuple[Dimension, ...] = (),
        against: str | None = None,
    ) -> Statement:
        """Of the present month in UTC unless another is named. A job belongs to the month in which it was made, as it
        does in the budgets, whenever it is settled.

        Raises:
            InvalidParameter: `by` makes too many groups.
            CallerError: there is no model `against`.
        """
        if against:
            # Also where no receipt is compared with it, so that a name that means nothing is never repeated as a model.
            self.price_of(against, 1, False)
        month = month or month_of(self.clock())
        return statement(user, month, self._receipts(user, month), by=by, against=against, price_of=self.price_of)

    def credit_of(self, user: str) -> MicroUsd:
        return self.settings.load(user).credit or self.credit

    def _receipts(self, user: str, month: str) -> Iterator[Receipt]:
        yield from _all(lambda before: self.ledger.receipts(user, limit=_PER_PAGE, before=before, month=month))
        yield from _all(lambda before: self.work.receipts(user, limit=_PER_PAGE, before=before, month=month))


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """What a provider itself says of a user's own key. The stack's key is nobody's to look at."""

    vault: KeyVault
    inspector: KeyInspector
    provider: str = "openrouter"

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


def _all(read: Callable[[str | None], ReceiptPage]) -> Iterator[Receipt]:
    """One page at a time, for a month may have more than fit into memory."""
    before: str | None = None
    while True:
        page = read(before)
        yield from page.receipts
        if page.next_id is None:
            return
        before = page.next_id
