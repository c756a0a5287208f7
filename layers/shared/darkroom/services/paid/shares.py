"""How a sum that several calls cost together is divided among them."""

from collections.abc import Sequence

from msgspec import Struct

from darkroom.errors import Charged
from darkroom.models.job import SettledTogether
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import Share


class Range(Struct, frozen=True):
    """What one job may have cost, both inclusive."""

    low: MicroUsd
    high: MicroUsd


def divided(ranges: Sequence[Range], total: MicroUsd) -> tuple[Share, ...] | None:
    """The parts of the total, in the order of the ranges: each within its range, and together the total exactly.

    A part is as far above the low end of its range as the total is above all low ends, in proportion to the ranges.
    Where only one division is possible, such as of zero, it is that one. None if the total is not within the ranges'
    sums.
    """
    low, high = sum(each.low for each in ranges), sum(each.high for each in ranges)
    if not low <= total <= high:
        return None
    rest, spare = total - low, max(high - low, 1)
    parts = [each.low + rest * (each.high - each.low) // spare for each in ranges]
    # What rounding down has left goes to those that lost most by it.
    lost = sorted(range(len(ranges)), key=lambda n: (-(rest * (ranges[n].high - ranges[n].low) % spare), n))
    for n in lost[: total - sum(parts)]:
        parts[n] += 1
    together = SettledTogether(jobs=len(ranges), total=total)
    return tuple(
        Share(
            amount=part, charged=_charged(each, total - (high - each.high), total - (low - each.low)), together=together
        )
        for each, part in zip(ranges, parts, strict=True)
    )


def _charged(each: Range, least: MicroUsd, most: MicroUsd) -> Charged:
    """Args: least, most: what it cost if the others cost as much, or as little, as they can."""
    if max(each.low, least) > 0:
        return True
    return "unknown" if min(each.high, most) > 0 else False
