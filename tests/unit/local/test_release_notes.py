"""What becomes the text of a release."""

import pytest

from darkroom import __version__
from local.release_notes import CHANGELOG as CHANGELOG_FILE
from local.release_notes import NoRelease, notes

CHANGELOG = """# Changelog

## [Unreleased]

- Not yet.

## [1.1.0] - 2026-12-01

### Added

- A thing.

## [1.0.0] - 2026-11-01

- The first.

[1.0.0]: https://example.org
"""


def test_the_section_of_the_tag_is_the_text() -> None:
    assert notes("v1.1.0", CHANGELOG, "1.1.0") == "### Added\n\n- A thing."
    assert notes("v1.0.0", CHANGELOG, "1.0.0") == "- The first."


def test_the_version_that_is_here_can_be_released() -> None:
    text = CHANGELOG_FILE.read_text(encoding="utf-8")
    assert notes(f"v{__version__}", text).startswith("### Added")
    # What comes after it has a place to be written.
    assert text.index("## [Unreleased]") < text.index(f"## [{__version__}]")


@pytest.mark.parametrize("tag", ["v1.1", "1.1.0", "v1.0.0", ""])
def test_a_tag_that_is_not_the_version_is_refused(tag: str) -> None:
    with pytest.raises(NoRelease, match=r"1\.1\.0"):
        notes(tag, CHANGELOG, "1.1.0")


def test_a_version_without_a_section_is_refused() -> None:
    with pytest.raises(NoRelease, match=r"\[2\.0\.0\]"):
        notes("v2.0.0", CHANGELOG, "2.0.0")
    with pytest.raises(NoRelease, match="says nothing"):
        notes(f"v{__version__}", f"## [{__version__}]\n\n## [0.0.1]\n- x")
