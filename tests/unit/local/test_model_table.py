"""The table of models says what the list says, and no price of its own."""

from typing import Any

import pytest

from local.model_table import main, table

LISTED: dict[str, Any] = {
    "as_of": "2026-03-01T12:00:00+00:00",
    "data": [
        {
            "id": "acme/painter",
            "description": "Paints | well.",
            "recommended": True,
            "measured": {"median_seconds": 4.5},
            "note": None,
            "estimates": {"generate": {"usd": 0.0140}},
            "prices": [{"billable": "output_image", "unit": "megapixel", "usd": "0.014", "variant": "2k"}],
        },
        {
            "id": "acme/secret",
            "description": "x" * 200,
            "recommended": False,
            "measured": None,
            "note": {"best_for": "Nobody knows.", "limits": None},
            "estimates": {"generate": {"usd": None}},
            "prices": [{"billable": "output_image", "unit": "image", "usd": None, "variant": None}],
        },
        {"id": "acme/third"},
    ],
}


def test_a_row_is_what_the_list_says() -> None:
    lines = table(LISTED, "generate", top=2).splitlines()
    assert LISTED["as_of"] in lines[0]
    assert lines[4:] == [
        "| `acme/painter` ★ | $0.014 | output_image $0.014 a megapixel (2k) | 4.5 | Paints / well. |",
        "| `acme/secret` | unknown | output_image ? a image |  | Nobody knows. |",
    ]


def test_without_a_stack_it_says_so(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state", str(tmp_path)]) == 1
    assert "not running" in capsys.readouterr().err
