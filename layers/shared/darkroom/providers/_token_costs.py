"""What a call costs at a provider whose answers tell the tokens and not the money: the published prices times those.

Never less than the truth. Tokens that were read from a cache count in full, for what they cost is not published; what
the provider cannot tell apart costs what is dearest among it; of several prices for one thing, whichever condition they
are under, the dearest counts; and a thing without a price of its own costs what the dearest thing does. It is exact
where prices are plain. Without counts, or without prices, it is unknown, which is None.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from darkroom.models.catalogue import PriceLine
from darkroom.models.money import MicroUsd, micro_usd
from darkroom.models.rates import Rates

_ZERO = Decimal(0)


class Counts(Struct, frozen=True):
    """Tokens, as far as the answer told them apart.

    Args:
        text_in, images_in: None where it did not tell.
        images_out: tokens of the pictures that were made.
        reasoning: thinking, which is among `all_out`.
    """

    all_in: Decimal | None = None
    all_out: Decimal | None = None
    text_in: Decimal | None = None
    images_in: Decimal | None = None
    images_out: Decimal | None = None
    reasoning: Decimal | None = None

    @property
    def is_told(self) -> bool:
        return self.all_in is not None and self.all_out is not None


def chat_cost(rates: Rates | None, counts: Counts) -> MicroUsd | None:
    """Of words: pictures that were looked at are among the prompt's tokens."""
    prices = rates.tokens if rates else None
    if prices is None or prices.prompt is None or prices.completion is None:
        return None
    if counts.all_in is None or counts.all_out is None:
        return None
    thought = max(prices.completion, prices.internal_reasoning or _ZERO)
    # Where nobody says how much of it was thinking, all may have been.
    reasoning = counts.all_out if counts.reasoning is None else min(counts.reasoning, counts.all_out)
    said = counts.all_out - reasoning
    return micro_usd(
        counts.all_in * prices.prompt + said * prices.completion + reasoning * thought + (prices.request or _ZERO)
    )


def picture_cost(rates: Rates | None, counts: Counts, *, made: int, shown: int) -> MicroUsd | None:
    """Of pictures.

    Args:
        made: how many came.
        shown: how many were sent along.
    """
    if rates is None or any(line.usd is None for line in rates.lines):
        return None
    counted = {"output_image": made, "input_image": shown, "input_reference": shown, "input_font": 0, "input_text": 1}
    total = _ZERO
    for (billable, unit), usd in _dearest_lines(rates.lines).items():
        if unit == "token":
            continue
        amount = 1 if unit == "request" else counted.get(billable)
        if unit not in ("image", "request") or amount is None:
            # Megapixels and seconds: nobody who is asked directly counts in these.
            return None
        total += amount * usd
    if not rates.lines or any(line.unit == "token" for line in rates.lines):
        by_token = _tokens_of_pictures(rates, counts, shown)
        if by_token is None:
            return None
        total += by_token
    return micro_usd(total)


def _tokens_of_pictures(rates: Rates, counts: Counts, shown: int) -> Decimal | None:
    prices = _Prices.of(rates)
    if prices is None or counts.all_in is None or counts.all_out is None:
        return None
    apart = (counts.text_in or _ZERO) * prices.text_in + (counts.images_in or _ZERO) * prices.images_in
    rest_in = max(_ZERO, counts.all_in - (counts.text_in or _ZERO) - (counts.images_in or _ZERO))
    painted = counts.images_out or _ZERO
    rest_out = max(_ZERO, counts.all_out - painted)
    return (
        apart
        + rest_in * (max(prices.text_in, prices.images_in) if shown else prices.text_in)
        + painted * prices.images_out
        + rest_out * (max(prices.images_out, prices.text_out) if counts.images_out is None else prices.text_out)
    )


class _Prices(Struct, frozen=True):
    text_in: Decimal
    images_in: Decimal
    text_out: Decimal
    images_out: Decimal

    @classmethod
    def of(cls, rates: Rates) -> "_Prices | None":
        """The prices of tokens, each as the lines have it, else the model's as one that writes, else the dearest."""
        lines = {name: usd for (name, unit), usd in _dearest_lines(rates.lines).items() if unit == "token"}
        words = rates.tokens
        prompt, completion, painted = (
            (words.prompt, _most((words.completion, words.internal_reasoning)), words.image_output)
            if words
            else (None, None, None)
        )
        dearest = _most((*lines.values(), prompt, completion, painted))
        if dearest is None:
            return None
        shown = _most((lines.get("input_image"), lines.get("input_reference")))
        return cls(
            text_in=_first(lines.get("input_text"), prompt, shown, dearest),
            images_in=_first(shown, _most((prompt, lines.get("input_text"))) if prompt is not None else None, dearest),
            text_out=_first(lines.get("output_text"), completion, dearest),
            images_out=_first(lines.get("output_image"), painted, dearest),
        )


def _dearest_lines(lines: Iterable[PriceLine]) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        key = (line.billable, line.unit)
        found[key] = max(found.get(key, _ZERO), line.usd or _ZERO)
    return found


def _most(prices: Iterable[Decimal | None]) -> Decimal | None:
    return max((price for price in prices if price is not None), default=None)


def _first(*prices: Decimal | None) -> Decimal:
    return next((price for price in prices if price is not None), _ZERO)
