"""The page and the contact sheet say what the operations do, and nothing else."""

import numpy as np
import pytest
from PIL import Image

from darkroom.operations import load, names
from local import recipes_doc, recipes_sheet

# What a format does to a picture is seen in the file, what metadata said is not.
_UNSEEN = ("strip_metadata",)


def test_the_page_is_what_the_operations_say() -> None:
    assert recipes_doc.PAGE.read_text(encoding="utf-8") == recipes_doc.page(), "run: python -m local.recipes_doc"


@pytest.mark.parametrize("name", names())
def test_every_operation_and_every_field_is_on_the_page(name: str) -> None:
    _, found, after = recipes_doc.page().partition(f"\n## {name}\n")
    assert found
    section = after.partition("\n## ")[0]
    assert " ".join((load(name).__doc__ or "").split()) in section
    assert ("**Subject.**" in section) == load(name).needs_subject
    for field in load(name).model_fields:
        assert (f"| `{field}` |" in section) == (field != "op")


def test_a_row_says_range_default_and_meaning() -> None:
    page = recipes_doc.page()
    assert "| `amount` | a number, 0 to 500 | `80` | Strength in per cent; 0 changes nothing, 80 is usual. |" in page
    assert "| `seed` | a whole number, 0 to 4294967295 | `0` |" in page
    assert "| `format` | `png`, `jpeg`, `webp` | *required* |" in page
    assert "| `grow` | `true`, `false` | `true` |" in page
    assert "| `points[].input` | a number, 0 to 255 | *required* |" in page


def test_the_contact_sheet_is_what_the_operations_do() -> None:
    """Up to the arithmetic of another Pillow and the palette."""
    assert recipes_sheet.SHEET.stat().st_size <= 400_000
    with Image.open(recipes_sheet.SHEET) as file:
        stored = np.asarray(file.convert("RGB"), float)
    fresh = np.asarray(recipes_sheet.sheet(), float)
    assert stored.shape == fresh.shape, "run: python -m local.recipes_doc"
    tiles = np.abs(stored - fresh).mean(axis=2)
    side = 40
    worst = max(
        tiles[top : top + side, left : left + side].mean()
        for top in range(0, tiles.shape[0] - side, side)
        for left in range(0, tiles.shape[1] - side, side)
    )
    assert worst < 12, "run: python -m local.recipes_doc"


@pytest.mark.parametrize("name", names())
def test_each_picture_on_the_sheet_shows_something(name: str) -> None:
    same = recipes_sheet.made(name).convert("RGBA").tobytes() == recipes_sheet.before(name).convert("RGBA").tobytes()
    assert same == (name in _UNSEEN)
