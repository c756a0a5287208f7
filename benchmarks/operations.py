"""Ten operations on one photograph: fused by Darkroom, and one by one with Pillow.

    python -m benchmarks.operations [--megapixels 12] [--rounds 5] [--costs]

"Pillow" is each operation with what Pillow offers for it (tables, ImageEnhance, a matrix; a lookup of 33 points a side
for vibrance and vintage), made ready beforehand. "8 bits" is Darkroom itself with a run for each operation. "ready" is
what Darkroom computes before the first pixel, once for a recipe. The errors are to the same arithmetic in floats that
are rounded never (root mean square, levels of 255).

"--costs" measures instead what each operation's `cost` is declared to be: milliseconds of one core for a megapixel.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from PIL import Image, ImageEnhance, ImageFilter

from darkroom.operations import Canvas, Operation, parse, run
from darkroom.operations._base import ColorOperation, PointOperation
from darkroom.operations._fuse import planned
from darkroom.operations._lattice import Error
from darkroom.operations._matrix import MatrixOperation
from darkroom.operations._passes import Chain
from tests.fakes.tools import EllipseTools
from tests.photos import photo

Work = Callable[[Image.Image], Image.Image]
Recipe = tuple[dict[str, Any], ...]

_LIGHT: Final[Recipe] = (
    {"op": "exposure", "stops": 0.3},
    {"op": "brightness", "amount": 5},
    {"op": "contrast", "amount": 15},
    {"op": "color_temperature", "temperature": 15},
)
_FINISH: Final[Recipe] = (
    {"op": "levels", "black": 6, "white": 248},
    {"op": "curves", "points": [{"input": 64, "output": 56}, {"input": 190, "output": 200}]},
    {"op": "gamma", "gamma": 1.1},
)
RECIPES: Final[dict[str, Recipe]] = {
    "tones alone": (*_LIGHT, *_FINISH, *_LIGHT[:3]),
    "tones and saturation": (*_LIGHT, {"op": "saturation", "amount": 15}, *_FINISH, *_LIGHT[1:3]),
    "everything": (
        *_LIGHT,
        {"op": "saturation", "amount": 10},
        {"op": "vibrance", "amount": 25},
        _FINISH[0],
        {"op": "hue", "degrees": 4},
        _FINISH[2],
        {"op": "sepia", "amount": 15},
    ),
    "a look": (
        *_LIGHT[:3],
        {"op": "vibrance", "amount": 25},
        {"op": "vintage", "amount": 40},
        *_FINISH[:2],
        {"op": "hue", "degrees": -3},
        {"op": "vibrance", "amount": 15},
        {"op": "contrast", "amount": -5},
    ),
}


def with_pillow(operation: Operation) -> Work:
    """The operation with Pillow's own means, everything that can be computed beforehand computed."""
    match operation.model_dump():
        case {"op": "brightness", "amount": amount}:
            return lambda image: ImageEnhance.Brightness(image).enhance(1 + amount / 100)
        case {"op": "contrast", "amount": amount}:
            return lambda image: ImageEnhance.Contrast(image).enhance(1 + amount / 100)
        case {"op": "saturation", "amount": amount}:
            return lambda image: ImageEnhance.Color(image).enhance(1 + amount / 100)
    if isinstance(operation, MatrixOperation):
        (a, b, c), (d, e, f), (g, h, i) = operation.matrix()
        return lambda image: image.convert("RGB", (a, b, c, 0, d, e, f, 0, g, h, i, 0))
    if isinstance(operation, PointOperation):
        values = [operation.curve(channel, value / 255) for channel in range(3) for value in range(256)]
        table = [round(min(max(value, 0), 1) * 255) for value in values]
        return lambda image: image.point(table)
    assert isinstance(operation, ColorOperation)
    convert = operation.color()
    lookup = ImageFilter.Color3DLUT.generate(33, lambda red, green, blue: convert((red, green, blue)))
    return lambda image: image.filter(lookup)


