"""`make demo` on the running stack."""

from pathlib import Path

import pytest
from PIL import Image

from local.demo import MAX_IN_REQUEST, PHOTO, cut_out
from local.stack import Stack


def test_a_photograph_too_large_for_a_request_is_uploaded_first(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "large.jpg"
    # What comes after the end of a JPEG is no part of it; Lambda counts it all the same.
    photo.write_bytes(PHOTO.read_bytes() + b"\0" * MAX_IN_REQUEST)
    assert cut_out(photo, stack.describe()) == 0, capsys.readouterr().err
    with Image.open(photo) as given, Image.open(tmp_path / "large.cutout.png") as made:
        assert (made.mode, made.size) == ("RGBA", given.size)


def test_what_cannot_be_cut_out_is_told(stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "notes.jpg"
    photo.write_bytes(b"Dear diary")
    assert cut_out(photo, stack.describe()) == 1
    assert "plain text" in capsys.readouterr().err
