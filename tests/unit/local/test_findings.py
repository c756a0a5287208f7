"""What `make doctor` and `make deploy` print, and what they need of this machine."""

import pytest

from local.build_tools import build_tools
from local.findings import BAD, GOOD, NOTE, Finding, tell


@pytest.mark.parametrize(("marks", "status"), [((), 0), ((GOOD, NOTE), 0), ((BAD, GOOD), 1)])
def test_one_that_is_bad_fails_the_command(
    marks: tuple[str, ...], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(Finding(mark, f"finding {n}") for n, mark in enumerate(marks)) == status
    assert capsys.readouterr().out == "".join(f"{mark}  finding {n}\n" for n, mark in enumerate(marks))


def test_what_builds_in_a_container_needs_no_python_here() -> None:
    texts = {found.text: found.mark for found in build_tools(BAD, "--use-container --cached")}
    assert texts["The layer is built in a container (--use-container)"] == GOOD


def test_what_is_missing_has_the_mark_that_is_asked_for() -> None:
    assert {found.mark for found in build_tools(NOTE)} <= {GOOD, NOTE}
    assert {found.mark for found in build_tools(BAD)} <= {GOOD, BAD}
