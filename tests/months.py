"""Months' rows beside the receipts that they are kept with."""

from collections.abc import Iterable

from darkroom.models.receipt import Receipt
from darkroom.models.tally import made_at, tally_of
from darkroom.ports import UsageBooks
from darkroom.services.usage.statement import month_of, statement


def unpriced(_model: str, _images: int, _is_edit: bool) -> None:
    """No model has a price. Implements services.usage.statement.PriceOf."""


def assert_months_agree(books: UsageBooks, user: str, receipts: Iterable[Receipt]) -> None:
    """Each month is the sum of its receipts, to the micro-dollar, in all and by conversation.

    Args: receipts: all of the user's, of paid and of free work.
    """
    months: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        months.setdefault(month_of(made_at(receipt.job_id)), []).append(receipt)
    for month, written in months.items():
        tallies = [tally_of(receipt) for receipt in written]
        whole, by_conversation = (books.month(user, month, by_conversation=each).tallies for each in (False, True))
        assert statement(user, month, whole, by=("day", "op", "model"), price_of=unpriced) == statement(
            user, month, tallies, by=("day", "op", "model"), price_of=unpriced
        )
        assert statement(user, month, by_conversation, by=("conversation",), price_of=unpriced) == statement(
            user, month, tallies, by=("conversation",), price_of=unpriced
        )
