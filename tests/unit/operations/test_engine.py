"""Fusing, moving and rendering: faster and nearer to the exact result, never another picture."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import ImageTooLarge, InvalidParameter, UnreadableImage
from darkroom.operations import Canvas, Operation, load, parse, render, run
from darkroom.operations._fuse import planned
from darkroom.operations._lattice import Lattice
from darkroom.operations._passes import MatrixPass, TablePass
from darkroom.operations.posterize import Posterize
from tests.fakes.tools import EllipseTools
from tests.photos import load as load_file
from tests.photos import photo, save, swapped_rgb_profile
from tests.unit.operations.recipes import PIXELWISE, any_of
from tests.unit.operations.reference import Floats, exact, in_steps
from tests.unit.operations.samples import sample, see_through

TOOLS = EllipseTools()
# Large enough that no lattice is saved its making.
SIDE = 208


def noise(seed: int = 1) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))


def photographs() -> Image.Image:
    names = ("astronaut", "chelsea", "coffee", "rocket")
    sheet = Image.new("RGB", (SIDE, SIDE))
    for index, name in enumerate(names):
        part = photo(name).resize((SIDE // 2, SIDE // 2), Image.Resampling.BICUBIC)
        sheet.paste(part, (index % 2 * SIDE // 2, index // 2 * SIDE // 2))
    return sheet


def floats(image: Image.Image) -> Floats:
    return np.asarray(image.convert("RGB")).reshape(-1, 3) / 255


def fused(image: Image.Image, operations: tuple[Operation, ...]) -> Floats:
    return floats(run(Canvas(image), operations, TOOLS).pixels)


def separately(image: Image.Image, operations: tuple[Operation, ...]) -> Floats:
    canvas = Canvas(image)
    for operation in operations:
        canvas = run(canvas, [operation], TOOLS)
    return floats(canvas.pixels)


def away(found: Floats, wanted: Floats) -> float:
    """Levels of 255, root mean square."""
    return float(np.sqrt(np.mean((found - wanted) ** 2)) * 255)


def recipe(*items: dict[str, Any]) -> tuple[Operation, ...]:
    return parse(items)


PICTURES = {"noise": noise(), "photographs": photographs()}
CHAINS = {
    "light": recipe({"op": "exposure", "stops": 0.7}, {"op": "contrast", "amount": 20}, {"op": "gamma", "gamma": 0.8}),
    "everything": recipe(
        {"op": "exposure", "stops": 0.3},
        {"op": "contrast", "amount": 15},
        {"op": "color_temperature", "temperature": 15},
        {"op": "saturation", "amount": 10},
        {"op": "vibrance", "amount": 25},
        {"op": "levels", "black": 6, "white": 248},
        {"op": "hue", "degrees": 4},
        {"op": "gamma", "gamma": 1.1},
        {"op": "sepia", "amount": 15},
    ),
    "kinks": recipe(
        {"op": "contrast", "amount": 90}, {"op": "vibrance", "amount": 100}, {"op": "contrast", "amount": 90},
        {"op": "hue", "degrees": 90}, {"op": "saturation", "amount": 80},
    ),
    "steps": recipe({"op": "vibrance", "amount": 50}, {"op": "posterize", "levels": 5}, {"op": "hue", "degrees": 60}),
    "dark": recipe({"op": "saturation", "amount": 40}, {"op": "gamma", "gamma": 2.2}, {"op": "vibrance", "amount": 50}),
    "vibrance": recipe({"op": "vibrance", "amount": -100}),
    "vintage": recipe({"op": "vintage"}, {"op": "vibrance", "amount": 30}),
}  # fmt: skip


def assert_not_farther(image: Image.Image, operations: tuple[Operation, ...], slack: float) -> None:
    """Than one by one by the engine, and than one by one with nothing but rounding in the way.

    A lattice is as precise as that on the average of colors. A steep curve behind it shows what some are farther off;
    steps (posterize) make a whole step of any small difference, and chance decides where: hence the slack, a factor.
    """
    wanted = exact(floats(image), operations)
    ours, engine = away(fused(image, operations), wanted), away(separately(image, operations), wanted)
    assert ours <= engine * slack + 0.05
    if not any(isinstance(each, Posterize) for each in operations):
        assert ours <= away(in_steps(floats(image), operations), wanted) * slack + 0.05


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("chain", CHAINS)
def test_fused_is_not_farther_from_the_exact_result_than_one_by_one(chain: str, picture: str) -> None:
    assert_not_farther(PICTURES[picture], CHAINS[chain], 1.0)


@pytest.mark.parametrize("picture", PICTURES)
def test_fused_is_much_nearer_where_many_roundings_are_saved(picture: str) -> None:
    image, operations = PICTURES[picture], CHAINS["everything"]
    wanted = exact(floats(image), operations)
    assert away(fused(image, operations), wanted) < 0.8 * away(in_steps(floats(image), operations), wanted)


@settings(max_examples=16, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_any_chain_is_not_farther_from_the_exact_result_than_one_by_one(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(PIXELWISE), min_size=1, max_size=6))
    operations = tuple(data.draw(any_of(name)) for name in kinds)
    assert_not_farther(PICTURES[data.draw(st.sampled_from(sorted(PICTURES)))], operations, 1.4)


@pytest.mark.parametrize("name", PIXELWISE)
@settings(max_examples=4)
@given(st.data())
def test_each_alone_is_right_to_within_rounding(name: str, data: st.DataObject) -> None:
    operation = data.draw(any_of(name))
    image = PICTURES["photographs"]
    wanted = exact(floats(image), [operation]) * 255
    differences = np.abs(fused(image, (operation,)) * 255 - wanted)
    # Eight bits are off by up to a half, and on all pixels alike, if what is wanted lies between two of their values.
    assert (differences - np.abs(np.rint(wanted) - wanted)).mean() <= 0.05
    looked_up = any(isinstance(each, Lattice) for each in planned((operation,)))
    assert differences.max() <= (2 if looked_up else 0.521)


@pytest.mark.parametrize("picture", PICTURES)
def test_small_pictures_are_computed_exactly(picture: str) -> None:
    image = PICTURES[picture].crop((0, 0, 40, 40))
    wanted = exact(floats(image), CHAINS["everything"])
    assert np.abs(fused(image, CHAINS["everything"]) - wanted).max() * 255 <= 0.5001


def test_curves_become_one_table_and_a_few_matrices_no_lattice() -> None:
    assert [type(each) for each in planned(CHAINS["light"])] == [TablePass]
    mixed = recipe({"op": "contrast", "amount": 9}, {"op": "hue", "degrees": 9}, {"op": "contrast", "amount": 9})
    assert [type(each) for each in planned(mixed)] == [TablePass, MatrixPass, TablePass]
    assert [type(each) for each in planned(CHAINS["vibrance"])] == [Lattice]


def test_steps_are_never_smeared() -> None:
    done = run(Canvas(PICTURES["noise"]), CHAINS["steps"][:2], TOOLS).pixels
    assert all(set(channel.tobytes()) <= {0, 64, 128, 191, 255} for channel in done.split())


NEUTRAL = recipe(
    {"op": "brightness", "amount": 0},
    {"op": "contrast", "amount": 0},
    {"op": "exposure", "stops": 0},
    {"op": "gamma", "gamma": 1},
    {"op": "saturation", "amount": 0},
    {"op": "vibrance", "amount": 0},
    {"op": "hue", "degrees": 0},
    {"op": "color_temperature"},
    {"op": "levels"},
    {"op": "curves", "points": [{"input": 64, "output": 64}, {"input": 101.5, "output": 101.5}]},
    {"op": "sepia", "amount": 0},
    {"op": "posterize", "levels": 256},
    {"op": "duotone", "amount": 0},
    {"op": "white_balance", "strength": 0},
    {"op": "crop", "left": 0, "width": 100},
    {"op": "resize", "scale": 100},
    {"op": "resize", "width": SIDE},
    {"op": "resize", "longest_side": 4 * SIDE, "enlarge": False},
    {"op": "rotate", "angle": 0},
    {"op": "rotate", "angle": 360},
    {"op": "straighten", "angle": 0},
)


@pytest.mark.parametrize("operation", NEUTRAL, ids=lambda operation: operation.op)
@pytest.mark.parametrize("size", [SIDE, 20])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_neutral_values_change_nothing(operation: Operation, size: int, mode: str) -> None:
    image = noise().convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image = image.resize((size, size), Image.Resampling.NEAREST)
    if size != SIDE and "width" in operation.model_fields_set and operation.model_dump()["op"] == "resize":
        return
    assert run(Canvas(image), [operation], TOOLS).pixels.tobytes() == image.tobytes()


def test_all_neutral_values_together_change_nothing() -> None:
    assert run(Canvas(noise()), NEUTRAL, TOOLS).pixels.tobytes() == noise().tobytes()


MOVES = (
    {"op": "crop", "unit": "pixels", "left": 20, "top": 13, "width": 90, "height": 70},
    {"op": "crop", "ratio": "3:2"},
    {"op": "flip"},
    {"op": "flip", "direction": "vertical"},
    {"op": "rotate", "angle": 90},
    {"op": "rotate", "angle": 180, "expand": False},
)


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from([*MOVES, *({"op": "hue", "degrees": 50}, {"op": "gamma", "gamma": 1.3}, {"op": "duotone"})]),
        max_size=7,
    )
)
def test_moving_geometry_ahead_gives_the_same_picture(items: list[dict[str, Any]]) -> None:
    operations = parse(items)
    colors = tuple(each for each in operations if load(items[0]["op"]) and each.model_dump()["op"] in PIXELWISE)
    moves = tuple(each for each in operations if each not in colors)
    together = run(Canvas(noise()), operations, TOOLS)
    apart = run(run(Canvas(noise()), moves, TOOLS), colors, TOOLS)
    assert together.pixels.tobytes() == apart.pixels.tobytes()


class Seen(EllipseTools):
    """Notes what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Image.Image] = []

    def subject(self, image: Image.Image) -> Image.Image:
        self.shown.append(image)
        return super().subject(image)


