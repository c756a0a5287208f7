"""Small copies for people: their size and colors, upright and transparent as the picture is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import ImageTooLarge, UnreadableImage
from darkroom.images.preview import thumbnail
from darkroom.models.job import THUMBNAIL_SIDE, thumbnail_size
from tests.photos import load, photo, save, swapped_rgb_profile


def _made(image: Image.Image, kind: str = "PNG", **options: Any) -> Image.Image:
    made = load(thumbnail(save(image, kind, **options), max_megapixels=40))
    assert made.format == "WEBP"
    return made


@given(st.integers(1, 60_000), st.integers(1, 60_000))
def test_it_has_the_pictures_shape_and_is_never_larger(width: int, height: int) -> None:
    size = thumbnail_size(width, height)
    assert max(size) == min(THUMBNAIL_SIDE, max(width, height))
    assert min(size) >= 1
    scale = max(size) / max(width, height)
    assert abs(size[0] - width * scale) <= 0.5 or size[0] == 1
    assert abs(size[1] - height * scale) <= 0.5 or size[1] == 1


@pytest.mark.parametrize("size", [(40, 30), (512, 9), (1_000, 700), (3_001, 1_999), (5_000, 1), (1, 4_000)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_it_is_as_large_as_was_told_beforehand(size: tuple[int, int], kind: str) -> None:
    made = _made(Image.new("RGB", size, (200, 30, 60)), kind)
    assert made.size == thumbnail_size(*size)
    red, green, blue = made.getpixel((made.width // 2, made.height // 2))  # type: ignore[misc]
    assert (abs(red - 200) < 8, abs(green - 30) < 8, abs(blue - 60) < 8) == (True, True, True)


def test_a_photograph_looks_as_pillow_scales_it() -> None:
    picture = photo(megapixels=9)
    made, expected = _made(picture), picture.resize(thumbnail_size(*picture.size), Image.Resampling.LANCZOS)
    apart = [abs(a - b) for a, b in zip(made.convert("L").tobytes(), expected.convert("L").tobytes(), strict=True)]
    assert sum(apart) / len(apart) < 3


@pytest.mark.parametrize("side", [300, 3_000])
def test_what_is_transparent_stays_so_and_its_edge_takes_no_color_from_below(side: int) -> None:
    picture = Image.new("RGBA", (side, side), (0, 255, 0, 0))
    picture.paste((255, 0, 0, 255), (side // 3, side // 3, side, side))
    made = _made(picture)
    assert made.mode == "RGBA"
    assert made.getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert made.getpixel((made.width - 5, made.height - 5))[3] == 255  # type: ignore[index]
    on_white = Image.new("RGB", made.size, "white")
    on_white.paste(made, mask=made.getchannel("A"))
    # From white to red: green is never above red.
    red, green = (on_white.getchannel(name).tobytes() for name in ("R", "G"))
    assert all(g <= r + 6 for r, g in zip(red, green, strict=True))


def test_it_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert _made(Image.new("RGB", (900, 600)), "JPEG", exif=exif).size == thumbnail_size(600, 900)


def test_its_colors_are_srgb() -> None:
    made = _made(Image.new("RGB", (600, 600), (250, 20, 20)), icc_profile=swapped_rgb_profile())
    red, green, blue = made.getpixel((300, 300))  # type: ignore[misc]
    assert max(green, blue) > red, "the profile swaps the primaries"
    assert "icc_profile" not in made.info


def test_what_cannot_be_read_or_is_too_large_is_an_error() -> None:
    with pytest.raises(UnreadableImage):
        thumbnail(save(photo(), "PNG")[:200], max_megapixels=40)
    with pytest.raises(ImageTooLarge):
        thumbnail(save(Image.new("1", (3_000, 1_000)), "PNG"), max_megapixels=2)


def test_the_same_picture_gives_the_same_bytes_and_few_of_them() -> None:
    data = save(photo(megapixels=4), "JPEG")
    made = thumbnail(data, max_megapixels=40)
    assert made == thumbnail(data, max_megapixels=40)
    assert len(made) < 60_000
