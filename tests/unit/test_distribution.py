"""A parallel run starts two stacks, however many workers and tests there are."""

import pytest

from tests.conftest import ROOT
from tests.distribution import LONGEST, WITH_CLIENTS, WITHOUT_STACK, part_of, place_of


def test_whoever_wants_the_stack_is_with_others_who_do(request: pytest.FixtureRequest) -> None:
    """Of all tests of this run."""
    wanting = [item for item in request.session.items if "stack" in getattr(item, "fixturenames", ())]
    elsewhere = {part_of(item.nodeid) for item in wanting} - {"clients", "integration"}
    assert not elsewhere, "tests/distribution.py does not know these"


def test_every_file_is_done_as_a_whole() -> None:
    file = "tests/unit/test_distribution.py"
    assert part_of(f"{file}::test_a") == part_of(f"{file}::TestB::test_c[tests/clients/x.py::y]") == file


@pytest.mark.parametrize("name", sorted(WITHOUT_STACK))
def test_what_needs_no_stack_waits_for_none(name: str) -> None:
    file = f"tests/integration/{name}"
    assert (ROOT / file).is_file()
    assert part_of(f"{file}::test_a") == file


@pytest.mark.parametrize("name", sorted(WITH_CLIENTS))
def test_the_second_stack_has_some_of_the_first_ones_files(name: str) -> None:
    file = f"tests/integration/{name}"
    assert (ROOT / file).is_file()
    assert part_of(f"{file}::test_a") == part_of("tests/clients/test_litellm.py::test_a") == "clients"


def test_what_takes_longest_begins_first() -> None:
    groups = {"integration": "tests/integration/test_chat.py", "clients": "tests/clients/test_litellm.py"}
    files = [groups.get(part, part) for part in LONGEST]
    assert all((ROOT / file).is_file() for file in files)
    places = [place_of(f"{file}::test_a") for file in (*files, "tests/unit/test_distribution.py")]
    assert places == list(range(len(LONGEST) + 1))