def test_what_looks_at_the_picture_sees_the_colors_before_it() -> None:
    tools = Seen()
    run(Canvas(sample()), recipe({"op": "invert"}, {"op": "crop_to_subject"}), tools)
    assert tools.shown[0].tobytes() == run(Canvas(sample()), recipe({"op": "invert"}), TOOLS).pixels.tobytes()


def test_an_error_says_which_operation_it_was() -> None:
    steps = recipe({"op": "invert"}, {"op": "crop", "unit": "pixels", "left": 500})
    with pytest.raises(InvalidParameter) as refused:
        run(Canvas(sample()), steps, TOOLS)
    assert refused.value.param == "operations[1].left"
    assert "80 pixels" in refused.value.detail


def test_alpha_and_what_is_under_it_stay() -> None:
    image = noise().convert("RGBA")
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    done = run(Canvas(image), CHAINS["everything"], TOOLS).pixels
    assert done.getchannel("A").tobytes() == alpha.tobytes()
    opaque = run(Canvas(noise()), CHAINS["everything"], TOOLS).pixels
    assert done.convert("RGB").tobytes() == opaque.tobytes()


# --- render -----------------------------------------------------------------------------------------------------------


def rendered(data: bytes, *items: dict[str, Any]) -> Image.Image:
    done = render(data, parse(items), TOOLS, max_megapixels=1)
    image = load_file(done.data)
    assert image.size == (done.width, done.height)
    assert done.media_type == Image.MIME[image.format or ""]
    return image


