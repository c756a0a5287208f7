"""Edits behind a mask: what is masked stays pixel for pixel, and what was painted comes to lie where it belongs."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageChops

from darkroom.errors import ImageTooLarge, InvalidParameter, UnreadableImage, UnusableAnswer
from darkroom.images.mask import Composed, check_size, compose, normalise_mask, region_hint
from tests.photos import jpeg, load, one_way_rgb_profile, photo, save, swapped_rgb_profile

Box = tuple[int, int, int, int]


def mask_of(size: tuple[int, int], hole: Box, *, alpha: int = 0, kind: str = "PNG") -> bytes:
    mask = Image.new("RGBA", size, (0, 0, 0, 255))
    mask.paste((255, 255, 255, alpha), hole)
    return save(mask, kind)


def composed(original: bytes, painted: bytes, mask: bytes, output_format: Literal["png", "webp"] = "png") -> Composed:
    return compose(original, painted, mask, output_format=output_format, max_megapixels=25)


def array(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(load(data))


def noise(draw: st.DrawFn, mode: str, size: tuple[int, int]) -> Image.Image:
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    picture = Image.frombytes(mode, size, generator.bytes(size[0] * size[1] * len(mode)))
    if mode == "RGBA":  # more of the two that matter most
        picture.putalpha(picture.getchannel("A").point([0] * 64 + list(range(64, 192)) + [255] * 64))
    return picture


@st.composite
def edits(draw: st.DrawFn) -> tuple[Image.Image, Image.Image, Image.Image]:
    """An original, a mask's alpha, and something painted of any size."""
    side = st.integers(1, 40)
    size = (draw(side), draw(st.one_of(side, st.just(300))))
    original = noise(draw, draw(st.sampled_from(["RGB", "RGBA"])), size)
    painted = noise(draw, draw(st.sampled_from(["RGB", "RGBA"])), draw(st.one_of(st.just(size), st.tuples(side, side))))
    alpha = noise(draw, "L", size).point([0] * 80 + list(range(80, 180)) + [255] * 76)
    alpha.putpixel((0, 0), 0)
    return original, alpha, painted


@given(edits(), st.sampled_from(["png", "webp"]), st.booleans())
def test_where_the_mask_is_opaque_the_original_stays_pixel_for_pixel(
    edit: tuple[Image.Image, Image.Image, Image.Image], output_format: Literal["png", "webp"], with_profile: bool
) -> None:
    original, alpha, painted = edit
    icc = swapped_rgb_profile() if with_profile else None
    mask = Image.merge("LA", (alpha, alpha))
    done = composed(save(original, "PNG", icc_profile=icc), save(painted, "PNG"), save(mask, "PNG"), output_format)
    result = load(done.data)
    assert (result.size, done.width, done.height) == (original.size, *original.size)
    assert (done.media_type, result.format) == (f"image/{output_format}", output_format.upper())
    assert result.info.get("icc_profile") == icc
    # A WebP says RGB if nothing in it is transparent.
    kept = np.asarray(alpha) == 255
    np.testing.assert_array_equal(
        np.asarray(result.convert("RGBA"))[kept], np.asarray(original.convert("RGBA"))[kept], strict=True
    )
    if painted.size == original.size and not with_profile:
        free = np.asarray(alpha) == 0
        np.testing.assert_array_equal(
            np.asarray(result.convert("RGBA"))[free], np.asarray(painted.convert("RGBA"))[free], strict=True
        )


def test_the_colour_under_transparent_pixels_stays_too() -> None:
    original = Image.new("RGBA", (8, 8), (10, 200, 30, 0))
    for output_format in ("png", "webp"):
        done = composed(
            save(original, "PNG"),
            save(Image.new("RGB", (8, 8), "red"), "PNG"),
            mask_of((8, 8), (0, 0, 4, 8)),
            "png" if output_format == "png" else "webp",
        )
        assert load(done.data).getpixel((6, 6)) == (10, 200, 30, 0)
        assert load(done.data).getpixel((1, 6)) == (255, 0, 0, 255)


def test_between_opaque_and_transparent_both_are_seen() -> None:
    white, black = save(Image.new("RGB", (30, 20), "white"), "PNG"), save(Image.new("RGB", (30, 20), "black"), "PNG")
    for alpha in (1, 77, 128, 254):
        done = composed(white, black, mask_of((30, 20), (0, 0, 10, 20), alpha=alpha))
        assert load(done.data).getpixel((5, 5)) == (alpha, alpha, alpha)
        assert load(done.data).getpixel((15, 5)) == (255, 255, 255)


def test_what_lies_under_transparent_pixels_does_not_shine_through() -> None:
    nothing = save(Image.new("RGBA", (20, 20), (0, 255, 0, 0)), "PNG")
    red = save(Image.new("RGBA", (20, 20), "red"), "PNG")
    half = load(composed(nothing, red, mask_of((20, 20), (0, 0, 10, 20), alpha=128)).data)
    assert half.getpixel((5, 5)) == (255, 0, 0, 127)


