"""Tone and color: what each operation is for, seen in single colors."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from darkroom.operations import Canvas, parse, run
from darkroom.operations.curves import CurvePoint, Curves
from tests.fakes.tools import EllipseTools
from tests.photos import photo
from tests.unit.operations.samples import Array, array, sample, see_through

Rgb = tuple[int, int, int]


def done(image: Image.Image, *items: dict[str, Any]) -> Image.Image:
    return run(Canvas(image), parse(items), EllipseTools()).pixels


def color(before: Rgb, **item: Any) -> Rgb:
    red, green, blue = done(Image.new("RGB", (1, 1), before), item).tobytes()
    return red, green, blue


def lightness(image: Image.Image) -> float:
    return float(array(image.convert("L")).mean())


# --- what each is for -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "item", "after"),
    [
        ((100, 50, 0), {"op": "brightness", "amount": 20}, (120, 60, 0)),
        ((100, 50, 0), {"op": "brightness", "amount": -100}, (0, 0, 0)),
        ((200, 100, 255), {"op": "brightness", "amount": 100}, (255, 200, 255)),
        ((255, 0, 30), {"op": "contrast", "amount": -100}, (128, 128, 128)),
        ((155, 100, 255), {"op": "contrast", "amount": 50}, (169, 86, 255)),
        ((188, 0, 255), {"op": "exposure", "stops": -1}, (137, 0, 188)),  # 188 is half the light of 255
        ((137, 255, 0), {"op": "exposure", "stops": 1}, (188, 255, 0)),
        ((0, 64, 255), {"op": "gamma", "gamma": 2}, (0, 128, 255)),
        ((255, 0, 0), {"op": "saturation", "amount": -100}, (54, 54, 54)),
        ((150, 100, 100), {"op": "saturation", "amount": 100}, (189, 89, 89)),
        ((10, 100, 200), {"op": "invert"}, (245, 155, 55)),
        ((255, 0, 0), {"op": "black_and_white", "red": 50, "green": 50, "blue": 0}, (128, 128, 128)),
        ((0, 0, 255), {"op": "black_and_white", "red": 10, "green": 10, "blue": 0}, (0, 0, 0)),
        ((100, 100, 100), {"op": "sepia"}, (135, 120, 94)),
        ((90, 140, 250), {"op": "posterize", "levels": 2}, (0, 255, 255)),
        ((0, 0, 0), {"op": "duotone", "shadows": "#102030", "highlights": "#ffeedd"}, (16, 32, 48)),
        ((255, 255, 255), {"op": "duotone", "shadows": "#102030", "highlights": "#ffeedd"}, (255, 238, 221)),
        ((50, 128, 220), {"op": "levels", "black": 50, "white": 220}, (0, 117, 255)),
        ((0, 128, 255), {"op": "levels", "output_black": 20, "output_white": 200}, (20, 110, 200)),
        ((0, 128, 255), {"op": "levels", "output_black": 255, "output_white": 0}, (255, 127, 0)),
        ((100, 100, 100), {"op": "levels", "black": 100, "channel": "green"}, (100, 0, 100)),
        ((64, 64, 64), {"op": "curves", "points": [{"input": 64, "output": 100}], "channel": "red"}, (100, 64, 64)),
        ((0, 255, 9), {"op": "curves", "points": [{"input": 64, "output": 100}], "channel": "red"}, (0, 255, 9)),
    ],
)  # fmt: skip
def test_one_color(before: Rgb, item: dict[str, Any], after: Rgb) -> None:
    assert color(before, **item) == after


def test_brightness_contrast_and_invert_are_those_of_other_programs() -> None:
    image = photo("chelsea")
    theirs = ImageEnhance.Brightness(image).enhance(1.3)
    assert np.abs(array(done(image, {"op": "brightness", "amount": 30})) - array(theirs)).max() <= 1


@pytest.mark.parametrize("degrees", [-120, -30, 60, 120, 180])
def test_hue_leaves_grey_and_lightness(degrees: float) -> None:
    assert color((90, 90, 90), op="hue", degrees=degrees) == (90, 90, 90)
    muted = (120, 110, 130)
    weights = (0.2126, 0.7152, 0.0722)
    turned = color(muted, op="hue", degrees=degrees)
    assert turned != muted
    assert sum(np.multiply(turned, weights)) == pytest.approx(sum(np.multiply(muted, weights)), abs=1)


@pytest.mark.parametrize(("degrees", "channel"), [(120, 1), (-120, 2), (0, 0)])
def test_hue_turns_red_to_green_and_blue(degrees: float, channel: int) -> None:
    assert np.argmax(color((140, 90, 90), op="hue", degrees=degrees)) == channel


def test_warm_is_orange_and_cool_is_blue() -> None:
    grey = (120, 120, 120)
    warm, cool = (color(grey, op="color_temperature", temperature=value) for value in (40, -40))
    assert warm[0] > warm[1] > warm[2]
    assert cool[0] < cool[1] < cool[2]
    magenta, green = (color(grey, op="color_temperature", tint=value) for value in (40, -40))
    assert magenta[1] < min(magenta[0], magenta[2])
    assert green[1] > max(green[0], green[2])


def test_vibrance_strengthens_muted_colors_and_hardly_vivid_ones() -> None:
    muted, vivid = (130, 110, 110), (250, 20, 20)
    assert np.ptp(color(muted, op="vibrance", amount=100)) >= 1.8 * np.ptp(muted)
    assert np.ptp(color(vivid, op="vibrance", amount=100)) <= 1.1 * np.ptp(vivid)
    assert color((77, 77, 77), op="vibrance", amount=100) == (77, 77, 77)


@pytest.mark.parametrize("op", ["brightness", "contrast", "saturation", "vibrance"])
def test_more_is_more(op: str) -> None:
    def strength(amount: float) -> float:
        values: Array = array(done(photo("chelsea").resize((40, 30)), {"op": op, "amount": amount}))
        if op == "brightness":
            return float(values.mean())
        return float(values.std() if op == "contrast" else np.ptp(values, axis=2).mean())

    measured = [strength(amount) for amount in (-80, -30, 0, 30, 80)]
    assert measured == sorted(set(measured))


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("picture", [sample(), see_through()], ids=["opaque", "transparent"])
def test_inverting_twice_gives_the_picture_back(picture: Image.Image) -> None:
    assert done(done(picture, {"op": "invert"}), {"op": "invert"}).tobytes() == picture.tobytes()
    assert done(picture, {"op": "invert"}).tobytes() != picture.tobytes()


def test_posterizing_twice_is_posterizing_once() -> None:
    once = done(sample(), {"op": "posterize", "levels": 6})
    assert done(once, {"op": "posterize", "levels": 6}).tobytes() == once.tobytes()
    assert all(len(set(channel.tobytes())) <= 6 for channel in once.split())


def test_black_and_white_leaves_nothing_to_desaturate() -> None:
    grey = done(sample(), {"op": "black_and_white"})
    assert grey.tobytes() == done(sample(), {"op": "saturation", "amount": -100}).tobytes()
    assert done(grey, {"op": "black_and_white"}).tobytes() == grey.tobytes()


def test_stops_add_up() -> None:
    twice = done(sample(), {"op": "exposure", "stops": -0.5}, {"op": "exposure", "stops": -0.5})
    assert np.abs(array(twice) - array(done(sample(), {"op": "exposure", "stops": -1}))).max() <= 1


# --- curves -----------------------------------------------------------------------------------------------------------

POINTS = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=8, unique_by=lambda p: p[0])


def curve(points: list[tuple[int, int]]) -> Curves:
    return Curves(points=tuple(CurvePoint(input=at, output=to) for at, to in points))


@given(POINTS)
def test_a_curve_goes_through_its_points_and_stays_between_them(points: list[tuple[int, int]]) -> None:
    bent = curve(points)
    for at, to in points:
        assert bent.curve(0, at / 255) * 255 == pytest.approx(to, abs=1e-6)
    known = sorted({0: 0, 255: 255} | dict(points)) if points else []
    outputs = {0: 0, 255: 255} | dict(points)
    for left, right in pairwise(known):
        values = [bent.curve(0, at / 255) * 255 for at in np.linspace(left, right, 20)]
        low, high = sorted((outputs[left], outputs[right]))
        assert low - 1e-6 <= min(values)
        assert max(values) <= high + 1e-6
        steps = np.diff(values)
        assert (steps >= -1e-6).all() or (steps <= 1e-6).all()


def test_the_order_of_points_makes_no_difference() -> None:
    points = [(40, 20), (128, 150), (200, 230)]
    assert curve(points).curve(0, 0.3) == curve(points[::-1]).curve(0, 0.3)


def test_a_point_at_the_end_replaces_the_corner() -> None:
    assert color((0, 128, 255), op="curves", points=[{"input": 0, "output": 30}, {"input": 255, "output": 240}])[
        ::2
    ] == (
        30,
        240,
    )


# --- what looks at the whole picture ----------------------------------------------------------------------------------


def dull() -> Image.Image:
    """Between 80 and 150, with a cast towards red."""
    return (
        sample()
        .convert("L")
        .point(lambda value: 80 + value * 70 / 255)
        .convert("RGB")
        .point([min(value + 12, 255) for value in range(256)] + list(range(256)) * 2)
    )


def test_auto_contrast_uses_the_whole_range_and_keeps_hues() -> None:
    stretched = array(done(dull(), {"op": "auto_contrast", "cutoff": 0}))
    assert (stretched.min(), stretched.max()) == (0, 255)
    assert (stretched[..., 0] > stretched[..., 1]).all()


def test_auto_contrast_by_channel_takes_out_the_cast() -> None:
    stretched = array(done(dull(), {"op": "auto_contrast", "cutoff": 0, "keep_colors": False}))
    assert np.abs(stretched[..., 0] - stretched[..., 1]).max() <= 1


def test_auto_contrast_leaves_out_a_few_pixels() -> None:
    image = dull()
    image.putpixel((0, 0), (0, 0, 0))
    image.putpixel((1, 0), (255, 255, 255))
    assert done(image, {"op": "auto_contrast", "cutoff": 0}).tobytes() == image.tobytes()
    assert array(done(image, {"op": "auto_contrast", "cutoff": 1})).std() > 1.5 * array(image).std()


def test_auto_contrast_does_not_look_at_what_cannot_be_seen() -> None:
    image = dull()
    hidden = Image.new("RGBA", (80, 80), (0, 255, 0, 0))
    hidden.paste(image, (0, 0))
    shown = done(hidden, {"op": "auto_contrast", "cutoff": 0}).crop((0, 0, 80, 60)).convert("RGB")
    assert shown.tobytes() == done(image, {"op": "auto_contrast", "cutoff": 0}).tobytes()


@pytest.mark.parametrize("flat", [(9, 9, 9), (255, 255, 255), (0, 0, 0)])
@pytest.mark.parametrize("keep", [True, False])
def test_auto_contrast_leaves_a_flat_picture(flat: Rgb, keep: bool) -> None:
    assert color(flat, op="auto_contrast", keep_colors=keep) == flat


def with_cast(image: Image.Image) -> Image.Image:
    return done(image, {"op": "color_temperature", "temperature": 35, "tint": 10})


def test_white_balance_by_grey_world_makes_the_mean_grey() -> None:
    grey = (
        Image.radial_gradient("L").resize((60, 60)).convert("RGB").point([40 + value // 2 for value in range(256)] * 3)
    )
    balanced = array(done(with_cast(grey), {"op": "white_balance"}))
    assert np.ptp(balanced.reshape(-1, 3).mean(axis=0)) <= 1
    assert np.abs(balanced - array(grey)).mean() <= 2


def test_white_balance_by_point_makes_that_point_grey() -> None:
    image = with_cast(sample().point([40 + value * 3 // 4 for value in range(256)] * 3))
    x, y = 63, 41  # in the white disc
    balanced = done(image, {"op": "white_balance", "method": "point", "x": 100 * x / 80, "y": 100 * y / 60})
    before, after = image.getpixel((x, y)), balanced.getpixel((x, y))
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    assert np.ptp(before) > 30
    assert np.ptp(after) <= 2


def test_white_balance_leaves_what_is_neutral_or_black() -> None:
    grey = Image.linear_gradient("L").convert("RGB")
    assert done(grey, {"op": "white_balance"}).tobytes() == grey.tobytes()
    for blind in (Image.new("RGB", (5, 5)), Image.new("RGB", (5, 5), (200, 0, 0)), Image.new("RGBA", (5, 5))):
        canvas = run(Canvas(blind), parse([{"op": "white_balance"}]), EllipseTools())
        assert canvas.pixels.tobytes() == blind.tobytes()
        assert len(canvas.warnings) == 1
