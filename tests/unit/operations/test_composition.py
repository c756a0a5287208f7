"""Borders, corners and shadows: where they lie, how large they are, and what they leave alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import InvalidParameter
from darkroom.operations._base import Canvas, Operation
from darkroom.operations._css import Size
from darkroom.operations.border import Border
from darkroom.operations.drop_shadow import DropShadow
from darkroom.operations.rounded_corners import RoundedCorners
from darkroom.operations.text import Text
from darkroom.operations.watermark import Watermark
from tests.fakes.tools import EllipseTools
from tests.photos import swapped_rgb_profile
from tests.unit.operations.samples import Array, applied, array, odd, sample, see_through

LOGO = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
TOOLS = EllipseTools({"logo": LOGO, "wide": Image.new("RGB", (900, 7), "red")})


@pytest.mark.parametrize(
    "operation",
    [
        Border(width=0),
        Border(width=0, bottom=0),
        RoundedCorners(radius=0),
        DropShadow(opacity=0),
        Text(text="x", opacity=0),
        Watermark(text="x", opacity=0),
    ],
)
@pytest.mark.parametrize("picture", [sample(), see_through()], ids=["opaque", "transparent"])
def test_nothing_asked_for_changes_nothing(operation: Operation, picture: Image.Image) -> None:
    done = applied(operation, picture)
    assert (done.mode, done.tobytes()) == (picture.mode, picture.tobytes())


PER_CENT = st.floats(0, 100)
POSITIONS = st.sampled_from(["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom"])
WRITING = st.text(st.sampled_from("aW Жé.\n"), min_size=1, max_size=60).filter(lambda text: bool(text.strip()))


@given(
    st.one_of(
        st.builds(Border, width=st.floats(0, 25), bottom=st.one_of(st.none(), st.floats(0, 25))),
        st.builds(RoundedCorners, radius=st.floats(0, 50)),
        st.builds(
            DropShadow,
            offset_x=st.floats(-20, 20),
            offset_y=st.floats(-20, 20),
            blur=st.floats(0, 10),
            opacity=PER_CENT,
            grow=st.booleans(),
        ),
        st.builds(
            Text,
            text=WRITING,
            position=POSITIONS,
            size=st.floats(1, 100),
            margin=st.floats(0, 40),
            opacity=PER_CENT,
            bold=st.booleans(),
            outline=st.floats(0, 20),
            shadow=PER_CENT,
        ),
        st.builds(
            Watermark,
            text=WRITING,
            size=st.floats(1, 100),
            position=POSITIONS,
            margin=st.floats(0, 40),
            angle=st.floats(-90, 90),
            tile=st.booleans(),
            gap=st.floats(10, 500),
        ),
        st.builds(
            Watermark,
            image=st.sampled_from(["logo", "wide"]),
            size=st.floats(1, 100),
            angle=st.floats(-90, 90),
            tile=st.booleans(),
        ),
    ),
    st.sampled_from(sorted(odd())),
)
def test_any_picture_can_be_composed_with(operation: Operation, which: str) -> None:
    done = applied(operation, odd()[which], TOOLS)
    assert min(done.size) >= 1
    if isinstance(operation, Text | Watermark | RoundedCorners):
        assert done.size == odd()[which].size


# --- border ----------------------------------------------------------------------------------------------------------


def test_a_border_lies_around_the_picture() -> None:
    done = applied(Border(width=10, bottom=20, color="#ff8800"), sample())
    assert done.size == (80 + 16, 60 + 8 + 16)
    assert done.crop((8, 8, 88, 68)).tobytes() == sample().tobytes()
    assert done.crop((0, 0, 96, 8)).getcolors() == [(96 * 8, (255, 136, 0))]
    assert done.crop((0, 68, 96, 84)).getcolors() == [(96 * 16, (255, 136, 0))]


def test_a_thin_border_is_a_pixel_wide() -> None:
    assert applied(Border(width=0.01), sample()).size == (82, 62)
    assert applied(Border(width=0, bottom=0.01), sample()).size == (80, 61)


def test_what_is_transparent_within_a_border_stays_so() -> None:
    done = applied(Border(width=10), see_through())
    assert done.crop((8, 8, 88, 68)).tobytes() == see_through().tobytes()
    assert done.getpixel((0, 0)) == (255, 255, 255, 255)
    assert applied(Border(width=10, color="transparent"), sample()).getpixel((0, 0)) == (0, 0, 0, 0)


def test_a_borders_color_is_srgb_whatever_the_pictures_profile() -> None:
    done = applied(Border(color="red"), Canvas(sample(), icc=swapped_rgb_profile()))
    red, green, blue = done.getpixel((0, 0))  # type: ignore[misc]
    assert green > 245 > 20 > max(red, blue), "the profile's first channel is green"


# --- corners ---------------------------------------------------------------------------------------------------------


def alpha_of(picture: Image.Image) -> Array:
    return array(picture.getchannel("A"))


@pytest.mark.parametrize("side", [2, 9, 100, 101, 1200])
def test_half_of_the_shorter_side_makes_a_square_a_disc(side: int) -> None:
    alpha = alpha_of(applied(RoundedCorners(radius=50), Image.new("RGB", (side, side), "red")))
    radius = side // 2
    assert alpha.sum() / 255 == pytest.approx(side**2 - (4 - np.pi) * radius**2, rel=0.04)
    np.testing.assert_array_equal(alpha, alpha[::-1])
    np.testing.assert_array_equal(alpha, alpha[:, ::-1])
    assert np.abs(alpha - alpha.T).max() <= 16


def test_corners_are_cut_as_finely_on_large_pictures() -> None:
    alpha = alpha_of(applied(RoundedCorners(radius=40), Image.new("RGB", (1500, 2000), "red")))
    y, x = np.mgrid[0:600, 0:600] + 0.5
    inside = 600 - np.hypot(600 - x, 600 - y)
    assert (alpha[:600, :600][inside > 1] == 255).all()
    assert (alpha[:600, :600][inside < -1] == 0).all()
    assert alpha[600, 0] == 255


def test_corners_that_are_cut_off_are_gone() -> None:
    done = applied(RoundedCorners(radius=30), sample())
    assert done.getpixel((0, 0)) == (0, 0, 0, 0)
    middle = (10, 10, 70, 50)
    assert done.convert("RGB").crop(middle).tobytes() == sample().crop(middle).tobytes()


def test_what_was_transparent_before_stays_so() -> None:
    done = applied(RoundedCorners(radius=30), see_through())
    assert (alpha_of(done) <= alpha_of(see_through())).all()


# --- shadow ----------------------------------------------------------------------------------------------------------


def test_a_shadow_falls_where_it_is_told_to() -> None:
    square = Image.new("RGB", (100, 100), "red")
    done = applied(DropShadow(offset_x=10, offset_y=20, blur=0, opacity=50), square)
    assert done.size == (110, 120)
    assert done.crop((0, 0, 100, 100)).getcolors() == [(10_000, (255, 0, 0, 255))]
    assert done.getpixel((105, 110)) == (0, 0, 0, 128)
    assert done.getpixel((105, 10)) == (0, 0, 0, 0)
    upwards = applied(DropShadow(offset_x=-10, offset_y=-20, blur=0), square)
    assert upwards.crop((10, 20, 110, 120)).tobytes() == done.crop((0, 0, 100, 100)).tobytes()


def test_a_blurred_shadow_is_not_cut_off() -> None:
    done = alpha_of(applied(DropShadow(blur=10, opacity=100), Image.new("RGB", (200, 100), "red")))
    rim = np.concatenate([done[0], done[-1], done[:, 0], done[:, -1]])
    assert rim.max() <= 3


def test_a_shadow_lies_under_the_subject_alone() -> None:
    done = applied(DropShadow(blur=0, offset_x=5, offset_y=0, opacity=80), see_through())
    ours, theirs = array(done)[:, :80], array(see_through())
    opaque = theirs[..., 3] == 255
    np.testing.assert_array_equal(ours[opaque], theirs[opaque])
    assert done.getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_a_shadow_may_keep_the_pictures_size() -> None:
    assert applied(DropShadow(grow=False), see_through()).size == (80, 60)


# --- size ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "param"), [(Border(width=50), "width"), (DropShadow(offset_x=20, blur=10), "grow")]
)
@pytest.mark.parametrize("size", [(6000, 5000), (16_000, 9)], ids=["many pixels", "long"])
def test_a_picture_does_not_grow_beyond_what_is_worked_on(operation: Operation, param: str, size: Size) -> None:
    with pytest.raises(InvalidParameter, match="megapixels") as refused:
        operation.apply(Canvas(Image.new("RGB", size)), EllipseTools())
    assert refused.value.param == param
