"""Work on pictures that may be transparent, so that what lies hidden under transparency never shows."""

from collections.abc import Callable

from PIL import Image, ImageChops, ImageFilter

Work = Callable[[Image.Image], Image.Image]


def is_transparent(pixels: Image.Image) -> bool:
    """Whether any pixel is less than opaque."""
    return pixels.mode == "RGBA" and pixels.getchannel("A").getextrema() != (255, 255)


def on_colors(pixels: Image.Image, work: Work) -> Image.Image:
    """Does the work to the colors (RGB to RGB) and leaves alpha alone."""
    if pixels.mode == "RGB":
        return work(pixels)
    done = work(pixels.convert("RGB"))
    done.putalpha(pixels.getchannel("A"))
    return done


def premultiplied(pixels: Image.Image, work: Work) -> Image.Image:
    """Does the work where each color counts as much as it is opaque."""
    return work(pixels) if pixels.mode == "RGB" else work(pixels.convert("RGBa")).convert("RGBA")


def with_alpha(pixels: Image.Image, alpha: Image.Image) -> Image.Image:
    """The same colors with another alpha; where it is 0 the colors are 0, too: what was cut away has left."""
    cut = pixels.convert("RGB") if pixels.mode == "RGBA" else pixels.copy()
    cut.paste(0, mask=alpha.point([255] + [0] * 255))
    cut.putalpha(alpha)
    return cut


def both(alpha: Image.Image, pixels: Image.Image) -> Image.Image:
    """A mask, as far as the picture itself is opaque."""
    return ImageChops.multiply(alpha, pixels.getchannel("A")) if pixels.mode == "RGBA" else alpha


def bled(pixels: Image.Image, radius: float, *, from_solid: bool = False) -> Image.Image:
    """RGB: where the picture is transparent, the colors of what is near flow in.

    Args:
        radius: in pixels, about how far they are to flow.
        from_solid: half-transparent pixels, which hold some of the background that was there, are flooded, too.
    """
    if not is_transparent(pixels):
        return pixels.convert("RGB")
    flowing = _flowing(pixels, radius)
    if from_solid:
        solid = pixels.copy()
        solid.putalpha(pixels.getchannel("A").point([max(2 * value - 255, 0) for value in range(256)]))
        flowing = _over(_flowing(solid, radius), flowing)
    return flowing.convert("RGB")


def _flowing(pixels: Image.Image, radius: float) -> Image.Image:
    # Far from the opaque, little is left of the alpha, and 8 bits of a color with it: the wide one comes below.
    near = _over(pixels, _blurred(pixels, radius))
    return _over(near, _blurred(pixels, 4 * radius))


def _blurred(pixels: Image.Image, radius: float) -> Image.Image:
    return premultiplied(pixels, lambda image: image.filter(ImageFilter.GaussianBlur(radius)))


def _over(above: Image.Image, below: Image.Image) -> Image.Image:
    """`above` where at least 32 steps of its alpha are left, `below` elsewhere."""
    done = below.copy()
    done.paste(above, mask=above.getchannel("A").point([min(value * 8, 255) for value in range(256)]))
    return done
