"""Does a recipe: the same result as one operation after the other, with less rounding and in less time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from darkroom.errors import CallerError
from darkroom.images.decode import decode
from darkroom.operations._base import Canvas, ColourOperation, Operation, PointOperation, Tools
from darkroom.operations._encode import encoded
from darkroom.operations._fuse import Pixelwise, fused
from darkroom.operations._geometry import Geometric

# Rises when a recipe gives other pixels than it did.
ENGINE_VERSION: Final = "1"

Numbered = tuple[int, Operation]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished picture; width and height in pixels."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    warnings: tuple[str, ...] = ()


def render(data: bytes, operations: Sequence[Operation], tools: Tools, *, max_megapixels: float) -> Rendered:
    """A file, after a recipe, as a file that holds pixels and the colour profile and nothing else.

    Its format is what the recipe converts to; else the one it came in where that is PNG, JPEG or WebP, and PNG for the
    rest. A JPEG that has become transparent leaves as PNG.

    Raises:
        InvalidParameter: an operation cannot be done on this picture; `param` is like `operations[2].left`.
        EmptyImage, UnsupportedMediaType, ImageTooLarge, UnreadableImage: as `decode` says.
    """
    picture = decode(data, max_megapixels=max_megapixels)
    canvas = run(Canvas(picture.pixels, picture.icc, warnings=picture.warnings), operations, tools)
    file, media_type, warnings = encoded(canvas, picture.source_format)
    return Rendered(file, media_type, *canvas.pixels.size, warnings)


def run(canvas: Canvas, operations: Sequence[Operation], tools: Tools) -> Canvas:
    """The canvas after the operations, in their order as far as it makes a difference.

    Raises:
        CallerError: what an operation cannot do; its `param` begins with `operations[i]`.
    """
    for step in _steps(operations):
        canvas = canvas.having(fused(canvas.pixels, step)) if isinstance(step, list) else _applied(canvas, step, tools)
    return canvas


def _steps(operations: Sequence[Operation]) -> Iterator[list[Pixelwise] | Numbered]:
    """Pixelwise operations together; what only leaves pixels out or moves them goes before them, on to fewer pixels."""
    waiting: list[Pixelwise] = []
    for numbered in enumerate(operations):
        operation = numbered[1]
        if isinstance(operation, PointOperation | ColourOperation):
            waiting.append(operation)
            continue
        if waiting and not (isinstance(operation, Geometric) and operation.moves_whole_pixels):
            yield waiting
            waiting = []
        yield numbered
    if waiting:
        yield waiting


def _applied(canvas: Canvas, numbered: Numbered, tools: Tools) -> Canvas:
    index, operation = numbered
    try:
        return operation.apply(canvas, tools)
    except CallerError as error:
        at = f"operations[{index}]"
        error.param = f"{at}.{error.param}" if error.param else at
        raise
