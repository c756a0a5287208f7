"""The contact sheet of all operations: one photograph, and what each of them makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFilter

from darkroom.images.decode import decode
from darkroom.operations import Canvas, Operation, load, names, render, run
from darkroom.operations._lettering import Style, font, wrapped
from local import state

SHEET = state.ROOT / "docs" / "images" / "operations.png"
_EVENTS: Final = state.ROOT / "events"
_MASK: Final = state.ROOT / "local" / "recipes_mask.png"

_COLUMNS: Final = 7
_SIDE, _GAP, _CAPTION, _SMALL = 120, 10, 54, 9
_PAPER, _INK, _FAINT = (236, 236, 236), (20, 20, 20), (90, 90, 90)
_FACE: Final = (165, 30, 285, 150)

# Of these the right half alone is done, so that both can be seen.
_HALVES: Final = ("face", "noisy", "dull", "yellow")
_OF: Final = {**dict.fromkeys(_HALVES, "right half: "), "crooked": "of a crooked photograph: ", "cut": "of a cut-out: "}


@dataclass(frozen=True)
class Example:
    """What shows an operation best.

    Attributes:
        fields: the operation's.
        of: what it is done to: the photograph, or what `_BEFORE` makes of it.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    of: str = "photo"


EXAMPLES: Final[Mapping[str, Example]] = {
    "auto_contrast": Example(of="dull"),
    "background_blur": Example({"radius": 2.5}),
    "blur": Example({"radius": 1.5}),
    "border": Example({"width": 4, "bottom": 15}),
    "brightness": Example({"amount": 30}),
    "color_temperature": Example({"temperature": 40}),
    "contrast": Example({"amount": 50}),
    "crop_to_subject": Example({"margin": 0}),
    "convert": Example({"format": "jpeg", "quality": 4}),
    "crop": Example({"ratio": "1:1", "width": 50, "left": 20, "height": 50}),
    "curves": Example({"points": [{"input": 64, "output": 30}, {"input": 190, "output": 225}]}),
    "denoise": Example({"amount": 50}, of="noisy"),
    "drop_shadow": Example({"blur": 2, "opacity": 80}, of="cut"),
    "exposure": Example({"stops": 1}),
    "frame": Example({"width": 512, "height": 256, "fill": 90, "position": "bottom-right"}, of="cut"),
    "gamma": Example({"gamma": 1.8}),
    "grain": Example({"amount": 40, "size": 0.4}),
    "hue": Example({"degrees": 120}),
    "levels": Example({"black": 40, "white": 200}),
    "posterize": Example({"levels": 4}),
    "refine_edges": Example({"feather": 1, "shift": -1}, of="cut"),
    "replace_background": Example({"background": "linear-gradient(45deg, #fff, #08f)"}),
    "resize": Example({"width": 512, "height": 256, "mode": "stretch"}),
    "rotate": Example({"angle": 20}),
    "rounded_corners": Example({"radius": 20}),
    "saturation": Example({"amount": 80}),
    "set_alpha": Example({"mask": "stroke", "mode": "erase"}),
    "sharpen": Example({"amount": 200, "radius": 0.8}, of="face"),
    "straighten": Example({"angle": 8}, of="crooked"),
    "text": Example({"text": "Eileen Collins", "size": 12, "bold": True, "shadow": 80}),
    "vibrance": Example({"amount": 100}),
    "vignette": Example({"amount": 85}),
    "watermark": Example({"text": "Darkroom", "tile": True, "angle": -30, "size": 30, "opacity": 70}),
    "white_balance": Example({"method": "point", "x": 65, "y": 20}, of="yellow"),
}


class PhotoTools:
    """The photograph's subject, as the background-removal function found it, and a stroke of a brush for a mask."""

    def subject(self, image: Image.Image) -> Image.Image:
        return _cut().getchannel("A").resize(image.size, Image.Resampling.BICUBIC)

    def picture(self, ref: str) -> Image.Image:
        if ref != "stroke":
            raise LookupError(ref)
        stroke = Image.new("L", (120, 120))
        ImageDraw.Draw(stroke).line(((10, 100), (50, 70), (70, 95), (110, 65)), 255, 14, "curve")
        return stroke


def write() -> None:
    SHEET.write_bytes(encoded(sheet()))


