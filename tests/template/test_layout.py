"""Which files there are, and which of them are shipped."""

from pathlib import Path

from tests.conftest import ROOT


def test_the_top_level_is_as_it_was_asked_for() -> None:
    wanted = ["template.yaml", "pyproject.toml", "functions", "layers", "events", "tests", "samconfig.toml"]
    assert not [name for name in wanted if not (ROOT / name).exists()]


def test_no_file_of_a_shipped_folder_is_a_test() -> None:
    shipped: list[Path] = [path for folder in ("functions", "layers") for path in (ROOT / folder).rglob("*.py")]
    assert shipped
    assert not [path for path in shipped if path.name.startswith("test_") or "tests" in path.parts[len(ROOT.parts) :]]