def test_a_painted_picture_of_the_same_shape_is_scaled_without_a_warning() -> None:
    # What models do: their sizes are multiples of 16.
    original, painted = photo("coffee"), photo("coffee").resize((1008, 672), Image.Resampling.LANCZOS)
    done = composed(save(original, "PNG"), save(painted, "PNG"), mask_of(original.size, (100, 50, 500, 350)))
    assert done.warnings == ()
    difference = np.abs(array(done.data).astype(int) - np.asarray(original, int))
    assert difference.mean() < 1.5, "it lies where it lay"
    shifted = np.abs(array(done.data).astype(int) - np.asarray(ImageChops.offset(original, 2, 0), int))
    assert shifted.mean() > 2 * difference.mean()


@pytest.mark.parametrize("size", [(800, 400), (400, 800)])
def test_a_painted_picture_of_another_shape_covers_the_original_from_its_middle(size: tuple[int, int]) -> None:
    middle = photo("coffee").resize((400, 400))
    painted = Image.new("RGB", size, "blue")
    painted.paste(middle, ((size[0] - 400) // 2, (size[1] - 400) // 2))
    white = save(Image.new("RGB", (200, 200), "white"), "PNG")
    done = composed(white, save(painted, "PNG"), mask_of((200, 200), (0, 0, 200, 200)))
    assert len(done.warnings) == 1
    assert f"{size[0]} x {size[1]}" in done.warnings[0]
    expected = middle.resize((200, 200), Image.Resampling.LANCZOS)
    inner = (3, 3, 197, 197)  # at the edges the blue beyond them counts a little
    difference = ImageChops.difference(load(done.data).crop(inner), expected.crop(inner))
    assert np.asarray(difference).mean() < 0.5


@pytest.mark.parametrize(("width", "crops"), [(972, False), (1028, False), (968, True), (1032, True)])
def test_only_more_than_three_per_cent_is_another_shape(width: int, crops: bool) -> None:
    painted = Image.linear_gradient("L").rotate(90).resize((width, 1000)).convert("RGB")
    square = save(Image.new("RGB", (100, 100)), "PNG")
    done = composed(square, save(painted, "PNG"), mask_of((100, 100), (0, 0, 100, 100)))
    assert bool(done.warnings) == crops


def test_what_was_painted_is_brought_to_the_originals_colour_profile() -> None:
    swapped = swapped_rgb_profile()  # its first channel is green
    original = save(Image.new("RGB", (20, 20), "white"), "PNG", icc_profile=swapped)
    mask = mask_of((20, 20), (0, 0, 10, 20))
    untagged = load(composed(original, save(Image.new("RGB", (20, 20), "red"), "PNG"), mask).data)
    red, green, blue = untagged.getpixel((5, 5))  # type: ignore[misc]
    assert (red < 10, green > 245, blue < 10, untagged.info["icc_profile"] == swapped) == (True, True, True, True)
    tagged = Image.new("RGBA", (20, 20), (1, 2, 3, 200))
    same = load(composed(original, save(tagged, "PNG", icc_profile=swapped), mask).data)
    assert same.getpixel((5, 5)) == (1, 2, 3, 200)
    plain = load(composed(save(Image.new("RGB", (20, 20)), "PNG"), save(tagged, "PNG", icc_profile=swapped), mask).data)
    assert "icc_profile" not in plain.info
    assert plain.getpixel((5, 5))[3] == 200  # type: ignore[index]


def test_a_profile_that_colours_cannot_be_brought_to_is_kept_with_a_warning() -> None:
    one_way = one_way_rgb_profile()
    original = save(Image.new("RGB", (20, 20), "white"), "PNG", icc_profile=one_way)
    done = composed(original, save(Image.new("RGB", (20, 20), "red"), "PNG"), mask_of((20, 20), (0, 0, 10, 20)))
    assert (load(done.data).getpixel((5, 5)), load(done.data).info["icc_profile"]) == ((255, 0, 0), one_way)
    assert ["profile" in warning for warning in done.warnings] == [True]


def test_jpegs_and_originals_on_their_side_are_read_as_they_are_seen() -> None:
    sideways = Image.Exif()
    sideways[0x0112] = 6
    original = save(photo("coffee"), "JPEG", exif=sideways)
    done = composed(original, jpeg("chelsea"), mask_of((400, 600), (0, 0, 50, 50)))
    upright = load(original).transpose(Image.Transpose.ROTATE_270)
    np.testing.assert_array_equal(array(done.data)[60:], np.asarray(upright)[60:])


def test_what_webp_has_no_room_for_becomes_a_png() -> None:
    size = (16_400, 2)
    wide = save(Image.new("RGB", size, "white"), "PNG")
    done = composed(wide, wide, mask_of(size, (0, 0, 5, 2)), "webp")
    assert (done.media_type, load(done.data).size, len(done.warnings)) == ("image/png", size, 1)


def test_a_models_picture_may_be_larger_than_what_is_accepted_from_people() -> None:
    small = save(Image.new("RGB", (30, 20)), "PNG")
    large = save(Image.new("RGB", (3000, 2000), "white"), "PNG")
    done = compose(small, large, mask_of((30, 20), (0, 0, 30, 20)), max_megapixels=0.01)
    assert load(done.data).getpixel((9, 9)) == (255, 255, 255)
    with pytest.raises(ImageTooLarge):
        compose(large, small, mask_of((3000, 2000), (0, 0, 30, 20)), max_megapixels=0.01)


def test_a_models_picture_that_cannot_be_read_is_the_models_fault() -> None:
    good = jpeg("coffee")
    with pytest.raises(UnusableAnswer) as refused:
        composed(good, good[:3000], mask_of((600, 400), (0, 0, 9, 9)))
    assert refused.value.charged is True
    with pytest.raises(UnreadableImage):
        composed(good[:3000], good, mask_of((600, 400), (0, 0, 9, 9)))


# --- masks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mask",
    [
        mask_of((9, 7), (2, 2, 5, 5)),
        mask_of((9, 7), (2, 2, 5, 5), kind="WEBP"),
        mask_of((9, 7), (2, 2, 5, 5), alpha=254),
        mask_of((9, 7), (0, 0, 9, 7)),
        save(Image.new("LA", (9, 7), (3, 0)), "PNG"),
        save(Image.new("P", (9, 7)), "PNG", transparency=0),
        save(Image.new("P", (9, 7)), "GIF", transparency=0),
    ],
    ids=["PNG", "WebP", "faint", "all", "grey", "palette", "GIF"],
)
def test_a_mask_becomes_a_png_of_its_alpha_and_stays_one(mask: bytes) -> None:
    found = normalise_mask(mask, max_megapixels=1)
    left = load(found.data)
    assert (left.format, left.mode, left.size, found.media_type) == ("PNG", "LA", (9, 7), "image/png")
    assert left.getchannel("A").tobytes() == load(mask).convert("RGBA").getchannel("A").tobytes()
    assert normalise_mask(found.data, max_megapixels=1).data == found.data


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (save(Image.new("L", (9, 7)), "PNG"), "no alpha"),
        (jpeg("coffee"), "no alpha"),
        (save(Image.new("RGBA", (9, 7), "black"), "PNG"), "opaque everywhere"),
    ],
    ids=["grey", "photograph", "opaque"],
)
def test_a_mask_in_which_nothing_is_transparent_is_refused(mask: bytes, why: str) -> None:
    for use in (
        lambda: normalise_mask(mask, max_megapixels=1),
        lambda: compose(mask, mask, mask, max_megapixels=1),
        lambda: region_hint(mask),
    ):
        with pytest.raises(InvalidParameter, match=why) as refused:
            use()
        assert refused.value.param == "mask"
        assert "transparent" in refused.value.fix


