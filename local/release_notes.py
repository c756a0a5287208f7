"""The notes of a release, from CHANGELOG.md.

python -m local.release_notes v0.2.0
"""

import re
import sys

from darkroom import __version__
from local.state import ROOT

CHANGELOG = ROOT / "CHANGELOG.md"


class NoRelease(Exception):
    """The message says what does not fit."""


def main() -> int:
    try:
        print(notes(sys.argv[1] if len(sys.argv) == 2 else "", CHANGELOG.read_text(encoding="utf-8")))
    except NoRelease as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def notes(tag: str, changelog: str, version: str = __version__) -> str:
    """The section of the tag's version.

    Raises:
        NoRelease: the tag is not the version's, or nothing is written about it.
    """
    if tag != f"v{version}":
        raise NoRelease(f"The tag is {tag!r}, and layers/shared/darkroom/__init__.py says {version}: tag v{version}.")
    found = re.search(rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## \[|^\[|\Z)", changelog, re.DOTALL | re.MULTILINE)
    if found is None or not found[1].strip():
        raise NoRelease(f"CHANGELOG.md says nothing about {version}: write a section `## [{version}]`.")
    return found[1].strip()


if __name__ == "__main__":
    sys.exit(main())
