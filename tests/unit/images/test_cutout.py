"""The cut: colours stay straight, boxes fit, and what each option does can be seen in the pixels."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from darkroom.errors import InvalidParameter, NoForeground
from darkroom.images.bands import resize
from darkroom.images.cutout import Cut, cut_out
from darkroom.images.picture import Picture
from darkroom.models.cutout import BoundingBox, CutoutOptions
from tests.photos import photo, swapped_rgb_profile


def picture(pixels: Image.Image, icc: bytes | None = None) -> Picture:
    return Picture(pixels, icc, (), "PNG")


def cut(pixels: Image.Image, mask: Image.Image, background_image: Picture | None = None, **options: Any) -> Cut:
    return cut_out(picture(pixels), mask, CutoutOptions(**options), background_image=background_image)


def box_mask(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def soft_mask(size: tuple[int, int] = (320, 320)) -> Image.Image:
    """A disc with a wide soft edge."""
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    return Image.fromarray(((0.8 - np.hypot(x, y)) * 1000).clip(0, 255).astype(np.uint8))


def channels(image: Image.Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Colour and alpha."""
    values = np.asarray(image).astype(np.int64)
    return values[..., :3], values[..., 3]


SCENE = Image.new("RGB", (200, 100), (10, 200, 30))
BOX = (50, 20, 90, 80)
BOX_MASK = box_mask((200, 100), BOX)


# --- transparency ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("megapixels", [0.1, 3.0])
def test_colours_are_straight_and_gone_where_nothing_is_left(megapixels: float) -> None:
    original = photo("coffee", megapixels)
    result = cut(original, soft_mask(), edges="raw")
    colour, alpha = channels(result.pixels)
    kept = alpha > 0
    assert 0.2 < kept.mean() < 0.9
    assert ((alpha > 0) & (alpha < 255)).any()
    assert (colour[kept] == np.asarray(original)[kept]).all()
    assert (colour[~kept] == 0).all()
    assert result.icc is None
    assert result.warnings == ()


@pytest.mark.parametrize("size", [(640, 427), (2400, 1601), (300, 4001)])
def test_the_mask_is_scaled_as_pillow_scales_it(size: tuple[int, int]) -> None:
    mask = soft_mask((320, 320))
    alpha = cut(Image.new("RGB", size), mask).pixels.getchannel("A")
    expected = np.asarray(mask.resize(size, Image.Resampling.LANCZOS), int)
    assert np.abs(np.asarray(alpha, int) - expected).max() <= 1


def test_scaling_down_in_bands_is_scaling_down() -> None:
    large = photo("astronaut", 6)
    found = resize(large, (320, 320), Image.Resampling.LANCZOS)
    expected = np.asarray(large.resize((320, 320), Image.Resampling.LANCZOS), int)
    assert np.abs(np.asarray(found, int) - expected).max() <= 1


def test_what_was_transparent_stays_so() -> None:
    pixels = Image.new("RGBA", (200, 100), (9, 8, 7, 128))
    pixels.paste((9, 8, 7, 0), (50, 20, 60, 80))
    result = cut(pixels, BOX_MASK)
    assert [result.pixels.getpixel(at) for at in ((70, 50), (55, 50), (10, 10))] == [
        (9, 8, 7, 128),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
    ]
    assert result.subject == BoundingBox(left=60, top=20, width=30, height=60)


def test_the_profile_is_passed_on() -> None:
    icc = swapped_rgb_profile()
    result = cut_out(picture(SCENE, icc), BOX_MASK, CutoutOptions())
    assert result.icc == icc
    assert result.pixels.getpixel((60, 50)) == (10, 200, 30, 255)


