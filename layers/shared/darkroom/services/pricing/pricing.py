"""What a request will cost, and what it may cost at most, from the price lines that its model's sources publish.

    {"billable":"output_image","unit":"image","cost_usd":0.06,"variant":"low_2k"}

When a variant applies is free text. So for the bound, of the lines for the same thing the dearest counts that is not
certainly for another resolution or quality, and of all sources the dearest. What cannot be told is unknown, which is
None: a source without a price for the picture, a line without an amount, a unit that is not known here, no source.

Some charges have no line. A picture to work from that has none is taken for a tenth of the picture made, for each
megapixel where pixels are priced (observed: 7 %); words that have none for as much as a token of a picture shown, and
else they are within the margin.

The estimate is what is to be expected: of the lines the one that is for just this, pictures and words by the counts
that are usual, and the providers' defaults for the rest. It is never above the bound. The estimate is told,
and the limit of a request looks at it; the bound, with a margin, is what is set aside.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from darkroom.models.catalogue import ImageEndpoint, PriceLine
from darkroom.models.generation import GenerationRequest
from darkroom.models.money import MicroUsd, dollars, micro_usd
from darkroom.models.quote import InputShape
from darkroom.services.catalogue.capabilities import Candidate
from darkroom.services.pricing.dimensions import TIERS
from darkroom.services.pricing.quantities import QUALITIES, LikelyWork, Work

MARGIN_PERCENT: Final = 10
_INPUTS: Final = ("input_image", "input_reference")
_TIER_WORDS: Final = {**{tier.lower(): pixels for tier, pixels in TIERS.items()}, "0.5k": 512}
# One word for what several sources write in two.
_HIGH: Final = "highresolution"
_HIGH_RESOLUTION: Final = re.compile(r"high[^a-z0-9]*res(olution)?")


def bound(
    request: GenerationRequest,
    candidates: Sequence[Candidate],
    inputs: Sequence[InputShape] = (),
    *,
    calls: Sequence[int] = (),
) -> MicroUsd | None:
    """The dearest that may apply, whichever model and source serves; None if that is unknown for one of them.

    Args:
        calls: pictures per call of the provider, where it takes several.
    """
    return _dearest(_costs(Work, request, candidates, inputs, calls))


def estimate(
    request: GenerationRequest,
    candidates: Sequence[Candidate],
    inputs: Sequence[InputShape] = (),
    *,
    calls: Sequence[int] = (),
) -> MicroUsd | None:
    """What it will probably cost if the dearest model and source serves; None where the bound is unknown."""
    most = bound(request, candidates, inputs, calls=calls)
    return likely(request, candidates, inputs, calls=calls, most=most)


def likely(
    request: GenerationRequest,
    candidates: Sequence[Candidate],
    inputs: Sequence[InputShape],
    *,
    calls: Sequence[int],
    most: MicroUsd | None,
) -> MicroUsd | None:
    """As `estimate`. Args: most: the bound, which is known already."""
    if most is None:
        return None
    found = _dearest(_costs(LikelyWork, request, candidates, inputs, calls))
    return most if found is None else min(most, found)


def least(
    request: GenerationRequest,
    candidates: Sequence[Candidate],
    inputs: Sequence[InputShape] = (),
    *,
    calls: Sequence[int] = (),
) -> MicroUsd:
    """The dearest of what is known; 0 if nothing is. What others cost that say nothing may be more."""
    known = [each for each in _costs(Work, request, candidates, inputs, calls) if each is not None]
    return micro_usd(max(known, default=Decimal(0))) or 0


def _dearest(costs: Sequence[Decimal | None]) -> MicroUsd | None:
    known = [each for each in costs if each is not None]
    return micro_usd(max(known)) if known and len(known) == len(costs) else None


def _costs(
    kind: type[Work],
    request: GenerationRequest,
    candidates: Sequence[Candidate],
    inputs: Sequence[InputShape],
    calls: Sequence[int],
) -> list[Decimal | None]:
    """For each source of each model; a model without sources is one that says nothing."""
    costs: list[Decimal | None] = []
    for candidate in candidates:
        works = [kind(request.model_copy(update={"n": n}), candidate, tuple(inputs)) for n in calls or (request.n,)]
        costs += [_sum([_cost(work, each) for work in works]) for each in candidate.endpoints] or [None]
    return costs


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = [each for each in costs if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def reserve(amount: MicroUsd | None) -> MicroUsd | None:
    """The amount with a margin, rounded up."""
    return None if amount is None else -(-amount * (100 + MARGIN_PERCENT) // 100)


def _cost(work: Work, endpoint: ImageEndpoint) -> Decimal | None:
    """Dollars that one source may take."""
    if work.has_unpriced_option(endpoint) or not any(each.billable == "output_image" for each in endpoint.prices):
        return None
    groups: dict[tuple[str, str], list[PriceLine]] = defaultdict(list)
    for line in endpoint.prices:
        groups[line.billable, line.unit].append(line)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for (billable, unit), lines in groups.items():
        if _is_irrelevant(work, billable, endpoint):
            continue
        quantity, price = _quantity(work, billable, unit, endpoint), _price(lines, work)
        if quantity is None or price is None:
            return None
        sums[billable] += quantity * price
    unlisted = _unlisted_references(work, endpoint, sums) + _unlisted_text(work, endpoint)
    return sum(sums.values(), unlisted)


def _is_irrelevant(work: Work, billable: str, endpoint: ImageEndpoint) -> bool:
    if billable in _INPUTS:
        return not work.inputs
    if billable == "input_font":
        return not work.fonts(endpoint)
    # What is put in that is not known here, we do not put in.
    return billable.startswith("input_") and billable != "input_text"


def _quantity(work: Work, billable: str, unit: str, endpoint: ImageEndpoint) -> Decimal | None:
    if billable in _INPUTS:
        return work.shown(unit)
    if billable == "input_text":
        return work.said(unit)
    if billable == "input_font":
        return Decimal(work.fonts(endpoint) * work.request.n)
    # Of what else comes out only the pictures can be counted beforehand.
    return work.made(unit) if billable == "output_image" or unit in ("image", "request") else None


def _price(lines: Sequence[PriceLine], work: Work) -> Decimal | None:
    """Dollars per unit by the dearest line that may apply; None if one of them has no amount."""
    # None for this very resolution and quality: then nobody knows which it will be.
    able = [line for line in lines if _may_apply(line.variant, work)] or lines
    if isinstance(work, LikelyWork):
        # What is for just this holds in place of what is for everything.
        special = [line for line in able if line.variant and _is_understood(line.variant)]
        able = special or [line for line in able if not line.variant] or able
    amounts = [dollars(line.usd) for line in able]
    known = [amount for amount in amounts if amount is not None]
    return max(known) if len(known) == len(amounts) else None


def _may_apply(variant: str | None, work: Work) -> bool:
    """False only for a variant that speaks of nothing but tiers and qualities, one of which is not the request's."""
    if not _is_understood(variant):
        return True
    tier, quality = TIERS.get(work.tier or ""), work.quality
    for word in _words(variant):
        if word in _TIER_WORDS and tier is not None and _TIER_WORDS[word] != tier:
            return False
        if word in QUALITIES and quality in QUALITIES and word != quality:
            return False
        if word == _HIGH and tier is not None and tier <= TIERS["1K"]:
            return False
    return True


def _is_understood(variant: str | None) -> bool:
    return all(word in _TIER_WORDS or word in QUALITIES or word == _HIGH for word in _words(variant))


def _words(variant: str | None) -> list[str]:
    plain = _HIGH_RESOLUTION.sub(_HIGH, (variant or "").lower())
    return [word for word in re.split(r"[^a-z0-9.]+", plain) if word]


def _unlisted_references(work: Work, endpoint: ImageEndpoint, sums: dict[str, Decimal]) -> Decimal:
    if any(line.billable in _INPUTS for line in endpoint.prices):
        return Decimal(0)
    by_pixels = any(line.billable == "output_image" and line.unit == "megapixel" for line in endpoint.prices)
    return sums["output_image"] * work.unlisted_references(by_pixels=by_pixels)


def _unlisted_text(work: Work, endpoint: ImageEndpoint) -> Decimal:
    if any(line.billable == "input_text" for line in endpoint.prices):
        return Decimal(0)
    shown = [line.usd for line in endpoint.prices if (line.billable, line.unit) == ("input_image", "token")]
    dearest = max((dollars(usd) or Decimal(0) for usd in shown), default=Decimal(0))
    return Decimal(work.said_tokens() * work.times) * dearest
