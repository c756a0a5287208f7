"""From the size that a caller asks for to the shape and the tier that models take.

Few models take pixels: they take an aspect ratio, and some of them a tier, which is the longer side. So `1792x1024` is
16:9 at 2K, or 16:9 alone of a model without tiers, which makes about a megapixel. A size that OpenAI's models take and
this one does not becomes the nearest that it makes, and a warning says so.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import InvalidDimensions
from darkroom.models.image_request import ImageRequest
from darkroom.models.quote import InputShape
from darkroom.services.catalogue.capabilities import Candidate, shared

AUTO = "auto"
# The longer side in pixels.
TIERS: Final = {"512": 512, "768": 768, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
# The longest side, and the most pixels, that OpenAI's models make.
MOST_SIDE: Final = 3840
_MOST_PIXELS: Final = 3840 * 2160
# How many times as wide, or as high, a shape may be that counts as the same; and one that is taken if none is nearer.
_TOLERANCE = 1.06
_NEAREST = 1.35
_PIXELS = re.compile(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})")
_RATIO = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)")


class Shape(Struct, frozen=True):
    """What the model is told; None is left to it."""

    size: str | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    warnings: tuple[str, ...] = ()


def shape(
    request: ImageRequest, candidates: Sequence[Candidate], inputs: Sequence[InputShape] = (), *, masked: bool = False
) -> Shape:
    """The shape for all the models that may serve.

    Explicit aspect ratios and resolutions are passed on as they are; whether they are taken is checked elsewhere.

    Raises:
        InvalidDimensions: the size cannot be read, cannot be had, or contradicts the rest of the request.
    """
    ratio = (request.aspect_ratio or "").strip().lower() or None
    tier = _tier(request.resolution) if request.resolution else None
    if tier == "1K" and not any(each.lists("resolution") for each in candidates):
        tier = None  # which is what they make
    size = (request.size or AUTO).strip()
    if size.lower() == AUTO:
        if ratio is None and masked and inputs:
            ratio = _nearest_to_input(inputs[0], candidates)
        return Shape(aspect_ratio=ratio, resolution=tier)
    if _tier(size) in TIERS:
        return _of_tier(size, ratio, tier, candidates)
    return _of_pixels(_pixels(size), ratio, tier, candidates)


def _of_tier(size: str, ratio: str | None, tier: str | None, candidates: Sequence[Candidate]) -> Shape:
    if tier not in (None, _tier(size)):
        raise _contradiction(size, "resolution", str(tier), _tiers(candidates) or _made(candidates)[0])
    if not _tiers(candidates) and not all(each.accepts("resolution", _tier(size)) for each in candidates):
        if _tier(size) == "1K":
            return Shape(aspect_ratio=ratio)  # which is what they make
        raise _without_tiers(candidates)
    return Shape(aspect_ratio=ratio, resolution=_tier(size))


def _of_pixels(pixels: tuple[int, int], ratio: str | None, tier: str | None, candidates: Sequence[Candidate]) -> Shape:
    size = f"{pixels[0]}x{pixels[1]}"
    if ratio not in (None, AUTO) and not _is_near(pixels, str(ratio)):
        raise _contradiction(size, "aspect_ratio", str(ratio), _made(candidates)[0])
    if all(each.accepts("size", size) for each in candidates):
        return Shape(size=size, aspect_ratio=ratio, resolution=tier)
    chosen = ratio if ratio not in (None, AUTO) else _ratio_for(pixels, candidates)
    covering = _covering(pixels, candidates)
    if tier not in (None, covering):
        raise _contradiction(size, "resolution", str(tier), _tiers(candidates) or _made(candidates)[0])
    made = Shape(aspect_ratio=chosen, resolution=covering)
    return made if _is_exact(pixels, made, candidates) else _with_warning(made, size)


def _ratio_for(pixels: tuple[int, int], candidates: Sequence[Candidate]) -> str | None:
    """The accepted ratio nearest to the pixels'; None if the models take none and it is nearly a square anyway."""
    ratios = _ratios(candidates)
    if not ratios and _distance(pixels, "1:1") <= _NEAREST:
        return None
    nearest = min(ratios, key=lambda each: _distance(pixels, each), default=None)
    if nearest is None or _distance(pixels, nearest) > _NEAREST:
        detail = f"{_names(candidates)} makes no pictures of the shape {pixels[0]}x{pixels[1]}."
        accepted, what = _made(candidates)
        raise _refusal(detail, accepted, what=what)
    return nearest