@pytest.mark.parametrize("size", [(1, 1), (2000, 1), (1, 2000)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    result = cut(Image.new("RGB", size, "red"), Image.new("L", (320, 320), 255), crop=True)
    assert result.pixels.size == size
    assert result.pixels.getpixel((0, 0)) == (255, 0, 0, 255)


def test_an_empty_mask_is_no_subject() -> None:
    for mask in (Image.new("L", (320, 320)), Image.new("L", (320, 320), 20)):
        with pytest.raises(NoForeground):
            cut(SCENE, mask)
    with pytest.raises(NoForeground):
        cut(Image.new("RGBA", SCENE.size), Image.new("L", SCENE.size, 255))


# --- crop and size ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margin", "size", "subject"),
    [
        ("0", (40, 60), (0, 0)),
        ("5", (50, 70), (5, 5)),
        (" 5 px ", (50, 70), (5, 5)),
        ("10%", (52, 72), (6, 6)),  # of the longer side, 60
        ("2.5%", (44, 64), (2, 2)),
        ("30px", (100, 100), (30, 20)),  # as far as there is picture
        ("9999", (200, 100), (50, 20)),
    ],
)
def test_crops_to_the_subject_with_a_margin(margin: str, size: tuple[int, int], subject: tuple[int, int]) -> None:
    result = cut(SCENE, BOX_MASK, crop=True, margin=margin)
    assert result.pixels.size == size
    assert result.subject == BoundingBox(left=subject[0], top=subject[1], width=40, height=60)
    inside = result.pixels.crop((*subject, subject[0] + 40, subject[1] + 60))
    assert inside.getcolors() == [(2400, (10, 200, 30, 255))]


def test_without_crop_the_margin_does_nothing_and_the_subject_is_told() -> None:
    result = cut(SCENE, BOX_MASK, margin="20%")
    assert result.pixels.size == (200, 100)
    assert result.subject == BoundingBox(left=50, top=20, width=40, height=60)


def test_the_faint_haze_of_a_mask_is_no_subject() -> None:
    mask = Image.new("L", SCENE.size, 12)
    mask.paste(255, BOX)
    assert cut(SCENE, mask, crop=True).pixels.size == (40, 60)


@pytest.mark.parametrize(
    ("max_size", "size"), [(16, (16, 8)), (100, (100, 50)), (199, (199, 100)), (200, (200, 100)), (5000, (200, 100))]
)
def test_scales_down_and_never_up(max_size: int, size: tuple[int, int]) -> None:
    result = cut(SCENE, BOX_MASK, max_size=max_size)
    assert result.pixels.size == size
    subject = result.subject
    scale = size[0] / 200
    assert subject.left <= 50 * scale
    assert subject.left + subject.width >= 90 * scale - 1e-9
    assert subject.width <= 40 * scale + 2
    assert subject.height <= 60 * scale + 2


def test_scaling_down_leaves_no_dark_rim() -> None:
    result = cut(SCENE, BOX_MASK, max_size=37)
    colour, alpha = channels(result.pixels)
    edge = (alpha > 8) & (alpha < 247)
    assert edge.any()
    # A colour counts by its alpha; sharpening may overshoot a little, but not towards black.
    seen = (colour[edge] - (10, 200, 30)) * alpha[edge][:, np.newaxis] / 255
    assert np.min(seen) >= -2
    assert np.max(seen) <= 6
    assert (colour[alpha == 0] == 0).all()


def test_crop_and_max_size_together() -> None:
    result = cut(SCENE, BOX_MASK, crop=True, margin="10px", max_size=40)
    assert result.pixels.size == (30, 40)
    assert result.subject == BoundingBox(left=5, top=5, width=30 - 10, height=40 - 10)


@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.sampled_from(["0", "3", "7.5%", "200%"]),
    st.one_of(st.none(), st.integers(16, 64)),
    st.booleans(),
)
def test_the_subject_lies_within_the_result(
    size: tuple[int, int], corners: tuple[float, float, float, float], margin: str, max_size: int | None, crop: bool
) -> None:
    left, right = sorted(int(x * size[0]) for x in corners[:2])
    top, bottom = sorted(int(y * size[1]) for y in corners[2:])
    mask = box_mask(size, (left, top, max(right, min(left + 1, size[0])), max(bottom, min(top + 1, size[1]))))
    if mask.getbbox() is None:
        return
    result = cut(Image.new("RGB", size, "red"), mask, crop=crop, margin=margin, max_size=max_size)
    subject, (width, height) = result.subject, result.pixels.size
    assert subject.left >= 0
    assert subject.left + subject.width <= width
    assert subject.top >= 0
    assert subject.top + subject.height <= height
    assert subject.width >= 1
    assert subject.height >= 1
    assert max(width, height) <= (max_size or 90)


