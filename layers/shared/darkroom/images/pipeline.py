"""The whole way of one cut-out: bytes of a picture in, bytes of the result out."""

from collections.abc import Callable
from math import ceil
from time import perf_counter
from typing import Final, Literal, TypeVar

from msgspec import Struct, field
from PIL import Image

from darkroom.errors import CallerError, LowQuality
from darkroom.images.choosing import corrected, limited, masked, strokes_of
from darkroom.images.cutout import Cut, choose_background, cut_out
from darkroom.images.decode import decode
from darkroom.images.encode import encode, encode_png
from darkroom.images.layout import sides
from darkroom.images.picture import Picture, opaque
from darkroom.images.quality import Assessment, assess
from darkroom.images.regions import shaped
from darkroom.images.sample import marked
from darkroom.images.segmented import segmented
from darkroom.models.cutout import MEDIA_TYPES, NOTHING_BESIDE, Beside, Cutout, CutoutOptions, Quality
from darkroom.models.segmentation import AUTO, usable
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
    beside: Beside = NOTHING_BESIDE,
    *,
    segmenter: Segmenter,
    matter: Matter,
    default_model: str,
    max_megapixels: float,
) -> Cutout:
    """Cuts the subject out of the picture in `data`.

    Raises:
        CallerError: the picture, one of those beside it, the model or another option cannot be used.
        LowQuality: the cut-out would score lower than `min_quality`.
    """
    installed = segmenter.available()
    meant = options.model or default_model
    wanted = options.model or (meant if meant == AUTO else usable(default_model, installed))
    watch = _Stopwatch()
    read = _read(data, options, beside, max_megapixels, watch)
    # What is transparent may hide any colour, and none of it should mislead the model: white shows through.
    flat = opaque(read.picture.pixels)

    def mask_by(model: str) -> Image.Image:
        return shaped(masked(flat, options.meant, lambda part: segmenter.mask(part, model)), options)

    least = options.min_quality or 0
    made = watch.time("segment", lambda: segmented(mask_by, wanted, installed, enough=least))
    if made.found.score < least:
        raise _too_low(made.found, least, made.model)
    mask = watch.time("matte", lambda: matter.refine(flat, made.mask)) if options.matting else made.mask
    cutout = _finished(data, read, mask, options, watch, made.model)
    told = (
        () if meant in (AUTO, made.model) else (f"{meant} is not installed here, or not yet: {made.model} was used.",)
    )
    return cutout.model_copy(update={"steps": made.steps, "warnings": cutout.warnings + told})


def refine(
    data: bytes, alpha: bytes, options: CutoutOptions, beside: Beside, *, model: str, max_megapixels: float
) -> Cutout:
    """Makes a cut-out once more of its picture and its mask; nothing is segmented.

    Args:
        alpha: the mask's file; of one that is transparent its alpha.
        model: that made it.

    Raises:
        CallerError: one of the pictures or an option cannot be used, or nothing is left.
    """
    watch = _Stopwatch()
    read = _read(data, options, beside, max_megapixels, watch)
    kept = decode(alpha, max_megapixels=max_megapixels).pixels
    kept = kept.getchannel("A") if kept.mode == "RGBA" else kept.convert("L")
    mask = shaped(limited(kept, options.meant, read.picture.pixels.size), options)
    return _finished(data, read, mask, options, watch, model)


class _Read(Struct, frozen=True):
    """A request's pictures, unpacked."""

    picture: Picture
    behind: Picture | None
    keep: Image.Image | None
    erase: Image.Image | None
    warnings: tuple[str, ...]


def _read(data: bytes, options: CutoutOptions, beside: Beside, max_megapixels: float, watch: _Stopwatch) -> _Read:
    sides(options.pad)  # a mistake here is told before the work is done, and in what goes behind the subject, too
    behind = None
    if (background := beside.behind) is not None:
        behind = watch.time("decode_background", lambda: decode(background, max_megapixels=max_megapixels))
    choose_background(options, behind)
    enough = None if beside.keep or beside.erase or options.meant else _enough(options)
    picture = watch.time("decode", lambda: decode(data, max_megapixels=max_megapixels, enough=enough))
    warnings, strokes = picture.warnings, dict[str, Image.Image | None]()
    for name, file in (("keep", beside.keep), ("erase", beside.erase)):
        strokes[name], told = (None, ()) if file is None else _strokes(file, picture, name, max_megapixels)
        warnings += told
    return _Read(picture, behind, strokes["keep"], strokes["erase"], warnings)


def _strokes(file: bytes, picture: Picture, name: str, max_megapixels: float) -> tuple[Image.Image, tuple[str, ...]]:
    try:
        return strokes_of(decode(file, max_megapixels=max_megapixels), picture.pixels.size, name)
    except CallerError as error:
        error.param = name
        raise


def _finished(
    data: bytes, read: _Read, mask: Image.Image, options: CutoutOptions, watch: _Stopwatch, model: str
) -> Cutout:
    """What is left once the mask is known."""
    picture = read.picture
    if read.keep is not None or read.erase is not None:
        mask = corrected(mask, picture.pixels.size, read.keep, read.erase)
    found = assess(mask)
    cut = watch.time("cutout", lambda: cut_out(picture, mask, options, background_image=read.behind))
    shown = marked(cut.pixels) if options.sandbox else cut.pixels
    dpi = (options.dpi, options.dpi) if options.dpi else picture.dpi
    encoded = watch.time("encode", lambda: encode(shown, options.format, cut.icc, dpi))
    return Cutout(
        data=encoded,
        media_type=MEDIA_TYPES[options.format],
        width=cut.pixels.width,
        height=cut.pixels.height,
        subject=cut.subject,
        quality=_quality(found, cut, picture.pixels.size),
        model=model,
        timings_ms=watch.taken,
        warnings=read.warnings + cut.warnings + (() if found.is_clean else (_LOOK,)),
        original=data,
        alpha=encode_png(mask),
    )


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
    if options.max_size is None or options.crop or options.canvas is not None:
        return None
    return max(options.max_size * _OVERSAMPLING, _LEAST)