@pytest.mark.parametrize(
    ("source", "expected"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "WEBP"), ("GIF", "PNG"), ("TIFF", "PNG")]
)
def test_the_format_stays_where_it_can(source: str, expected: str) -> None:
    assert rendered(save(sample(), source), {"op": "flip"}).format == expected


def test_a_jpeg_that_becomes_transparent_leaves_as_png() -> None:
    done = rendered(save(sample(), "JPEG"), {"op": "rotate", "angle": 20})
    assert (done.format, done.mode) == ("PNG", "RGBA")


def test_a_jpeg_that_was_asked_for_is_put_on_white_with_a_warning() -> None:
    steps = recipe({"op": "convert", "format": "jpeg"}, {"op": "rotate", "angle": 20})
    done = render(save(sample(), "PNG"), steps, TOOLS, max_megapixels=1)
    assert done.media_type == "image/jpeg"
    assert load_file(done.data).getpixel((0, 0)) == (255, 255, 255)
    assert done.warnings == ("JPEG knows no transparency; the picture was put on white.",)


def test_a_webp_of_quality_100_is_lossless() -> None:
    done = rendered(save(see_through(), "PNG"), {"op": "convert", "format": "webp", "quality": 100})
    assert done.tobytes() == see_through().tobytes()


def test_quality_makes_a_difference() -> None:
    data = save(photo("chelsea"), "PNG")
    sizes = [
        len(render(data, recipe({"op": "convert", "format": kind, "quality": quality}), TOOLS, max_megapixels=1).data)
        for kind in ("jpeg", "webp")
        for quality in (20, 60, 95)
    ]
    assert sizes[:3] == sorted(set(sizes[:3]))
    assert sizes[3:] == sorted(set(sizes[3:]))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_profile_is_kept_and_nothing_else(kind: str) -> None:
    icc = swapped_rgb_profile()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    done = rendered(save(sample(), kind, icc_profile=icc, exif=exif), {"op": "brightness", "amount": 5})
    assert done.info["icc_profile"] == icc
    assert not done.getexif()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_same_recipe_gives_the_same_bytes(kind: str) -> None:
    data = save(photo("chelsea"), "JPEG")
    steps = (*CHAINS["everything"], *recipe({"op": "convert", "format": kind}))
    assert render(data, steps, TOOLS, max_megapixels=1) == render(data, steps, TOOLS, max_megapixels=1)


