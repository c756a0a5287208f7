"""Geometry: sizes to the pixel, laws, and edges without a dark seam."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from darkroom.errors import InvalidParameter, NoForeground
from darkroom.operations import Canvas, load, parse, run
from darkroom.operations.rotate import visible
from darkroom.operations.straighten import largest_upright
from tests.fakes.tools import EllipseTools
from tests.photos import photo
from tests.unit.operations.samples import array, odd, sample, see_through

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300))


def canvas_of(image: Image.Image, *items: dict[str, Any], tools: EllipseTools | None = None) -> Canvas:
    return run(Canvas(image), parse(items), tools or EllipseTools())


def done(image: Image.Image, *items: dict[str, Any], tools: EllipseTools | None = None) -> Image.Image:
    return canvas_of(image, *items, tools=tools).pixels


def numbered(width: int = 20, height: int = 10) -> Image.Image:
    """Each pixel says where it is: red the column, green the row."""
    image = Image.new("RGB", (width, height))
    image.putdata([(x, y, 0) for y in range(height) for x in range(width)])
    return image


# --- crop -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "box"),
    [
        ({"left": 10, "top": 20, "width": 50, "height": 30}, (2, 2, 12, 5)),
        ({"left": 50}, (10, 0, 20, 10)),
        ({"top": 50}, (0, 5, 20, 10)),
        ({"unit": "pixels", "left": 3, "top": 4, "width": 5, "height": 6}, (3, 4, 8, 10)),
        ({"unit": "pixels", "left": 19, "width": 1}, (19, 0, 20, 10)),
        ({"width": 1, "height": 1}, (0, 0, 1, 1)),
        ({"left": 99.9, "width": 0.01}, (19, 0, 20, 10)),
        ({"ratio": "1:1"}, (5, 0, 15, 10)),
        ({"ratio": "1:1", "focus_x": 0}, (0, 0, 10, 10)),
        ({"ratio": "1:1", "focus_x": 100}, (10, 0, 20, 10)),
        ({"ratio": "4:1"}, (0, 2, 20, 7)),
        ({"ratio": "4:1", "focus_y": 90}, (0, 5, 20, 10)),
        ({"ratio": "2:1"}, (0, 0, 20, 10)),
        ({"left": 50, "ratio": "1:2"}, (12, 0, 17, 10)),
        ({"left": 50, "ratio": "1:2", "focus_x": 100}, (15, 0, 20, 10)),
    ],
)
def test_crop_takes_the_box(item: dict[str, Any], box: tuple[int, int, int, int]) -> None:
    cut = canvas_of(numbered(), {"op": "crop", **item})
    assert cut.pixels.tobytes() == numbered().crop(box).tobytes()
    assert cut.pixels.size == (box[2] - box[0], box[3] - box[1])
    assert cut.warnings == ()


def test_a_crop_that_reaches_beyond_the_picture_ends_there_and_says_so() -> None:
    cut = canvas_of(numbered(), {"op": "crop", "unit": "pixels", "left": 15, "width": 50})
    assert cut.pixels.size == (5, 10)
    assert "20 x 10" in cut.warnings[0]


@pytest.mark.parametrize(
    ("item", "param", "said"),
    [
        ({"unit": "pixels", "left": 20}, "operations[0].left", "left 20, but the picture ends at 20"),
        ({"top": 100, "height": 5}, "operations[0].top", "100 % (10 pixels)"),
    ],
)
def test_a_crop_outside_the_picture_is_refused_with_the_numbers(item: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        done(numbered(), {"op": "crop", **item})
    assert refused.value.param == param
    assert said in refused.value.detail


@given(SIZES, st.integers(1, 99999), st.integers(1, 99999), st.floats(0, 100), st.floats(0, 100))
def test_any_ratio_fits_any_picture(size: tuple[int, int], across: int, down: int, x: float, y: float) -> None:
    item = {"op": "crop", "ratio": f"{across}:{down}", "focus_x": x, "focus_y": y}
    width, height = done(Image.new("L", size).convert("RGB"), item).size
    assert 1 <= width <= size[0]
    assert 1 <= height <= size[1]
    assert width == size[0] or height == size[1]
    # To within half a pixel of the side that was cut.
    assert (
        abs(width - height * across / down) <= 0.5 or abs(height - width * down / across) <= 0.5 or 1 in (width, height)
    )


def test_crop_to_subject_takes_the_ellipse_and_its_margin() -> None:
    picture = Image.new("RGB", (200, 100))
    assert done(picture, {"op": "crop_to_subject", "margin": 0}, tools=EllipseTools(share=0.5)).size == pytest.approx(
        (100, 50), abs=3
    )
    wider = done(picture, {"op": "crop_to_subject", "margin": 10}, tools=EllipseTools(share=0.5)).size
    assert wider == pytest.approx((120, 70), abs=4)
    assert done(picture, {"op": "crop_to_subject", "margin": 100}, tools=EllipseTools(share=0.9)).size == (200, 100)


def test_crop_to_subject_widens_to_a_ratio() -> None:
    picture = Image.new("RGB", (200, 100))
    square = done(picture, {"op": "crop_to_subject", "margin": 0, "ratio": "1:1"}, tools=EllipseTools(share=0.4)).size
    assert square[0] == square[1] == pytest.approx(80, abs=3)
    assert load("crop_to_subject").needs_subject
    assert not load("crop").needs_subject


def test_no_subject_is_refused_by_name() -> None:
    class Nothing(EllipseTools):
        def subject(self, image: Image.Image) -> Image.Image:
            return Image.new("L", image.size, 20)

    with pytest.raises(NoForeground) as refused:
        done(sample(), {"op": "crop_to_subject"}, tools=Nothing())
    assert refused.value.param == "operations[0]"


# --- resize -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"width": 40}, (40, 30)),
        ({"height": 30}, (40, 30)),
        ({"width": 40, "height": 40}, (40, 30)),
        ({"width": 100, "height": 15}, (20, 15)),
        ({"width": 40, "height": 40, "mode": "fill"}, (40, 40)),
        ({"width": 40, "height": 40, "mode": "stretch"}, (40, 40)),
        ({"width": 40, "mode": "fill"}, (40, 30)),
        ({"longest_side": 160}, (160, 120)),
        ({"longest_side": 160, "enlarge": False}, (80, 60)),
        ({"width": 160, "height": 10, "mode": "stretch", "enlarge": False}, (80, 60)),
        ({"scale": 50}, (40, 30)),
        ({"scale": 150, "enlarge": True}, (120, 90)),
        ({"longest_side": 1}, (1, 1)),
    ],
)
def test_resize_gives_that_size(item: dict[str, Any], size: tuple[int, int]) -> None:
    assert done(sample(), {"op": "resize", **item}).size == size


def test_fill_keeps_what_is_in_focus() -> None:
    left, right = (
        done(sample(), {"op": "resize", "width": 30, "height": 60, "mode": "fill", "focus_x": x}) for x in (0, 100)
    )
    assert np.abs(array(left) - array(sample().crop((0, 0, 30, 60)))).mean() < 1
    assert np.abs(array(right) - array(sample().crop((50, 0, 80, 60)))).mean() < 1


def test_what_would_not_fit_into_memory_is_refused() -> None:
    for item in ({"width": 16384}, {"longest_side": 16384}, {"scale": 1000}):
        with pytest.raises(InvalidParameter, match="50 megapixels") as refused:
            done(Image.new("RGB", (3000, 3000)), {"op": "resize", **item})
        assert refused.value.param == f"operations[0].{next(iter(item))}"


@pytest.mark.parametrize(
    "item",
    [
        {"op": "resize", "scale": 37},
        {"op": "resize", "scale": 230},
        {"op": "rotate", "angle": 33},
        {"op": "straighten", "angle": 7},
    ],
)
def test_what_is_hidden_does_not_bleed_into_the_edge(item: dict[str, Any]) -> None:
    """A white disc on transparent black: wherever something shows, it is white."""
    picture = Image.new("RGBA", (90, 70))
    ImageDraw.Draw(picture).ellipse((10, 5, 70, 60), fill=(255, 255, 255, 255))
    pixels = array(done(picture, item))
    seen = pixels[pixels[..., 3] > 8]
    assert len(seen) > 100
    assert seen[:, :3].min() >= 240


@pytest.mark.parametrize("angle", [10, 45, 123])
def test_a_rotated_opaque_picture_has_no_dark_seam(angle: float) -> None:
    pixels = array(done(Image.new("RGB", (60, 40), "white"), {"op": "rotate", "angle": angle}))
    seen = pixels[pixels[..., 3] > 8]
    assert seen[:, :3].min() >= 240
    assert 0 < (pixels[..., 3] > 0).sum() < pixels[..., 3].size
    assert ((pixels[..., 3] > 0) & (pixels[..., 3] < 255)).any(), "the edge is not smooth"
    assert pixels[..., 3].sum() / 255 == pytest.approx(60 * 40, rel=0.02)


# --- flip and rotate --------------------------------------------------------------------------------------------------

PICTURES = [*odd().values(), see_through()]


@pytest.mark.parametrize("picture", PICTURES, ids=[*odd(), "see through"])
@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
def test_flipping_twice_gives_the_picture_back(picture: Image.Image, direction: str) -> None:
    once = done(picture, {"op": "flip", "direction": direction})
    assert done(once, {"op": "flip", "direction": direction}).tobytes() == picture.tobytes()


def test_horizontal_swaps_left_and_right() -> None:
    assert done(numbered(), {"op": "flip"}).getpixel((0, 3)) == (19, 3, 0)
    assert done(numbered(), {"op": "flip", "direction": "vertical"}).getpixel((4, 0)) == (4, 9, 0)


@pytest.mark.parametrize("picture", PICTURES, ids=[*odd(), "see through"])
@pytest.mark.parametrize(("angle", "times"), [(90, 4), (-90, 4), (180, 2), (270, 4), (-180, 2)])
def test_whole_turns_give_the_picture_back(picture: Image.Image, angle: float, times: int) -> None:
    turned = picture
    for _ in range(times):
        turned = done(turned, {"op": "rotate", "angle": angle})
    assert turned.tobytes() == picture.tobytes()
    assert done(picture, {"op": "rotate", "angle": angle}).size == picture.size[:: -1 if angle % 180 else 1]


@pytest.mark.parametrize("angle", [90, 89.9, 90.1])
def test_rotate_is_clockwise(angle: float) -> None:
    picture = Image.new("RGB", (40, 40), "black")
    picture.paste((255, 0, 0), (0, 0, 20, 20))
    red = array(done(picture, {"op": "rotate", "angle": angle, "expand": False, "fill": "black"}))[..., 0] > 128
    assert red[:18, 22:].mean() > 0.95
    assert red[:18, :18].mean() < 0.05


def test_the_corners_are_filled_and_the_picture_grows_or_not() -> None:
    grown = done(sample(), {"op": "rotate", "angle": 30, "fill": "#ff8800"})
    assert grown.mode == "RGB"
    assert grown.size == (100, 92)  # 80 cos 30 + 60 sin 30, 80 sin 30 + 60 cos 30, rounded up
    assert grown.getpixel((0, 0)) == (255, 136, 0)
    kept = done(sample(), {"op": "rotate", "angle": 30, "expand": False})
    assert (kept.size, kept.mode) == ((80, 60), "RGBA")


def test_there_and_back_again_is_nearly_the_same() -> None:
    picture = photo("coffee").resize((150, 100))
    there = done(picture, {"op": "rotate", "angle": 17})
    back = done(there, {"op": "rotate", "angle": -17})
    left, top = (back.width - 150) // 2, (back.height - 100) // 2
    middle = array(back.convert("RGB").crop((left + 10, top + 10, left + 140, top + 90)))
    assert np.abs(middle - array(picture.crop((10, 10, 140, 90)))).mean() < 8


# --- straighten -------------------------------------------------------------------------------------------------------


@given(SIZES, st.floats(-45, 45))
def test_straightened_pictures_have_no_empty_corners(size: tuple[int, int], angle: float) -> None:
    pixels = array(done(Image.new("RGB", size, "white"), {"op": "straighten", "angle": angle}))
    assert pixels.min() == 255


@given(st.tuples(st.integers(50, 3000), st.integers(50, 3000)), st.floats(-45, 45))
def test_the_rectangle_fits_and_no_larger_one_of_its_shape_would(size: tuple[int, int], angle: float) -> None:
    width, height = largest_upright(size, angle)
    s, c = abs(np.sin(np.radians(angle))), np.cos(np.radians(angle))

    def needed(width: float, height: float) -> tuple[float, float]:
        """The sides of a picture that, turned, holds the rectangle."""
        return width * c + height * s, width * s + height * c

    assert np.all(np.array(needed(width, height)) <= np.array(size) + 1e-6)
    assert np.any(np.array(needed(width + 2, height + 2)) > np.array(size))


def test_straighten_levels_a_horizon() -> None:
    picture = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(picture).polygon([(0, 74), (300, 126), (300, 200), (0, 200)], fill="black")  # falls by 10 degrees
    assert np.degrees(np.arctan(52 / 300)) == pytest.approx(9.83, abs=0.01)
    level = array(done(picture, {"op": "straighten", "angle": -9.83}))[..., 0] < 128
    edge = level.argmax(axis=0)
    assert np.ptp(edge) <= 1


# --- angles that nobody sees ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["rotate", "straighten"])
@pytest.mark.parametrize("angle", [1e-12, -1e-12, 1e-5, -1e-5])
def test_an_angle_that_moves_no_pixel_visibly_changes_nothing(op: str, angle: float) -> None:
    before = Canvas(numbered(200, 100), format="jpeg")
    after = run(before, parse([{"op": op, "angle": angle}]), EllipseTools())
    assert (after.pixels.mode, after.format, after.warnings) == ("RGB", "jpeg", ())
    assert after.pixels.tobytes() == before.pixels.tobytes()


@given(size=SIZES, quarter=st.integers(-3, 3), off=st.floats(-1e-6, 1e-6))
def test_next_to_a_quarter_turn_it_is_the_quarter_turn(size: tuple[int, int], quarter: int, off: float) -> None:
    image = Image.new("RGB", size, "red")
    turned = done(image, {"op": "rotate", "angle": 90 * quarter + off})
    assert turned.mode == "RGB"
    assert turned.tobytes() == done(image, {"op": "rotate", "angle": 90 * quarter}).tobytes()


def test_what_can_be_seen_is_turned() -> None:
    image = numbered(200, 100)
    assert done(image, {"op": "rotate", "angle": 0.5}).mode == "RGBA"
    assert done(image, {"op": "straighten", "angle": 0.5}).size != image.size
    # A thousandth of a degree is a twentieth of a pixel at the corners of six thousand.
    assert visible(0.001, (200, 100)) == 0
    assert visible(0.001, (6000, 4000)) == 0.001
    assert visible(89.999, (6000, 4000)) == 89.999