def encoded(picture: Image.Image) -> bytes:
    """PNG with a palette: a third of the size."""
    buffer = BytesIO()
    palette = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def sheet() -> Image.Image:
    """RGB: the photograph, then every operation there is."""
    tiles = [("original", "", _photo()), *((name, _caption(name), made(name)) for name in names())]
    rows = -(-len(tiles) // _COLUMNS)
    page = Image.new("RGB", (_COLUMNS * (_SIDE + _GAP) + _GAP, rows * (_SIDE + _CAPTION) + _GAP), _PAPER)
    draw = ImageDraw.Draw(page)
    for index, (name, caption, picture) in enumerate(tiles):
        left = _GAP + index % _COLUMNS * (_SIDE + _GAP)
        top = _GAP + index // _COLUMNS * (_SIDE + _CAPTION)
        page.paste(_thumbnail(picture), (left, top))
        draw.text((left, top + _SIDE + 2), name, _INK, font(12, bold=True))
        lines = wrapped(caption, Style(_SMALL, (*_FAINT, 255)), _SIDE)
        draw.multiline_text((left, top + _SIDE + 16), "\n".join(lines), _FAINT, font(_SMALL, bold=False), spacing=2)
    return page


def before(name: str) -> Image.Image:
    """What the operation is shown on."""
    return _BEFORE[EXAMPLES.get(name, Example()).of]()


def made(name: str) -> Image.Image:
    """What the operation makes of it; of some, the left half is as it was."""
    example = EXAMPLES.get(name, Example())
    picture = before(name)
    after = _after(load(name).model_validate(dict(example.fields)), picture)
    if example.of in _HALVES:
        half = (0, 0, picture.width // 2, picture.height)
        after.paste(picture.crop(half), half)
        ImageDraw.Draw(after).line((half[2], 0, half[2], picture.height), "white")
    return after


def _after(operation: Operation, picture: Image.Image) -> Image.Image:
    """As a file would show it: a format is seen only in what was written."""
    if "format" not in type(operation).model_fields:
        return run(Canvas(picture), (operation,), PhotoTools()).pixels.copy()
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    done = render(buffer.getvalue(), (operation,), PhotoTools(), max_megapixels=25)
    return decode(done.data, max_megapixels=25).pixels


def _caption(name: str) -> str:
    example = EXAMPLES.get(name, Example())
    if name == "curves":
        return "an S through two points"
    if name == "strip_metadata":
        return "looks as it did"
    said = ", ".join(
        f"{field} {str(value).lower() if isinstance(value, bool) else value}" for field, value in example.fields.items()
    )
    return _OF.get(example.of, "") + (said or "default")


def _thumbnail(picture: Image.Image) -> Image.Image:
    """As large as a tile allows, in its middle, on squares where it is transparent."""
    scale = min(_SIDE / picture.width, _SIDE / picture.height)
    size = (round(picture.width * scale), round(picture.height * scale))
    small = picture.resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    squares = _squares(size)
    squares.paste(small, mask=small.getchannel("A"))
    tile = Image.new("RGB", (_SIDE, _SIDE), _PAPER)
    tile.paste(squares, ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
    return tile


def _squares(size: tuple[int, int]) -> Image.Image:
    squares = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(squares)
    for top in range(0, size[1], 8):
        for left in range(top // 8 % 2 * 8, size[0], 16):
            draw.rectangle((left, top, left + 7, top + 7), fill="#ddd")
    return squares


@cache
def _photo() -> Image.Image:
    return decode((_EVENTS / "photo.jpg").read_bytes(), max_megapixels=25).pixels


@cache
def _cut() -> Image.Image:
    # Kept rather than made anew: the sheet is to be the same whatever models are at hand.
    cut = decode((_EVENTS / "photo.jpg").read_bytes(), max_megapixels=25).pixels.convert("RGB")
    with Image.open(_MASK) as mask:
        cut.putalpha(mask.convert("L"))
    return cut


def _through(*recipe: Mapping[str, Any]) -> Image.Image:
    operations = [load(each["op"]).model_validate(dict(each)) for each in recipe]
    return run(Canvas(_photo()), operations, PhotoTools()).pixels


def _face() -> Image.Image:
    return _photo().crop(_FACE)


def _noisy() -> Image.Image:
    noisy = run(Canvas(_face()), (load("grain").model_validate({"amount": 30, "colored": True}),), PhotoTools())
    return noisy.pixels


_BEFORE: Final[Mapping[str, Callable[[], Image.Image]]] = {
    "photo": _photo,
    "cut": _cut,
    "face": lambda: _face().filter(ImageFilter.GaussianBlur(0.8)),
    "noisy": _noisy,
    "dull": lambda: _through({"op": "levels", "output_black": 70, "output_white": 180}),
    "yellow": lambda: _through({"op": "color_temperature", "temperature": 60}),
    "crooked": lambda: _through({"op": "straighten", "angle": -8}),
}
