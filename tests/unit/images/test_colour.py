"""Backgrounds: colours and gradients as CSS has them, pictures that cover, and everything else refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import InvalidParameter
from darkroom.images.colour import in_srgb, paint_picture, parse_background
from darkroom.images.picture import Picture
from tests.photos import photo, swapped_rgb_profile


def painted(text: str, size: tuple[int, int] = (200, 100)) -> Image.Image:
    image = parse_background(text)(size)
    assert image.size == size
    return image


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("white", (255, 255, 255)),
        (" Tomato ", (255, 99, 71)),
        ("#f80", (255, 136, 0)),
        ("#FF8800", (255, 136, 0)),
        ("#f808", (255, 136, 0, 136)),
        ("#ff880080", (255, 136, 0, 128)),
        ("#ff8800ff", (255, 136, 0)),
        ("rgb(1, 2,3)", (1, 2, 3)),
        ("rgb(1 2 3 / 50%)", (1, 2, 3, 128)),
        ("rgba(255, 136, 0, 0.5)", (255, 136, 0, 128)),
        ("rgba(255, 136, 0, 1)", (255, 136, 0)),
        ("hsl(120, 100%, 25%)", (0, 128, 0)),
        ("transparent", (0, 0, 0, 0)),
    ],
)
def test_colours(text: str, colour: tuple[int, ...]) -> None:
    image = painted(text)
    assert image.mode == ("RGB" if len(colour) == 3 else "RGBA")
    assert image.getcolors() == [(200 * 100, colour)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chartreuse-ish",
        "#ff",
        "#12345",
        "rgb(300, 0, 0)",
        "rgba(1,2,3,40)",
        "hsl(10, 300%, 200%)",
        "url(http://example.com/a.png)",
        "linear-gradient()",
        "linear-gradient(red)",
        "linear-gradient(45deg, red)",
        "linear-gradient(45, red, blue)",
        "linear-gradient(to middle, red, blue)",
        "linear-gradient(to left right, red, blue)",
        "linear-gradient(to top top, red, blue)",
        "linear-gradient(to, red, blue)",
        "linear-gradient(red, , blue)",
        "linear-gradient(red 10px, blue)",
        "linear-gradient(red, blue",
        "radial-gradient(red, blue)",
    ],
)
def test_refuses_what_is_neither_and_says_what_is_accepted(text: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_background(text)
    assert refused.value.param == "background"
    assert "linear-gradient" in refused.value.fix
    assert "#ff8800" in refused.value.fix
    assert len(refused.value.context["accepted"]) == 2


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Top left, top right, bottom left, bottom right."""
    right, bottom = image.width - 1, image.height - 1
    return [tuple(np.asarray(image)[y, x].tolist()) for y in (0, bottom) for x in (0, right)]


RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("", [RED, RED, BLUE, BLUE]),
        ("to bottom, ", [RED, RED, BLUE, BLUE]),
        ("180deg, ", [RED, RED, BLUE, BLUE]),
        ("to top, ", [BLUE, BLUE, RED, RED]),
        ("0deg, ", [BLUE, BLUE, RED, RED]),
        ("to right, ", [RED, BLUE, RED, BLUE]),
        ("90deg, ", [RED, BLUE, RED, BLUE]),
        ("0.25turn, ", [RED, BLUE, RED, BLUE]),
        ("100grad, ", [RED, BLUE, RED, BLUE]),
        ("1.5708rad, ", [RED, BLUE, RED, BLUE]),
        ("-90deg, ", [BLUE, RED, BLUE, RED]),
        ("to left, ", [BLUE, RED, BLUE, RED]),
    ],
)
def test_gradient_directions(direction: str, expected: list[tuple[int, ...]]) -> None:
    found = corners(painted(f"linear-gradient({direction}red, blue)"))
    assert np.abs(np.array(found) - np.array(expected)).max() <= 2


def test_gradients_run_as_css_says() -> None:
    # 45 degrees on a square: from the bottom left corner to the top right one, half-way along the other diagonal.
    top_left, top_right, bottom_left, bottom_right = corners(painted("linear-gradient(45deg, #000, #fff)", (400, 400)))
    assert bottom_left[0] <= 1
    assert top_right[0] >= 254
    assert abs(top_left[0] - 127.5) <= 1
    assert abs(bottom_right[0] - 127.5) <= 1
    # Towards a corner the half-way line runs through the two others, whatever the shape.
    top_left, top_right, bottom_left, bottom_right = corners(
        painted("linear-gradient(to top right, #000, #fff)", (800, 100))
    )
    assert bottom_left[0] <= 1
    assert top_right[0] >= 254
    assert abs(top_left[0] - 127.5) <= 2
    assert abs(bottom_right[0] - 127.5) <= 2
    # 45 degrees on 800 x 100: the line is 900/sqrt(2) long; the top left corner lies 100/900 along it.
    assert abs(corners(painted("linear-gradient(45deg, #000, #fff)", (800, 100)))[0][0] - 255 / 9) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (37, 2), (4000, 3), (2500, 1900)])
