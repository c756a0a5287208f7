"""Hints: fields that say how a picture should be made, and that not every model has.

A model without the field makes the picture all the same, for what it takes anyway: the hint is left out, and a warning
says so. Refused is only what would cost more than was asked for.
"""

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from darkroom.models.image_request import ImageRequest
from darkroom.models.job import CutoutFormat
from darkroom.services.catalogue.capabilities import Candidate, shared
from darkroom.services.pricing.dimensions import AUTO
from darkroom.services.pricing.quantities import QUALITIES

_OLD_QUALITIES: Final = {"standard": "medium", "hd": "high"}
_COMPRESSED_FORMATS: Final = ("jpeg", "webp")
_LOSSLESS: Final = 100


T = TypeVar("T")


class Hint(Struct, Generic[T], frozen=True):
    """What is sent of a hint; None if nothing is."""

    value: T | None = None
    warnings: tuple[str, ...] = ()


def quality(given: str | None, candidates: Sequence[Candidate]) -> Hint[str]:
    """The quality in the models' words.

    If none is given, or `auto`, it is `medium` where the models have that: their own choice could be the dearest, and
    its cost could not be told beforehand. One that they lack becomes the next lower one. One that is lower than all
    of theirs is sent as it is, to be refused: what they have instead costs more.
    """
    listed = [each for each in QUALITIES if each in shared(candidates, "quality")]
    if given in (None, AUTO):
        if "medium" not in listed:
            return Hint(given)
        said = ("`quality` auto is asked for as medium, so that its price is known.",) if given else ()
        return Hint("medium", said)
    if not any(each.lists("quality") for each in candidates):
        return Hint(None, (_ignored("quality"),))
    wanted = _OLD_QUALITIES.get(str(given), str(given))
    if wanted in listed or wanted not in QUALITIES:
        return Hint(wanted)
    lower = [each for each in listed if QUALITIES.index(each) < QUALITIES.index(wanted)]
    if not lower:
        return Hint(wanted)
    return Hint(lower[-1], (f"`quality` {given} is asked for as {lower[-1]}: the model has nothing nearer.",))


def compression(
    given: int | None, output_format: str | None, candidates: Sequence[Candidate], *, masked: bool
) -> Hint[int]:
    """How strongly the provider compresses, where it is asked for a format in which one can; with a mask it is ours."""
    if given is None or masked:
        return Hint()
    if output_format in _COMPRESSED_FORMATS and all(each.accepts("output_compression", given) for each in candidates):
        return Hint(given)
    # 100 is what clients send that want nothing lost.
    return Hint() if given == _LOSSLESS else Hint(None, (_ignored("output_compression"),))


def cutout(request: ImageRequest, candidates: Sequence[Candidate]) -> Hint[CutoutFormat]:
    """How pictures are written whose background is removed here, where one is to be transparent and the models cannot
    make it so. What is drawn in vectors, and what is no format for it, is left to be refused.
    """
    if request.background != "transparent" or all(each.accepts("background", "transparent") for each in candidates):
        return Hint()
    if request.output_format == "svg" or any(each.values("output_format") == ("svg",) for each in candidates):
        return Hint()
    said = (
        f"{candidates[0].model.id} makes no transparent background: what it makes is cut out of its background here, "
        "which costs nothing."
    )
    return Hint("webp" if request.output_format == "webp" else "png", (said,))


def _ignored(name: str) -> str:
    return f"`{name}` was ignored: the model has no such parameter."
