"""Pictures to try operations on, and an example of those that do more than change colors."""

from base64 import b64encode
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from darkroom.images.decode import decode
from darkroom.operations._base import Canvas, ColorOperation, Operation
from darkroom.operations.background_blur import BackgroundBlur
from darkroom.operations.blur import Blur
from darkroom.operations.border import Border
from darkroom.operations.convert import Convert
from darkroom.operations.denoise import Denoise
from darkroom.operations.drop_shadow import DropShadow
from darkroom.operations.frame import Frame
from darkroom.operations.grain import Grain
from darkroom.operations.refine_edges import RefineEdges
from darkroom.operations.remove_background import RemoveBackground
from darkroom.operations.replace_background import ReplaceBackground
from darkroom.operations.rounded_corners import RoundedCorners
from darkroom.operations.set_alpha import SetAlpha
from darkroom.operations.sharpen import Sharpen
from darkroom.operations.strip_metadata import StripMetadata
from darkroom.operations.text import Text
from darkroom.operations.vignette import Vignette
from darkroom.operations.vintage import Vintage
from darkroom.operations.watermark import Watermark
from tests.fakes.tools import EllipseTools
from tests.photos import photo, save

# A white disc on black, as a brush leaves one.
MASK: Final = (
    "data:image/png;base64,"
    + b64encode(save(EllipseTools(share=0.5).subject(Image.new("RGB", (80, 60))), "PNG")).decode()
)
# Strong enough that a picture of 80 x 60 shows them.
EXAMPLES: tuple[Operation, ...] = (
    Vintage(),
    Vignette(amount=80),
    Grain(amount=40),
    Sharpen(radius=2, amount=150),
    Blur(radius=2),
    Denoise(amount=60),
    BackgroundBlur(radius=3),
    Border(width=5, bottom=12, color="#ff8800"),
    RoundedCorners(radius=30),
    Frame(width=90, height=60, fill=80, position="bottom"),
    DropShadow(blur=3, offset_x=4, offset_y=4, opacity=80),
    Text(text="Grüße\nЖук", size=30, bold=True, outline=8, shadow=60),
    Watermark(text="Darkroom", tile=True, size=50, angle=-30, opacity=70),
    RemoveBackground(),
    ReplaceBackground(background="linear-gradient(45deg, #fff, #08f 80%)"),
    RefineEdges(feather=3, shift=-2),
    Convert(format="jpeg", background="#ff8800"),
    SetAlpha(mask=MASK, mode="erase"),
    StripMetadata(color_profile="convert_to_srgb"),
)
Array = NDArray[np.int64]


def array(image: Image.Image) -> Array:
    return np.asarray(image).astype(np.int64)


def name(operation: Operation) -> str:
    return str(type(operation).model_fields["op"].default)


def applied(operation: Operation, picture: Image.Image | Canvas, tools: EllipseTools | None = None) -> Image.Image:
    """What the operation makes of the picture, which it must not change."""
    canvas = picture if isinstance(picture, Canvas) else Canvas(picture)
    before = canvas.pixels.tobytes()
    done = run(operation, canvas, tools or EllipseTools()).pixels
    assert canvas.pixels.tobytes() == before, "the picture that went in was changed"
    assert done.mode in ("RGB", "RGBA")
    return done


def run(operation: Operation, canvas: Canvas, tools: EllipseTools) -> Canvas:
    if isinstance(operation, ColorOperation):
        return canvas.having(_one_by_one(operation, canvas.pixels))
    return operation.apply(canvas, tools)


def _one_by_one(operation: ColorOperation, pixels: Image.Image) -> Image.Image:
    """A color operation without an engine: slow, and exact."""
    color = operation.color()
    values = array(pixels.convert("RGB")).reshape(-1, 3)
    done = np.array([color((r / 255, g / 255, b / 255)) for r, g, b in values.tolist()])
    rgb = Image.fromarray(np.clip(done * 255 + 0.5, 0, 255).astype(np.uint8).reshape(pixels.height, pixels.width, 3))
    if pixels.mode == "RGBA":
        rgb.putalpha(pixels.getchannel("A"))
    return rgb


@cache
def sample() -> Image.Image:
    """80 x 60, RGB: a cat beside a ramp of greys, colors, and a hard edge."""
    picture = Image.new("RGB", (80, 60), "#356")
    picture.paste(photo("chelsea").crop((90, 0, 310, 300)).resize((44, 60), Image.Resampling.LANCZOS), (0, 0))
    picture.paste(Image.linear_gradient("L").rotate(90).resize((36, 12)).convert("RGB"), (44, 0))
    draw = ImageDraw.Draw(picture)
    for index, color in enumerate(("#f00", "#ff0", "#0f0", "#0ff", "#00f", "#f0f")):
        draw.rectangle((44 + 6 * index, 12, 49 + 6 * index, 23), fill=color)
    draw.ellipse((52, 30, 74, 52), fill="white")
    return picture


@cache
def see_through() -> Image.Image:
    """The same in RGBA: an ellipse of it, soft at its edge; under the transparent lies green, which must not show."""
    picture = Image.new("RGB", (80, 60), "#0f0")
    alpha = EllipseTools(share=0.85).subject(picture)
    picture.paste(sample(), mask=alpha.point([0] + [255] * 255))
    picture.putalpha(alpha)
    return picture


@cache
def odd() -> dict[str, Image.Image]:
    """Pictures as they come out of `decode`."""
    deep = Image.frombytes("I;16", (7, 5), bytes(range(70)))
    files = {
        "one pixel": save(Image.new("RGB", (1, 1), "red"), "PNG"),
        "one transparent pixel": save(Image.new("RGBA", (1, 1)), "PNG"),
        "palette": save(sample().quantize(16), "PNG"),
        "16 bits": save(deep, "PNG"),
        "grey with alpha": save(see_through().convert("LA"), "PNG"),
        "CMYK": save(sample().convert("CMYK"), "JPEG"),
        "alpha": save(see_through(), "PNG"),
        "wide": save(photo("coffee").resize((8000, 3)), "PNG"),
        "tall": save(photo("coffee").resize((2, 900)), "PNG"),
    }
    return {name: decode(data, max_megapixels=1).pixels for name, data in files.items()}
