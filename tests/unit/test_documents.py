"""What the page on reliability names is there, and what its tests try is on the page."""

import re
from typing import Final

import pytest

from tests.conftest import ROOT
from tests.integration.crash import fault_table, test_kills, test_turn_kills
from tests.integration.crash.aws_faults import KINDS
from tests.integration.crash.killing import Point

PAGE: Final = (ROOT / "docs" / "reliability.md").read_text()


def _rows(killed: str) -> str:
    return next(line for line in PAGE.splitlines() if line.startswith(f"| {killed} |"))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\btests/[\w/.]*\w", PAGE))))
def test_the_tests_that_the_page_names_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_aws_fault_is_on_the_page(kind: str) -> None:
    assert f"`{kind}`" in PAGE


def test_the_table_of_faults_is_that_of_the_tests() -> None:
    """`python -m tests.integration.crash.fault_table` prints it."""
    assert "\n".join(fault_table.lines()) in PAGE


@pytest.mark.parametrize(
    ("killed", "points"),
    [
        ("worker, nothing sent yet", [*test_kills.CLAIMED, *test_kills.BEFORE_DISPATCH]),
        ("worker, answer not kept yet", test_kills.ANSWER_LOST),
        ("worker, answer kept", test_kills.ANSWER_KEPT),
        ("sweep", [point for _, point in test_kills.SWEPT]),
        ("worker of a turn", [point for _, point in test_turn_kills.BETWEEN]),
    ],
)
def test_the_kill_points_of_the_page_are_those_of_the_tests(killed: str, points: list[Point]) -> None:
    named = set(re.findall(r"`(\w+\.\w+)`", _rows(killed)))
    assert named == {f"{point.role}.{point.method}" for point in points}
