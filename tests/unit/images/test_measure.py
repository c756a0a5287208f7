"""How large a picture is that was made: as a viewer shows it, and as a decoder says."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.images.decode import upright_size
from darkroom.images.measure import measure


def _png(size: tuple[int, int], side: int | None = None) -> bytes:
    made, exif = BytesIO(), Image.Exif()
    if side is not None:
        exif[0x0112] = side
    Image.new("RGB", size).save(made, "PNG", exif=exif.tobytes() if side else None)
    return made.getvalue()


@given(size=st.tuples(st.integers(1, 40), st.integers(1, 40)), side=st.none() | st.integers(1, 8))
def test_a_png_is_as_large_as_a_decoder_says(size: tuple[int, int], side: int | None) -> None:
    made = _png(size, side)
    assert measure(made) == upright_size(made)
    assert measure(made) == (size[::-1] if side in (5, 6, 7, 8) else size)


@pytest.mark.parametrize("cut", [9, 20])
def test_what_only_begins_as_a_png_has_no_size(cut: int) -> None:
    assert measure(_png((8, 4))[:cut]) == (0, 0)


def test_a_drawing_has_its_own_units() -> None:
    assert measure(b'<svg width="30" height="20" viewBox="0 0 3 2"/>') == (30, 20)