# --- what goes behind ------------------------------------------------------------------------------------------------


def test_a_colour_behind() -> None:
    result = cut(photo("coffee"), soft_mask(), background="#0000ff", edges="raw")
    assert result.pixels.mode == "RGB"
    alpha = np.asarray(soft_mask().resize(photo("coffee").size, Image.Resampling.LANCZOS))[..., np.newaxis] / 255
    expected = np.asarray(photo("coffee")) * alpha + np.array((0, 0, 255)) * (1 - alpha)
    assert np.abs(np.asarray(result.pixels) - expected).max() <= 1


def test_a_translucent_colour_behind() -> None:
    result = cut(SCENE, BOX_MASK, background="#0000ff80")
    assert [result.pixels.getpixel(at) for at in ((0, 0), (60, 50))] == [(0, 0, 255, 128), (10, 200, 30, 255)]
    flat = cut(SCENE, BOX_MASK, background="#0000ff80", format="jpeg")
    assert flat.pixels.getpixel((0, 0)) == (127, 127, 255)
    assert len(flat.warnings) == 1


def test_a_gradient_behind() -> None:
    pixels = cut(SCENE, BOX_MASK, background="linear-gradient(to right, black, white)").pixels
    row = [pixels.getpixel((x, 5)) for x in (0, 100, 199)]
    assert row == [pytest.approx((value,) * 3, abs=2) for value in (0, 128, 255)]
    assert pixels.getpixel((60, 50)) == (10, 200, 30)


def test_a_picture_behind() -> None:
    behind = picture(Image.new("RGB", (30, 30), (1, 2, 3)))
    result = cut(SCENE, BOX_MASK, background_image=behind, crop=True, margin="5px")
    assert [result.pixels.getpixel(at) for at in ((0, 0), (20, 30))] == [(1, 2, 3), (10, 200, 30)]


def test_two_backgrounds_are_one_too_many() -> None:
    with pytest.raises(InvalidParameter) as refused:
        cut(SCENE, BOX_MASK, background="red", background_image=picture(SCENE))
    assert refused.value.param == "background"


def test_both_sides_are_in_srgb_when_they_meet() -> None:
    swapped = picture(Image.new("RGB", (200, 100), (255, 0, 0)), swapped_rgb_profile())
    result = cut_out(swapped, BOX_MASK, CutoutOptions(background="white"))
    red, green, blue = np.asarray(result.pixels)[50, 60].tolist()
    assert green > 250
    assert red < 20
    assert blue < 20
    assert result.icc is None


# --- channels and formats --------------------------------------------------------------------------------------------


def test_alpha_alone() -> None:
    result = cut_out(
        picture(SCENE, swapped_rgb_profile()), BOX_MASK, CutoutOptions(channels="alpha", crop=True, margin="2")
    )
    assert result.pixels.mode == "L"
    assert result.icc is None
    assert result.pixels.size == (44, 64)
    assert result.pixels.getpixel((0, 0)) == 0
    assert result.pixels.getpixel((20, 20)) == 255


def test_a_jpeg_without_a_background_is_put_on_white_and_says_so() -> None:
    result = cut(SCENE, BOX_MASK, format="jpeg")
    assert result.pixels.mode == "RGB"
    assert [result.pixels.getpixel(at) for at in ((0, 0), (60, 50))] == [(255, 255, 255), (10, 200, 30)]
    assert result.warnings == ("JPEG knows no transparency; the picture was put on white.",)
    assert cut(SCENE, BOX_MASK, format="jpeg", background="black").warnings == ()
    assert cut(SCENE, BOX_MASK, format="jpeg", channels="alpha").warnings == ()


def test_refuses_more_than_a_format_can_hold() -> None:
    wide = Image.new("RGB", (17000, 4), "red")
    mask = Image.new("L", (17000, 4), 255)
    with pytest.raises(InvalidParameter, match="17000 x 4") as refused:
        cut(wide, mask, format="webp")
    assert refused.value.param == "format"
    assert "16383" in refused.value.fix
    assert cut(wide, mask, format="png").pixels.size == (17000, 4)
    assert cut(wide, mask, format="webp", max_size=16000).pixels.width == 16000