def test_gradients_are_exact_at_any_size(size: tuple[int, int]) -> None:
    values = np.asarray(painted("linear-gradient(to right, #000, #fff)", size), int)[..., 0]
    expected = (np.arange(size[0]) + 0.5) / size[0] * 255
    assert np.abs(values - expected).max() <= 1.01
    assert (np.diff(values, axis=1) >= 0).all()


def test_stops() -> None:
    def at(text: str, percent: float) -> tuple[int, ...]:
        values = np.asarray(painted(f"linear-gradient(90deg, {text})", (1000, 1)))
        return tuple(values[0, int(percent * 10)].tolist())

    assert at("red, lime, blue", 50)[1] >= 253
    assert at("red 20%, blue 80%", 10) == RED
    assert at("red 20%, blue 80%", 90) == BLUE
    assert at("red, white 10%, blue", 10)[1] >= 250
    assert at("red, lime 70%, black, blue", 85) == pytest.approx((0, 0, 0), abs=3)  # without a position: in the middle
    assert (at("red 50%, blue 50%", 49.9), at("red 50%, blue 50%", 50.1)) == (RED, BLUE)  # a hard edge
    assert at("red 60%, lime 20%, blue", 61)[1] >= 240  # no stop lies before the one it follows
    assert at("rgb(1, 2, 3), rgba(1, 2, 3, 1)", 50) == (1, 2, 3)


def test_translucent_gradients_mix_by_weight() -> None:
    image = painted("linear-gradient(to right, #f00, transparent)", (1000, 1))
    assert image.mode == "RGBA"
    red, green, blue, alpha = np.asarray(image)[0, 500].tolist()
    assert (green, blue) == (0, 0)
    assert red >= 253
    assert abs(alpha - 127) <= 1


@given(
    st.one_of(
        st.text(max_size=60),
        st.from_regex(
            r"linear-gradient\(((-?[0-9.]{1,400}|to )(deg|turn|left)?,)?"
            r"( ?(red|#0f0|rgba\(1,2,3,.5\))( -?[0-9]{1,9}%)?,?){0,4}\)"
        ),
    )
)
def test_any_text_is_painted_or_refused(text: str) -> None:
    try:
        painter = parse_background(text)
    except InvalidParameter:
        return
    assert painter((7, 5)).size == (7, 5)


def test_a_picture_covers_and_keeps_its_proportions() -> None:
    stripes = Image.new("RGB", (300, 100), "lime")
    stripes.paste("red", (0, 0, 100, 100))
    stripes.paste("blue", (200, 0, 300, 100))
    paint = paint_picture(Picture(stripes, None, (), "PNG"))
    middle = paint((50, 50))  # the middle third, but for a pixel where it meets the others
    assert middle.size == (50, 50)
    assert middle.crop((1, 0, 49, 50)).getcolors() == [(48 * 50, (0, 255, 0))]
    wide = paint((600, 100))
    assert wide.size == (600, 100)
    assert [wide.getpixel((x, 50)) for x in (100, 300, 500)] == [RED, (0, 255, 0), BLUE]


def test_colours_are_brought_to_srgb_before_they_meet_others() -> None:
    green = Picture(Image.new("RGBA", (4, 4), (255, 0, 0, 99)), swapped_rgb_profile(), (), "PNG")
    red, green_, blue, alpha = np.asarray(in_srgb(green))[0, 0].tolist()
    assert green_ > 250
    assert red < 20
    assert blue < 20
    assert alpha == 99
    assert paint_picture(green)((2, 2)).getpixel((0, 0)) == (red, green_, blue, 99)
    plain = Picture(photo("coffee"), None, (), "PNG")
    assert in_srgb(plain) is plain.pixels


@pytest.mark.parametrize(
    "form", ["rgba(0,0,0,{})", "linear-gradient(rgba(0,0,0,{}), red)", "linear-gradient({}deg, red, blue)"]
)
def test_a_number_without_end_is_refused(form: str) -> None:
    with pytest.raises(InvalidParameter):
        parse_background(form.format("9" * 400))((4, 4))
