"""The whole way of one cut-out: bytes of a picture in, bytes of the result out."""

from collections.abc import Callable
from math import ceil
from time import perf_counter
from typing import Final, Literal, TypeVar

from msgspec import Struct, field

from darkroom.errors import LowQuality
from darkroom.images.cutout import Cut, choose_background, cut_out
from darkroom.images.decode import decode
from darkroom.images.encode import encode
from darkroom.images.picture import opaque
from darkroom.images.quality import Assessment, assess
from darkroom.images.regions import shaped
from darkroom.models.cutout import MEDIA_TYPES, Cutout, CutoutOptions, Quality
from darkroom.models.segmentation import usable
from darkroom.ports import Matter, Segmenter

T = TypeVar("T")

# A JPEG is unpacked at a reduced scale no smaller than this many times the result: scaled down again from there, the
# result is the same to the eye. Below the least size the masks would change.
_OVERSAMPLING: Final = 2
_LEAST: Final = 1280

_LOOK: Final = "The model was not sure of all of it: look at the cut-out before you use it, or try another model."


class _Stopwatch(Struct, frozen=True):
    taken: dict[str, float] = field(default_factory=dict)

    def time(self, stage: str, work: Callable[[], T]) -> T:
        start = perf_counter()
        result = work()
        self.taken[stage] = round((perf_counter() - start) * 1000, 2)
        return result


def remove_background(
    data: bytes,
    options: CutoutOptions,
    *,
    segmenter: Segmenter,
    matter: Matter,
    default_model: str,
    max_megapixels: float,
    background_image: bytes | None = None,
) -> Cutout:
    """Cuts the subject out of the picture in `data`.

    Args:
        background_image: the bytes of a picture to put behind the subject.

    Raises:
        CallerError: the picture, the background, the model or another option cannot be used.
        LowQuality: the cut-out would score lower than `min_quality`.
    """
    model = options.model or usable(default_model, segmenter.available())
    watch = _Stopwatch()
    behind = None
    if background_image is not None:
        behind = watch.time("decode_background", lambda: decode(background_image, max_megapixels=max_megapixels))
    choose_background(options, behind)  # a mistake here is told before the work is done
    picture = watch.time("decode", lambda: decode(data, max_megapixels=max_megapixels, enough=_enough(options)))
    # What is transparent may hide any colour, and none of it should mislead the model: white shows through.
    flat = opaque(picture.pixels)
    mask = watch.time("segment", lambda: segmenter.mask(flat, model))
    mask = shaped(mask, options)
    found = assess(mask)
    if options.min_quality is not None and found.score < options.min_quality:
        raise _too_low(found, options.min_quality, model)
    if options.matting:
        mask = watch.time("matte", lambda: matter.refine(flat, mask))
    cut = watch.time("cutout", lambda: cut_out(picture, mask, options, background_image=behind))
    encoded = watch.time("encode", lambda: encode(cut.pixels, options.format, cut.icc))
    return Cutout(
        data=encoded,
        media_type=MEDIA_TYPES[options.format],
        width=cut.pixels.width,
        height=cut.pixels.height,
        subject=cut.subject,
        quality=_quality(found, cut, picture.pixels.size),
        model=model,
        timings_ms=watch.taken,
        warnings=picture.warnings + cut.warnings + _told(found, model, options.model or default_model),
    )


def _told(found: Assessment, model: str, meant: str) -> tuple[str, ...]:
    """Warnings about the mask."""
    instead = () if model == meant else (f"{meant} is not installed here, or not yet: {model} was used.",)
    return instead if found.is_clean else (*instead, _LOOK)


def _quality(found: Assessment, cut: Cut, size: tuple[int, int]) -> Quality:
    """Args: size: of the picture, in pixels."""
    box = None
    if found.box is not None:
        left, top, right, bottom = found.box
        box = cut.in_result((int(left * size[0]), int(top * size[1]), ceil(right * size[0]), ceil(bottom * size[1])))
    verdict: Literal["clean", "look"] = "clean" if found.is_clean else "look"
    return Quality(score=found.score, verdict=verdict, reasons=found.reasons, box=box)


def _too_low(found: Assessment, least: float, model: str) -> LowQuality:
    return LowQuality(
        f"The cut-out that {model} makes scores {found.score:g}, and {least:g} was asked for.",
        fix="Ask for another model, for less in `min_quality`, or leave it out to get the cut-out all the same.",
        param="min_quality",
        context={"score": found.score, "reasons": list(found.reasons), "model": model},
    )


def _enough(options: CutoutOptions) -> int | None:
    """How large the picture must be unpacked; None for in full, as when only a part of it will be left."""
    if options.max_size is None or options.crop:
        return None
    return max(options.max_size * _OVERSAMPLING, _LEAST)
