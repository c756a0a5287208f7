"""Colors in operations: words of CSS, which mean sRGB, brought to the profile of the picture they are put on."""

from io import BytesIO
from typing import Annotated, Final

from PIL import Image, ImageCms
from pydantic import AfterValidator, StringConstraints

from darkroom.errors import InvalidParameter
from darkroom.images import icc as profiles
from darkroom.images.colour import parse_background, parse_colour

Rgba = tuple[int, int, int, int]
Size = tuple[int, int]

EXAMPLES: Final = "CSS color: `white`, `#ff8800`, `rgba(0, 0, 0, 0.5)`"


def _color(text: str) -> str:
    parse_colour(text)
    return text


def _background(text: str) -> str:
    try:
        parse_background(text)
    except InvalidParameter as error:
        raise ValueError(f"{error.detail} {error.fix}") from error
    return text


CssColor = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), AfterValidator(_color)]
CssBackground = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400), AfterValidator(_background)
]


def rgba(color: str, icc: bytes | None) -> Rgba:
    """A color's values in the picture's profile."""
    red, green, blue, alpha = parse_colour(color)
    one = from_srgb(Image.new("RGB", (1, 1), (red, green, blue)), icc).tobytes()
    return one[0], one[1], one[2], alpha


def from_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """An RGB or RGBA picture in the profile; as it is where the profile knows no way from sRGB."""
    if icc is None or profiles.is_srgb(icc):
        return image
    try:
        transform = ImageCms.buildTransform(
            profiles.srgb(),
            ImageCms.ImageCmsProfile(BytesIO(icc)),
            "RGB",
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:
        return image
    converted = transform.apply(image.convert("RGB"))
    if image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted
