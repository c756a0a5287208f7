"""One example of each operation, and what it looked like when somebody last looked.

`python -m tests.unit.operations.goldens [name …]` paints them anew (all, or those named); look at them before you keep
them.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

from darkroom.operations import Canvas, Operation, parse, run
from tests.fakes.tools import EllipseTools
from tests.photos import swapped_rgb_profile
from tests.unit.operations import samples

GOLDEN: Final = Path(__file__).parents[2] / "golden" / "operations"

_STEPS: tuple[dict[str, Any], ...] = (
    {"op": "auto_contrast", "cutoff": 15},
    {"op": "black_and_white", "red": 70, "green": 30, "blue": 0},
    {"op": "brightness", "amount": 30},
    {"op": "color_temperature", "temperature": 50, "tint": -20},
    {"op": "contrast", "amount": 40},
    {"op": "crop", "left": 10, "width": 60, "ratio": "1:1"},
    {"op": "crop_to_subject", "margin": 0},
    {"op": "curves", "points": [{"input": 64, "output": 30}, {"input": 190, "output": 225}]},
    {"op": "duotone"},
    {"op": "exposure", "stops": 1},
    {"op": "flip"},
    {"op": "gamma", "gamma": 1.8},
    {"op": "hue", "degrees": 120},
    {"op": "invert"},
    {"op": "levels", "black": 40, "white": 220, "gamma": 1.2},
    {"op": "posterize", "levels": 3},
    {"op": "resize", "width": 60, "height": 60, "mode": "fill", "focus_x": 0},
    {"op": "rotate", "angle": 20},
    {"op": "saturation", "amount": -60},
    {"op": "sepia"},
    {"op": "straighten", "angle": 8},
    {"op": "vibrance", "amount": 100},
    {"op": "white_balance"},
)


def _canvas(name: str) -> Canvas:
    # Some do something to transparent pictures alone, or to those with a profile.
    if name in ("drop_shadow", "frame", "refine_edges", "convert"):
        return Canvas(samples.see_through())
    if name == "strip_metadata":
        return Canvas(samples.sample(), icc=swapped_rgb_profile())
    return Canvas(samples.sample())


EXAMPLES: Final[dict[str, tuple[Operation, Canvas]]] = {
    samples.name(operation): (operation, _canvas(samples.name(operation)))
    for operation in (*parse(_STEPS), *samples.EXAMPLES)
}


def difference(name: str) -> tuple[float, float]:
    """Structural similarity (1 is equal) and mean absolute difference (levels of 255) to the golden."""
    with Image.open(GOLDEN / f"{name}.png") as file:
        golden = file.copy()
    done = _done(name)
    assert (done.mode, done.size) == (golden.mode, golden.size)
    ours, theirs = (np.asarray(image.convert("RGBA").convert("RGBa")) for image in (done, golden))
    similarity = structural_similarity(ours, theirs, channel_axis=2)  # type: ignore[no-untyped-call]
    return float(similarity), float(np.abs(ours.astype(int) - theirs).mean())


def _done(name: str) -> Image.Image:
    operation, canvas = EXAMPLES[name]
    return run(canvas, [operation], EllipseTools()).pixels


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each in sys.argv[1:] or EXAMPLES:
        _done(each).save(GOLDEN / f"{each}.png", optimize=True)
