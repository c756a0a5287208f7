"""The largest pictures that are accepted leave room in the functions' memory, of whatever kind they are."""

import re

import pytest

from tests.conftest import ROOT
from tests.unit.images.peak_memory import WORKS, peak

# Of the functions that unpack pictures: edit, chat and worker. That of background removal has more.
MEMORY_MB = {int(found) for found in re.findall(r"MemorySize: (\d+)", (ROOT / "template.yaml").read_text())} - {512}


def test_the_functions_that_unpack_pictures_are_these() -> None:
    assert {1769} == MEMORY_MB


@pytest.mark.parametrize("name", WORKS)
def test_at_most_70_per_cent_of_the_memory_is_used(name: str) -> None:
    used = peak(name)
    assert used > 50
    assert used <= 0.7 * max(MEMORY_MB)
