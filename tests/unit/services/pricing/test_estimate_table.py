"""What is estimated is what it costs: every model of the simulator, its sizes and qualities, new and edited.

Each request is quoted from the published lists, becomes the very body that is sent, is read as the simulator reads it,
and billed by the simulator's price data. Nothing is painted.
"""

import io
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from PIL import Image

from darkroom.models.generation import Reference
from darkroom.models.quote import InputShape, Quote
from darkroom.providers._images import body
from darkroom.services.pricing.quotes import Quotes
from local.simulator import Simulator, costs
from local.simulator.catalogue import load
from local.simulator.image_request import parse
from local.simulator.money import micro_usd
from tests.unit.services.quoting import quote, quotes

# Hundreds of runs over lines that other tests reach.
pytestmark = pytest.mark.no_cover

PUBLISHED = [model.id for model in load().painters() if model.image and not model.image.unpublished]
SIZES = ("auto", "1024x1024", "1536x1024", "1024x1536", "1792x1024", "1920x1080", "512x512", "2048x2048", "3840x2160")
QUALITIES = (None, "auto", "low", "medium", "high", "standard", "hd")
# Of those that are sent along: one square, one of a telephone, one of a camera, and three of different sizes.
INPUTS: dict[str, list[tuple[int, int]]] = {
    "made": [],
    "small": [(512, 512)],
    "square": [(1024, 1024)],
    "tall": [(1080, 1920)],
    "large": [(4000, 3000)],
    "three": [(512, 512), (1500, 1000), (3000, 4000)],
}
PROMPT = "Make it a watercolor of the same scene in the first light of the morning"


@pytest.fixture(scope="module")
def quoting() -> Iterator[Quotes]:
    with Simulator() as simulator:
        yield quotes(simulator)


@cache
def _picture(size: tuple[int, int]) -> Reference:
    """A picture of that shape. The simulator bills a picture as one, however large, so a small one serves."""
    stream = io.BytesIO()
    Image.new("1", (size[0] // math.gcd(*size), size[1] // math.gcd(*size))).save(stream, "PNG")
    return Reference(data=stream.getvalue())


def _billed(made: Quote, shown: list[tuple[int, int]]) -> int:
    """Micro-dollars that the simulator takes for the body that is sent."""
    asked = made.request.model_copy(update={"references": tuple(map(_picture, shown))})
    request = parse(body(asked, asked.model), load())
    return micro_usd(
        costs.for_images(
            request.model,
            prompt=request.prompt,
            references=len(request.references),
            count=request.n,
            size=request.size,
            resolution=request.resolution,
            quality=request.quality,
            partials=1 if request.stream else 0,
        ).cost
    )


def _rows(model: str, quoting: Quotes, shown: list[tuple[int, int]]) -> Iterator[tuple[dict[str, Any], Quote, int]]:
    image = load().models[model].image
    assert image is not None
    inputs = [InputShape(width=width, height=height) for width, height in shown]
    # The price of what is sent along does not depend on the quality: with pictures, fewer of them will do.
    qualities = ("auto", "low", "hd") if shown else QUALITIES
    wanted: list[dict[str, Any]] = [{"size": size, "quality": quality} for size in SIZES for quality in qualities]
    wanted += [{"resolution": tier} for tier in image.resolutions]
    wanted += [{"aspect_ratio": ratio} for ratio in image.ratios]
    wanted += [{"n": image.n}, {"prompt": PROMPT * 30}]
    for asked in wanted:
        made = quote(quoting, model, inputs=inputs, **{"prompt": PROMPT, **asked})
        yield asked, made, _billed(made, shown)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("model", PUBLISHED)
def test_the_estimate_is_within_thirty_per_cent_and_the_reserve_is_enough(
    model: str, kind: str, quoting: Quotes
) -> None:
    most = load().models[model].image
    shown = INPUTS[kind][: most.references if most else 0]
    seen = 0
    for asked, made, paid in _rows(model, quoting, shown):
        assert made.estimate is not None
        assert made.bound is not None
        assert made.reserve is not None
        assert 0.7 * paid <= made.estimate <= 1.3 * paid, (asked, made.estimate, paid)
        assert made.estimate <= made.bound <= made.reserve
        assert paid <= made.reserve, (asked, made.reserve, paid)
        seen += 1
    assert seen > len(SIZES) * (3 if shown else len(QUALITIES))
