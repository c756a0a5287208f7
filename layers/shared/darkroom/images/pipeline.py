"""The whole way of one cut-out: bytes of a picture in, bytes of the result out."""

from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

from msgspec import Struct, field

from darkroom.images.cutout import choose_background, cut_out
from darkroom.images.decode import decode
from darkroom.images.encode import encode
from darkroom.images.picture import opaque
from darkroom.models.cutout import MEDIA_TYPES, Cutout, CutoutOptions
from darkroom.ports import Matter, Segmenter

T = TypeVar("T")

# A JPEG is unpacked at a reduced scale no smaller than this many times the result: scaled down again from there, the
# result is the same to the eye. Below the least size the masks would change.
_OVERSAMPLING: Final = 2
_LEAST: Final = 1280


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
    """
    model = options.model or default_model
    watch = _Stopwatch()
    behind = None
    if background_image is not None:
        behind = watch.time("decode_background", lambda: decode(background_image, max_megapixels=max_megapixels))
    choose_background(options, behind)  # a mistake here is told before the work is done
    picture = watch.time("decode", lambda: decode(data, max_megapixels=max_megapixels, enough=_enough(options)))
    # What is transparent may hide any colour, and none of it should mislead the model: white shows through.
    flat = opaque(picture.pixels)
    mask = watch.time("segment", lambda: segmenter.mask(flat, model))
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
        model=model,
        timings_ms=watch.taken,
        warnings=picture.warnings + cut.warnings,
    )


def _enough(options: CutoutOptions) -> int | None:
    """How large the picture must be unpacked; None for in full, as when only a part of it will be left."""
    if options.max_size is None or options.crop:
        return None
    return max(options.max_size * _OVERSAMPLING, _LEAST)
