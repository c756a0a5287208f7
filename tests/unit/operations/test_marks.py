"""Text and watermarks: where they stand, how large they are, and what cannot be written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops
from pydantic import ValidationError

from darkroom.errors import NotFound
from darkroom.operations._base import Canvas, Operation
from darkroom.operations._lettering import Style, wrapped
from darkroom.operations.text import Text
from darkroom.operations.watermark import Watermark
from tests.fakes.tools import EllipseTools
from tests.photos import photo
from tests.unit.operations.samples import applied, array

LOGO = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
TOOLS = EllipseTools({"logo": LOGO, "wide": Image.new("RGB", (900, 7), "red")})
GREY = Image.new("RGB", (400, 300), (128, 128, 128))

Box = tuple[int, int, int, int]


def changed(operation: Operation, picture: Image.Image = GREY) -> Box:
    """The box in which the operation changed the picture."""
    box = ImageChops.difference(applied(operation, picture, TOOLS).convert("RGB"), picture.convert("RGB")).getbbox()
    assert box is not None, "nothing was changed"
    return box


def warnings(operation: Operation, picture: Image.Image) -> tuple[str, ...]:
    return operation.apply(Canvas(picture), TOOLS).warnings


# --- text ------------------------------------------------------------------------------------------------------------

NAMED = ["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]


@pytest.mark.parametrize("position", NAMED)
@pytest.mark.parametrize("kind", ["text", "watermark"])
def test_a_mark_stands_where_its_words_say_with_its_margin(position: str, kind: str) -> None:
    fields = {"position": position, "margin": 5}
    operation = Text.model_validate({"text": "HHH", **fields}) if kind == "text" else Watermark.model_validate(
        {"image": "logo", **fields}
    )  # fmt: skip
    left, top, right, bottom = changed(operation)
    vertical, horizontal = position.split("-") if "-" in position else (position, position)
    where = {"left": left == 20, "right": right == 380}.get(horizontal, abs(left + right - 400) <= 2)
    assert where, (left, right)
    height = {"top": top == 20, "bottom": bottom == 280}.get(vertical, abs(top + bottom - 300) <= 2)
    assert height, (top, bottom)


def test_letters_are_a_share_of_the_height() -> None:
    def height(size: float, picture: Image.Image) -> int:
        _, top, _, bottom = changed(Text(text="H", size=size), picture)
        return bottom - top

    assert height(20, GREY) == pytest.approx(60 * 0.711, abs=2)  # a capital of Roboto is 0.711 of its size
    assert height(40, GREY) == pytest.approx(2 * height(20, GREY), abs=2)
    assert height(20, GREY.resize((800, 600))) == pytest.approx(2 * height(20, GREY), abs=2)


def test_long_text_is_broken_between_words() -> None:
    long = Text(text="one two three four five six seven eight nine ten", size=10, margin=10, position="center")
    left, top, right, bottom = changed(long)
    assert left >= 40
    assert right <= 360
    assert bottom - top > 2 * 30, "more than one line"
    assert warnings(long, GREY) == ()


def test_lines_are_broken_where_the_text_says() -> None:
    one, two = (changed(Text(text=text)) for text in ("HH", "H\nH"))
    assert two[3] - two[1] > 2 * (one[3] - one[1])
    assert two[2] - two[0] < one[2] - one[0]


def test_a_word_that_is_wider_than_the_picture_is_broken() -> None:
    left, top, right, bottom = changed(Text(text="Donaudampfschiff", size=20, margin=5, position="center"))
    assert (left >= 20, right <= 380) == (True, True)
    assert bottom - top > 60, "two lines"


@given(st.text(st.sampled_from("iW Жé.-\n"), min_size=1, max_size=200), st.floats(1, 500), st.floats(1, 60))
def test_lines_hold_all_of_the_text_and_are_as_wide_as_they_may_be(text: str, width: float, size: float) -> None:
    style = Style(size=size, color=(0, 0, 0, 255))
    lines = wrapped(text, style, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert len(line) <= 1 or style.font.getlength(line) <= width + 0.01


def test_text_that_does_not_fit_becomes_smaller_and_says_so() -> None:
    operation = Text(text="A sentence that is far too long for letters of this size. " * 3, size=60, margin=2)
    left, top, right, bottom = changed(operation)
    assert (left >= 8, top >= 8, right <= 392, bottom <= 292) == (True, True, True, True)
    assert (bottom - top) > 150, "but no smaller than it must"
    (warning,) = warnings(operation, GREY)
    assert "60 %" in warning


def test_text_that_nobody_can_read_is_warned_about() -> None:
    (warning,) = warnings(Text(text="Hello"), Image.new("RGB", (20, 10)))
    assert "20 x 10" in warning


def test_text_has_the_color_the_opacity_and_the_outline_it_is_given() -> None:
    colors = applied(Text(text="HHH", size=60, color="#f00", outline=10, outline_color="#00f"), GREY).getcolors(120_000)
    assert colors is not None
    often = {color for _, color in sorted(colors)[-3:]}
    assert often == {(128, 128, 128), (255, 0, 0), (0, 0, 255)}
    half = applied(Text(text="HHH", size=60, color="white", opacity=50), GREY)
    assert (array(half).min(), array(half).max()) == pytest.approx((128, 192), abs=1)


def test_bold_is_wider_and_a_shadow_is_dark() -> None:
    plain, bold = (array(applied(Text(text="HHH", bold=bold), GREY)) for bold in (False, True))
    assert bold.sum() > plain.sum()
    assert plain.min() == 128
    assert array(applied(Text(text="HHH", shadow=80), GREY)).min() < 90


def test_text_on_transparency_is_opaque() -> None:
    empty = Image.new("RGBA", (200, 100))
    done = applied(Text(text="H", color="red", size=50), empty)
    assert done.getchannel("A").getextrema() == (0, 255)
    red = array(done)[array(done)[..., 3] > 0]
    assert np.abs(red[:, :3] - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize(
    "text", ["naïve façade – “Grüße” … © 5 €", "Съешь ещё этих булок", "Ξεσκεπάζω", "Zażółć gęślą jaźń"]
)
def test_european_languages_can_be_written(text: str) -> None:
    assert changed(Text(text=text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Happy birthday 🎉", "🎉"), ("你好", "你"), ("tab\there", r"\\t"), ("nul\0", r"\\x00"), ("שלום", "ש")],
)
def test_what_there_are_no_letters_for_is_refused_by_name(text: str, shown: str) -> None:
    with pytest.raises(ValidationError, match=shown):
        Text(text=text)


def test_letters_and_accents_are_joined() -> None:
    assert applied(Text(text="e\u0301"), GREY).tobytes() == applied(Text(text="é"), GREY).tobytes()


@pytest.mark.parametrize("text", ["", "  \n "])
def test_there_must_be_something_to_write(text: str) -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        Text(text=text)


# --- watermark -------------------------------------------------------------------------------------------------------


def test_a_logo_keeps_its_proportions_and_has_the_opacity_asked_for() -> None:
    left, top, right, bottom = changed(Watermark(image="logo", size=25, margin=0))
    assert (right - left, bottom - top) == (100, 50)
    assert applied(Watermark(image="logo", opacity=50), GREY, TOOLS).getpixel((380, 280)) == pytest.approx(
        (192, 64, 64), abs=1
    )  # fmt: skip


def test_a_text_is_as_wide_as_its_size_says() -> None:
    left, _, right, _ = changed(Watermark(text="Darkroom", size=50))
    assert right - left == pytest.approx(200, abs=4)


def test_a_mark_that_is_larger_than_the_picture_is_made_smaller() -> None:
    tall = Image.new("RGB", (60, 400), (128, 128, 128))
    left, _, right, _ = changed(Watermark(image="logo", size=100, margin=1), tall)
    assert (left, right) == (4, 56)


def test_a_turned_mark_rises_to_the_right_without_dark_corners() -> None:
    bar = EllipseTools({"bar": Image.new("RGBA", (200, 10), (255, 255, 255, 255))})
    done = array(applied(Watermark(image="bar", size=50, angle=-30, opacity=100, position="center"), GREY, bar))
    assert done.min() == 128, "white on grey makes nothing darker"
    rows, columns = np.nonzero(done[..., 0] > 250)
    assert np.polyfit(columns, rows, 1)[0] == pytest.approx(-np.tan(np.pi / 6), abs=0.05)


def test_tiles_cover_the_picture_evenly() -> None:
    done = array(applied(Watermark(image="logo", tile=True, size=10, gap=50), GREY, TOOLS))[..., 0] > 140
    quarters = [done[y : y + 150, x : x + 200].mean() for y in (0, 150) for x in (0, 200)]
    assert min(quarters) > 0.15
    assert max(quarters) - min(quarters) < 0.05
    assert done[150, 200], "one stands in the middle"


def test_a_mark_is_either_a_text_or_a_picture() -> None:
    for fields in ({}, {"text": "a", "image": "logo"}):
        with pytest.raises(ValidationError, match="either `text` or `image`"):
            Watermark.model_validate(fields)


def test_a_picture_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        applied(Watermark(image="other"), GREY, TOOLS)


def test_a_mark_on_a_large_picture_is_as_sharp() -> None:
    done = applied(Watermark(text="Darkroom", size=100, opacity=100, margin=0, position="center"), photo("coffee", 6))
    assert array(done).max() == 255
