"""Two pictures beside each other, and how alike they are."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageMath

from darkroom.images.colour import in_srgb
from darkroom.images.picture import Picture, opaque

GAP: Final = 8
TALLEST: Final = 1200
WIDEST: Final = 4096

_LONGEST: Final = 512
_WINDOW: Final = 8
# Wang et al., "Image quality assessment" (2004), for values of 0 to 255.
_C1: Final = (0.01 * 255) ** 2
_C2: Final = (0.03 * 255) ** 2
# Luminance and the two differences of colour: how much each counts, and what of it is none.
_BANDS: Final = ((0.8, 0), (0.1, 128), (0.1, 128))
_GREY: Final = (128, 128, 128)


def side_by_side(left: Picture, right: Picture) -> bytes:
    """Both at the same height with a thin transparent gap between them, as PNG in sRGB.

    It is as high as the higher one, but no higher than 1200 pixels and no wider than 4096.
    """
    a, b = in_srgb(left), in_srgb(right)
    room, shapes = WIDEST - GAP, a.width / a.height + b.width / b.height
    height = max(1, min(max(a.height, b.height), TALLEST, int(room / shapes)))
    # Only lines of a pixel's height or so are wider than that still, and are pressed together.
    squeeze = min(1.0, room / (shapes * height))
    a, b = _of_height(a, height, squeeze), _of_height(b, height, squeeze)
    both = Image.new("RGBA", (a.width + GAP + b.width, height))
    both.paste(a, (0, 0))
    both.paste(b, (a.width + GAP, 0))
    buffer = BytesIO()
    both.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def similarity(left: Picture, right: Picture) -> float:
    """How alike two pictures are, from 0 to 1; exactly 1 for the same pixels, and the same whichever comes first.

    It is the structural similarity (SSIM) in windows of 8 x 8 pixels, four fifths of it that of luminance and the rest
    that of colour. The pictures are compared in sRGB, on grey where they are transparent, at the size of the smaller
    one and at 512 pixels at the most; a picture of another shape is stretched to it.
    """
    size = _common_size(left.pixels.size, right.pixels.size)
    a, b = (opaque(in_srgb(each), _GREY).resize(size, Image.Resampling.BOX) for each in (left, right))
    bands = zip(_BANDS, a.convert("YCbCr").split(), b.convert("YCbCr").split(), strict=True)
    found = sum(weight * _ssim(_above(one, zero), _above(other, zero)) for (weight, zero), one, other in bands)
    return min(1.0, max(0.0, found))


def _ssim(a: Image.Image, b: Image.Image) -> float:
    """Args: a, b: mode F, of one size."""
    mean_a, mean_b = a.reduce(_WINDOW), b.reduce(_WINDOW)
    squares = [_times(one, other).reduce(_WINDOW) for one, other in ((a, a), (b, b), (a, b))]
    scores = _numbers(mean_a), _numbers(mean_b), *map(_numbers, squares)
    each = [_score(*window) for window in zip(*scores, strict=True)]
    return sum(each) / len(each)


def _score(a: float, b: float, aa: float, bb: float, ab: float) -> float:
    """SSIM of a window, from the means of both, of their squares and of their product."""
    light = (2 * (a * b) + _C1) / (a * a + b * b + _C1)
    return light * (2 * (ab - a * b) + _C2) / ((aa - a * a) + (bb - b * b) + _C2)


def _above(band: Image.Image, zero: int) -> Image.Image:
    difference: Image.Image = ImageMath.lambda_eval(lambda given: given["a"] - zero, a=band.convert("F"))
    return difference


def _times(a: Image.Image, b: Image.Image) -> Image.Image:
    product: Image.Image = ImageMath.lambda_eval(lambda given: given["a"] * given["b"], a=a, b=b)
    return product


def _numbers(image: Image.Image) -> list[float]:
    data = image.tobytes()
    return list(memoryview(data).cast("f"))


def _common_size(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    width, height = min(a, b, key=lambda size: (size[0] * size[1], size))
    scale = min(1.0, _LONGEST / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _of_height(image: Image.Image, height: int, squeeze: float) -> Image.Image:
    width = max(1, int(image.width * height / image.height * squeeze))
    if (width, height) == image.size:
        return image
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