def _covering(pixels: tuple[int, int], candidates: Sequence[Candidate]) -> str | None:
    """The smallest accepted tier with room for the longer side, else the largest; None for models without tiers."""
    longest = max(pixels)
    tiers = _tiers(candidates)
    is_usual = longest <= MOST_SIDE and pixels[0] * pixels[1] <= _MOST_PIXELS
    if not tiers:
        if is_usual:
            return None
        raise _without_tiers(candidates)
    able = [each for each in tiers if TIERS[each] >= longest]
    if not able:
        most = max(TIERS[each] for each in tiers)
        if is_usual:
            return max(tiers, key=TIERS.__getitem__)
        detail = f"{_names(candidates)} makes pictures with sides up to {most} pixels, and {longest} were asked for."
        raise _refusal(detail, tiers, most=most, what="The resolutions it takes are")
    return min(able, key=TIERS.__getitem__)


def _nearest_to_input(first: InputShape, candidates: Sequence[Candidate]) -> str | None:
    """A mask says where in the first picture, so what is made has to be of its shape."""
    accepted = shared(candidates, "aspect_ratio")
    if AUTO in accepted:
        return None
    ratios = [each for each in accepted if _RATIO.fullmatch(each)]
    return min(ratios, key=lambda each: _distance((first.width, first.height), each), default=None)


def _tier(word: str) -> str:
    """`2k` is `2K`; half of 1K has two names."""
    plain = word.strip().upper()
    return "512" if plain == "0.5K" else plain


def _pixels(size: str) -> tuple[int, int]:
    match = _PIXELS.fullmatch(size)
    if match and int(match[1]) and int(match[2]):
        return int(match[1]), int(match[2])
    raise InvalidDimensions(
        f"`size` is {size!r}, which is no size.",
        fix=f"Give WIDTHxHEIGHT in pixels, for example 1536x1024, or one of {', '.join(TIERS)}, or `auto`.",
        param="size",
        context={"accepted": [AUTO, *TIERS]},
    )


def _distance(pixels: tuple[int, int], ratio: str) -> float:
    """How many times as wide, or as high; 1 is the same shape."""
    match = _RATIO.fullmatch(ratio)
    if match is None or not float(match[1]) or not float(match[2]):
        return float("inf")
    times = (pixels[0] / pixels[1]) / (float(match[1]) / float(match[2]))
    return max(times, 1 / times)


def _is_near(pixels: tuple[int, int], ratio: str) -> bool:
    return _distance(pixels, ratio) <= _TOLERANCE


def _is_exact(pixels: tuple[int, int], made: Shape, candidates: Sequence[Candidate]) -> bool:
    """Whether the picture will certainly have these pixels."""
    longest = TIERS.get(made.resolution or "1K", 0)
    if made.aspect_ratio == "1:1":
        return pixels == (longest, longest)
    # OpenAI's oblong pictures are these, and nobody else's are.
    is_openai = all(each.model.id.startswith("openai/") for each in candidates)
    return is_openai and made.resolution is None and sorted(pixels) == [1024, 1536]


def _with_warning(made: Shape, size: str) -> Shape:
    asked = f"{made.aspect_ratio or 'a picture'} at {made.resolution or 'about a megapixel'}"
    note = f"Not {size} but {asked} is asked of the model, which takes no pixels: the picture will differ in size."
    return Shape(made.size, made.aspect_ratio, made.resolution, (note,))


def _names(candidates: Sequence[Candidate]) -> str:
    return " or ".join(each.model.id for each in candidates)


def _tiers(candidates: Sequence[Candidate]) -> list[str]:
    return [each for each in shared(candidates, "resolution") if each in TIERS]


def _ratios(candidates: Sequence[Candidate]) -> list[str]:
    return [each for each in shared(candidates, "aspect_ratio") if _RATIO.fullmatch(each)]


def _made(candidates: Sequence[Candidate]) -> tuple[list[str], str]:
    """Which shapes the models make, and what to call them."""
    if ratios := _ratios(candidates):
        return ratios, "The aspect ratios it takes are"
    if sizes := list(shared(candidates, "size")):
        return sizes, "The sizes it takes are"
    return ["1:1"], "The aspect ratio it makes is"


def _without_tiers(candidates: Sequence[Candidate]) -> InvalidDimensions:
    accepted, what = _made(candidates)
    detail = f"{_names(candidates)} makes pictures of about a megapixel."
    return _refusal(detail, accepted, most=MOST_SIDE, what=what)


def _refusal(detail: str, accepted: list[str], *, most: int | None = None, what: str) -> InvalidDimensions:
    context: dict[str, Any] = {"accepted": accepted, **({"max_side": most} if most else {})}
    sides = f", with sides up to {most} pixels" if most else ""
    return InvalidDimensions(detail, fix=f"{what} {', '.join(accepted)}{sides}.", param="size", context=context)


def _contradiction(size: str, other: str, value: str, accepted: Sequence[str]) -> InvalidDimensions:
    return InvalidDimensions(
        f"`size` {size} contradicts `{other}` {value}.",
        fix=f"Give `size` alone, or `{other}` alone.",
        param="size",
        context={"accepted": list(accepted)},
    )
