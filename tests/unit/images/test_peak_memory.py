"""The largest pictures that are accepted leave room in the functions' memory, of whatever kind they are."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from darkroom.services.recipes.render import MOST_PIXELS_ELSEWHERE
from local import costs
from tests.unit.images.peak_memory import LARGEST_HERE, WORKS, make, peak

MEMORY_MB = {name: function.memory for name, function in costs.load().functions.items()}
# By what unpacks them: the worker puts edits together and takes operations on them, the others take pictures in.
# The function of jobs, which makes thumbnails, has as much as the worker.
WORKERS = ("an edit put together", "a recipe that lets it grow", "a thumbnail of a painting")


def test_the_functions_that_wait_have_little_memory() -> None:
    assert MEMORY_MB["WorkerFunction"] == MEMORY_MB["JobsFunction"] == 512
    assert MEMORY_MB["EditFunction"] == MEMORY_MB["ChatFunction"] == 592
    assert LARGEST_HERE**2 <= MOST_PIXELS_ELSEWHERE < (LARGEST_HERE + 1) ** 2


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    """Removed at once: they are 300 MB."""
    with TemporaryDirectory() as folder:
        make(Path(folder))
        yield Path(folder)


@pytest.mark.parametrize("name", WORKS)
def test_at_most_70_per_cent_of_the_memory_is_used(name: str, files: Path) -> None:
    used = peak(files, name)
    assert used > 50
    assert used <= 0.7 * MEMORY_MB["WorkerFunction" if name in WORKERS else "EditFunction"]