def pixelwise(recipe: Recipe) -> tuple[PointOperation | ColorOperation, ...]:
    return tuple(each for each in parse(recipe) if isinstance(each, PointOperation | ColorOperation))


def one_by_one(image: Image.Image, work: Sequence[Work]) -> Image.Image:
    for each in work:
        image = each(image)
    return image


def by_darkroom(image: Image.Image, *steps: Sequence[Operation]) -> Image.Image:
    canvas = Canvas(image)
    for operations in steps:
        canvas = run(canvas, operations, EllipseTools())
    return canvas.pixels


def mean_error(image: Image.Image, found: Image.Image, chain: Chain) -> float:
    before, after = ([tuple(value / 255 for value in pixel) for pixel in _pixels(each)] for each in (image, found))
    return Error.of([chain(colour) for colour in before], after).mean  # type: ignore[arg-type]


def _pixels(image: Image.Image) -> list[bytes]:
    data = image.tobytes()
    return [data[at : at + 3] for at in range(0, len(data), 3)]


def median_ms(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def compare(recipe: Recipe, image: Image.Image, rounds: int) -> list[str]:
    operations = pixelwise(recipe)
    steps = [[operation] for operation in operations]
    work = [with_pillow(operation) for operation in operations]
    small = image.resize((300, 300))
    start = time.perf_counter()
    for each in planned(operations):
        each.prepare()
    ready = (time.perf_counter() - start) * 1000
    by_darkroom(image, *steps)  # what it keeps is kept from here on
    ours = median_ms(lambda: by_darkroom(image, operations), rounds)
    apart = median_ms(lambda: by_darkroom(image, *steps), rounds)
    pillow = median_ms(lambda: one_by_one(image, work), rounds)
    chain = Chain(operations)
    errors = [mean_error(small, by_darkroom(small, *each), chain) for each in ([operations], steps)]
    return [
        f"{ours:.0f}", f"{ready:.0f}", f"{apart:.0f}", f"{pillow:.0f}", f"{pillow / ours:.2f}x",
        f"{len(planned(operations))}", *(f"{error:.2f}" for error in errors),
    ]  # fmt: skip


_COSTLY: Final[Recipe] = (
    {"op": "background_blur", "radius": 10},
    {"op": "blur", "radius": 20},
    {"op": "denoise", "amount": 100},
    {"op": "drop_shadow"},
    {"op": "grain", "amount": 50},
    {"op": "replace_background", "background": "white"},
    {"op": "resize", "width": 4000},
    {"op": "rotate", "angle": 33},
    {"op": "sharpen", "radius": 5},
    {"op": "straighten", "angle": 5},
    {"op": "watermark", "text": "Darkroom", "tile": True},
)


def costs(image: Image.Image) -> None:
    megapixels = image.width * image.height / 1e6
    print("\nMilliseconds of one core for a megapixel: measured, declared")
    for given in _COSTLY:
        (operation,) = parse([given])
        start = time.process_time()
        run(Canvas(image.copy()), [operation], EllipseTools())
        took = (time.process_time() - start) * 1000 / megapixels
        print(f"{given['op']:22}{took:8.0f}{operation.cost:8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--costs", action="store_true")
    arguments = parser.parse_args()
    image = photo("astronaut", arguments.megapixels)
    if arguments.costs:
        costs(image)
        return
    heads = ("fused ms", "ready ms", "8 bits ms", "Pillow ms", "ratio", "passes", "error", "error 8 bits")
    print(f"\nTen operations on {arguments.megapixels:g} MP")
    print(" " * 22 + "  ".join(head.rjust(9) for head in heads))
    for name, recipe in RECIPES.items():
        assert len(recipe) == 10
        cells = compare(recipe, image, arguments.rounds)
        print(
            name.ljust(22) + "  ".join(cell.rjust(max(9, len(head))) for cell, head in zip(cells, heads, strict=True))
        )


if __name__ == "__main__":
    main()
