"""Does a recipe: the same result as one operation after the other, with less rounding and in less time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace
from PIL import Image

from darkroom.errors import CallerError, InvalidParameter
from darkroom.images.decode import decode
from darkroom.operations._base import Canvas, ColorOperation, Operation, PointOperation, Tools
from darkroom.operations._encode import encoded
from darkroom.operations._fuse import Pixelwise, fused
from darkroom.operations._geometry import Geometric

# Rises when a recipe gives other pixels than it did.
ENGINE_VERSION: Final = "1"

# Milliseconds on one vCPU. A caller waits for 25 seconds at the most, and others want the function, too.
MAX_WORK: Final = 8_000
_READ_AND_WRITTEN: Final = 100  # milliseconds for a megapixel: the file decoded, and the result encoded
_LOOKED_UP: Final = 45  # pixelwise operations, however many, together

Numbered = tuple[int, Operation]
Step = list[Pixelwise] | Numbered


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished picture; width and height in pixels."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    warnings: tuple[str, ...] = ()
    is_unchanged: bool = False
    """Every pixel is as it came, and nothing was asked of the file."""


def render(data: bytes, operations: Sequence[Operation], tools: Tools, *, max_megapixels: float) -> Rendered:
    """A file, after a recipe, as a file that holds pixels and the color profile and nothing else.

    Its format is what the recipe converts to; else the one it came in where that is PNG, JPEG or WebP, and PNG for the
    rest. A JPEG that has become transparent leaves as PNG.

    Raises:
        InvalidParameter: an operation cannot be done on this picture, or all of them would take too long; `param` is
            like `operations[2].left`.
        EmptyImage, UnsupportedMediaType, ImageTooLarge, UnreadableImage: as `decode` says.
    """
    picture = decode(data, max_megapixels=max_megapixels)
    canvas = run(Canvas(picture.pixels, picture.icc, warnings=picture.warnings), operations, tools)
    file, media_type, warnings = encoded(canvas, picture.source_format)
    is_unchanged = not any(each.changes_file for each in operations) and _is_same(picture.pixels, canvas.pixels)
    return Rendered(file, media_type, *canvas.pixels.size, warnings, is_unchanged)


def _is_same(before: Image.Image, after: Image.Image) -> bool:
    if before.mode != after.mode or before.size != after.size:
        return False
    return before is after or before.tobytes() == after.tobytes()


def run(canvas: Canvas, operations: Sequence[Operation], tools: Tools) -> Canvas:
    """The canvas after the operations, in their order as far as it makes a difference.

    Raises:
        CallerError: what an operation cannot do; its `param` begins with `operations[i]`.
    """
    steps, spent, first = list(_steps(operations)), 0.0, canvas
    for done, step in enumerate(steps):
        _check_work(steps[done:], canvas, spent)
        spent += _work(step, canvas)
        if isinstance(step, list):
            canvas = canvas.having(fused(canvas.pixels, step))
            continue
        index, operation = step
        if operation.needs_uncut and any(each.cuts for each in operations[:index]):
            kept = [each for each in operations[:index] if not each.cuts]
            canvas = replace(canvas, uncut=run(first, kept, tools).pixels)
        canvas = replace(_applied(canvas, step, tools), uncut=None)
    return canvas


def _check_work(steps: Sequence[Step], canvas: Canvas, spent: float) -> None:
    """Raises InvalidParameter if what comes next would take too long: up to where the picture gets another size.

    Args: spent: milliseconds that the steps before have taken.
    """
    work = spent + _megapixels(canvas) * _READ_AND_WRITTEN
    for step in steps:
        work += _work(step, canvas)
        if not isinstance(step, list) and isinstance(step[1], Geometric):
            break
    if work > MAX_WORK:
        raise InvalidParameter(
            f"On {_megapixels(canvas):.3g} megapixels the operations would take about {work / 1000:.0f} seconds; "
            f"{MAX_WORK / 1000:g} are allowed.",
            fix="Scale the picture down first, or do the operations in two recipes, one after the other.",
            param="operations",
            context={"estimated_seconds": round(work / 1000, 1), "max_seconds": MAX_WORK / 1000},
        )


def _work(step: Step, canvas: Canvas) -> float:
    """Milliseconds on one vCPU."""
    return _megapixels(canvas) * (_LOOKED_UP if isinstance(step, list) else step[1].cost)


def _megapixels(canvas: Canvas) -> float:
    return canvas.pixels.width * canvas.pixels.height / 1e6


def _steps(operations: Sequence[Operation]) -> Iterator[Step]:
    """Pixelwise operations together; what only leaves pixels out or moves them goes before them, on to fewer pixels."""
    waiting: list[Pixelwise] = []
    for numbered in enumerate(operations):
        operation = numbered[1]
        if isinstance(operation, PointOperation | ColorOperation):
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