def test_what_cannot_be_read_or_is_too_large_is_refused() -> None:
    with pytest.raises(UnreadableImage):
        render(save(sample(), "PNG")[:200], (), TOOLS, max_megapixels=1)
    with pytest.raises(ImageTooLarge):
        render(save(sample(), "PNG"), (), TOOLS, max_megapixels=0.001)


def test_a_side_that_webp_cannot_hold_is_refused() -> None:
    wide = save(Image.new("RGB", (16384, 1)), "PNG")
    with pytest.raises(InvalidParameter, match="at most 16383"):
        render(wide, recipe({"op": "convert", "format": "webp"}), TOOLS, max_megapixels=1)


def test_no_operations_give_the_picture_itself() -> None:
    done = render(save(see_through(), "PNG"), (), TOOLS, max_megapixels=1)
    assert Image.open(BytesIO(done.data)).tobytes() == see_through().tobytes()


def test_work_that_would_take_too_long_is_refused_before_it_is_begun() -> None:
    large = Canvas(Image.new("RGB", (4000, 3000)))
    sharpened = parse([{"op": "sharpen"}] * 20)
    with pytest.raises(InvalidParameter) as refused:
        run(large, sharpened, TOOLS)
    assert refused.value.param == "operations"
    assert refused.value.context == {"estimated_seconds": 22.8, "max_seconds": 8.0}
    assert run(Canvas(Image.new("RGB", (400, 300))), sharpened, TOOLS).pixels.size == (400, 300)


def test_any_number_of_pixelwise_operations_is_little_work() -> None:
    toned = parse([{"op": "brightness", "amount": 1}] * 200)
    assert run(Canvas(Image.new("RGB", (4000, 3000))), toned, TOOLS).pixels.size == (4000, 3000)


def test_a_picture_that_grows_is_reckoned_with_as_it_is_then() -> None:
    grown = parse([{"op": "resize", "width": 7000}, {"op": "denoise"}, {"op": "denoise"}])
    with pytest.raises(InvalidParameter, match="would take about"):
        run(Canvas(Image.new("RGB", (700, 600))), grown, TOOLS)


def test_a_picture_that_is_scaled_down_first_takes_many_operations() -> None:
    small = parse([{"op": "resize", "width": 400}, *[{"op": "sharpen"}] * 50])
    assert run(Canvas(Image.new("RGB", (4000, 3000))), small, TOOLS).pixels.size == (400, 300)