def test_a_mask_of_another_size_is_refused_with_both() -> None:
    check_size((4, 5), (4, 5))
    with pytest.raises(InvalidParameter, match="4 x 5 pixels, and the first picture 5 x 4") as refused:
        check_size((4, 5), (5, 4))
    assert refused.value.context == {"mask_size": "4x5", "image_size": "5x4"}
    with pytest.raises(InvalidParameter, match="9 x 9"):
        composed(jpeg("coffee"), jpeg("coffee"), mask_of((9, 9), (0, 0, 1, 1)))


@pytest.mark.parametrize(
    ("hole", "expected"),
    [
        ((40, 10, 90, 60), "from 20 % to 45 % of the width (from the left) and from 10 % to 60 % of the height"),
        ((0, 0, 1, 1), "from 0 % to 1 % of the width (from the left) and from 0 % to 1 % of the height"),
        ((199, 99, 200, 100), "from 99 % to 100 % of the width (from the left) and from 99 % to 100 % of the height"),
        ((0, 50, 200, 100), "from 0 % to 100 % of the width (from the left) and from 50 % to 100 % of the height"),
    ],
)
def test_the_hint_says_where_the_hole_is(hole: Box, expected: str) -> None:
    for mask in (mask_of((200, 100), hole), normalise_mask(mask_of((200, 100), hole, alpha=99), max_megapixels=1).data):
        hint = region_hint(mask)
        assert expected in hint
        assert hint.startswith("Change only the area")
        assert hint.endswith("keep everything else as it is.")


def test_there_is_no_hint_if_everything_may_change() -> None:
    assert region_hint(mask_of((200, 100), (0, 0, 200, 100))) == ""
