"""A picture in the format that was asked for, where the model has no choice of it."""

import io

import pytest
from PIL import Image

from darkroom.errors import CallerError
from darkroom.images.convert import converted


def _file(mode: str, form: str, colour: tuple[int, ...] = (200, 30, 30, 255)) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (40, 30), colour[: len(mode)]).save(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("wanted", ["png", "jpeg", "webp"])
def test_it_is_the_same_picture(form: str, wanted: str) -> None:
    data, media_type = converted(_file("RGB", form), wanted, max_megapixels=1)
    with Image.open(io.BytesIO(data)) as image:
        assert (media_type, image.format, image.size) == (f"image/{wanted}", wanted.upper(), (40, 30))
        pixel = image.convert("RGB").getpixel((20, 15))
    assert isinstance(pixel, tuple)
    assert all(abs(is_ - was) <= 4 for is_, was in zip(pixel, (200, 30, 30), strict=True))


def test_what_is_transparent_stays_so_or_is_put_on_white() -> None:
    clear = _file("RGBA", "PNG", (200, 30, 30, 0))
    with Image.open(io.BytesIO(converted(clear, "webp", max_megapixels=1)[0])) as image:
        assert image.convert("RGBA").getchannel("A").getextrema() == (0, 0)
    with Image.open(io.BytesIO(converted(clear, "jpeg", max_megapixels=1)[0])) as image:
        assert image.convert("L").getextrema()[0] >= 253  # type: ignore[operator]


def test_what_is_no_picture_is_not_converted() -> None:
    with pytest.raises(CallerError):
        converted(b"no picture", "png", max_megapixels=1)
