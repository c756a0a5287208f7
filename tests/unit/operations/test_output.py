"""The file's format and what it says beside the picture."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from darkroom.images.icc import srgb
from darkroom.operations._base import Canvas
from darkroom.operations.convert import Convert
from darkroom.operations.strip_metadata import StripMetadata
from tests.fakes.tools import EllipseTools
from tests.photos import swapped_rgb_profile
from tests.unit.operations.samples import array, odd, sample, see_through

TOOLS = EllipseTools()


@pytest.mark.parametrize("which", sorted(odd()))
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_any_picture_can_be_converted(which: str, kind: str) -> None:
    done = Convert.model_validate({"format": kind, "quality": 80}).apply(Canvas(odd()[which]), TOOLS)
    assert (done.format, done.quality, done.pixels.size) == (kind, 80, odd()[which].size)
    assert done.pixels.mode == ("RGB" if kind == "jpeg" else odd()[which].mode)


@pytest.mark.parametrize(("word", "kind"), [("jpg", "jpeg"), ("JPG", "jpeg"), (" WebP", "webp"), ("image/png", "png")])
def test_a_format_goes_by_each_of_its_names(word: str, kind: str) -> None:
    assert Convert.model_validate({"format": word}).format == kind


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_format_that_knows_transparency_keeps_the_pixels(kind: str) -> None:
    done = Convert.model_validate({"format": kind}).apply(Canvas(see_through(), quality=3), TOOLS)
    assert done.pixels is see_through()
    assert done.quality is None
    assert done.warnings == ()


def test_a_jpeg_puts_what_is_transparent_on_a_background() -> None:
    white = Convert(format="jpeg").apply(Canvas(see_through()), TOOLS)
    assert white.pixels.getpixel((0, 0)) == (255, 255, 255)
    assert "put on white" in white.warnings[0]
    orange = Convert(format="jpeg", background="#ff8800").apply(Canvas(see_through()), TOOLS)
    assert orange.pixels.getpixel((0, 0)) == (255, 136, 0)
    assert orange.warnings == ()
    weight = array(see_through())[..., 3:] / 255
    expected = array(see_through())[..., :3] * weight + np.array([255, 136, 0]) * (1 - weight)
    assert np.abs(array(orange.pixels) - expected).max() <= 1


def test_a_jpeg_of_an_opaque_picture_warns_of_nothing() -> None:
    for picture in (sample(), sample().convert("RGBA")):
        done = Convert(format="jpeg").apply(Canvas(picture), TOOLS)
        assert done.warnings == ()
        assert done.pixels.tobytes() == sample().tobytes()


def test_a_jpegs_background_is_srgb_whatever_the_pictures_profile() -> None:
    canvas = Canvas(see_through(), icc=swapped_rgb_profile())
    red, green, blue = Convert(format="jpeg", background="red").apply(canvas, TOOLS).pixels.getpixel((0, 0))  # type: ignore[misc]
    assert green > 245 > 20 > max(red, blue), "the profile's first channel is green"


@pytest.mark.parametrize("fields", [{}, {"format": "gif"}, {"format": "png", "quality": 0}, {"format": "png", "q": 1}])
def test_other_formats_and_qualities_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Convert.model_validate(fields)


def test_the_profile_is_kept_unless_it_is_to_go() -> None:
    canvas = Canvas(sample(), icc=swapped_rgb_profile())
    assert StripMetadata().apply(canvas, TOOLS) == canvas


def test_colors_are_brought_to_srgb() -> None:
    canvas = Canvas(see_through(), icc=swapped_rgb_profile())
    done = StripMetadata(color_profile="convert_to_srgb").apply(canvas, TOOLS)
    assert done.icc is None
    assert done.pixels.getchannel("A").tobytes() == see_through().getchannel("A").tobytes()
    red, green, blue, _ = np.moveaxis(array(done.pixels), 2, 0)
    before = array(see_through())
    assert np.abs(red - before[..., 1]).mean() < 8, "the profile's second channel is red"
    assert np.abs(green - before[..., 0]).mean() < 8
    assert np.abs(blue - before[..., 2]).mean() < 8


def test_what_is_srgb_already_keeps_its_pixels() -> None:
    convert = StripMetadata(color_profile="convert_to_srgb")
    assert convert.apply(Canvas(sample()), TOOLS).pixels is sample()
    done = convert.apply(Canvas(sample(), icc=srgb().tobytes()), TOOLS)
    assert done.icc is None
    assert done.pixels is sample()


def test_a_profile_that_knows_no_way_to_srgb_stays_with_a_warning() -> None:
    one_way = swapped_rgb_profile().replace(b"rTRC", b"zTRC")
    done = StripMetadata(color_profile="convert_to_srgb").apply(Canvas(sample(), icc=one_way), TOOLS)
    assert done.icc == one_way
    assert len(done.warnings) == 1


def test_nothing_that_pillow_remembers_of_a_file_is_needed() -> None:
    plain = Image.new("RGB", (2, 2))
    assert StripMetadata().apply(Canvas(plain), TOOLS).pixels.info == {}
