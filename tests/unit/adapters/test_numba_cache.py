"""numba's cache: found where it was copied to, made by one process at a time, and known to be whole."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from darkroom.adapters.pymatting_parts import PARTS

COMPILED = """
from numba import njit

@njit("f8(f8)", cache=True)
def twice(x):
    return 2 * x
"""
# Takes the place of pymatting: notes that it is being compiled, and goes on when it is told to.
SLOW = """
import time
from pathlib import Path

here = Path(__file__).parents[1]
with (here / "begun").open("a") as begun:
    begun.write("x")
while not (here / "go").exists():
    time.sleep(0.01)
"""
PREAMBLE = """
import os, sys
from pathlib import Path
from darkroom.adapters.numba_cache import NumbaCache
"""
MATTER = "from darkroom.adapters.matter import RembgMatter"
BUSY = 75


def environment(packages: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    return own | {"PYTHONPATH": str(packages)}


def run(code: str, packages: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + code],
        env=environment(packages),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class Compiling:
    """A folder of packages with a pymatting that compiles for as long as it has to, and a cache for it."""

    def __init__(self, folder: Path) -> None:
        self.packages, self.cache = folder / "packages", folder / "cache"
        self.package = self.packages / "pymatting"
        for part in PARTS:
            file = self.packages / f"{part.replace('.', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            # What the packages would import is not compiled.
            (file.parent / "__init__.py").write_text("raise AssertionError")
        (self.package / "__init__.py").write_text("raise AssertionError")
        self.compiled.write_text(SLOW)

    @property
    def compiled(self) -> Path:
        return self.package / "alpha" / "estimate_alpha_cf.py"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "darkroom.adapters.numba_cache", str(self.cache), *arguments]
        return subprocess.Popen(command, env=environment(self.packages))

    def wait_until_begun(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while not self.times:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def go(self) -> None:
        (self.package / "go").touch()

    @property
    def times(self) -> int:
        """How often it was begun."""
        begun = self.package / "begun"
        return len(begun.read_text()) if begun.exists() else 0

    @property
    def is_compiled(self) -> bool:
        return any(self.cache.glob("compiled-*"))

    def within(self, seconds: float) -> str:
        """What `compile_within` says, or the error that it raises."""
        code = f"""
try:
    print(NumbaCache(Path({str(self.cache)!r})).compile_within({seconds}))
except Exception as error:
    print(type(error).__name__, error)
"""
        return run(code, self.packages)


@pytest.fixture
def compiling(tmp_path: Path) -> Compiling:
    return Compiling(tmp_path)


class TestCompiling:
    def test_of_two_processes_one_compiles_and_the_other_waits_for_it(self, compiling: Compiling) -> None:
        first = compiling.start()
        compiling.wait_until_begun(first)
        waiting = compiling.start()
        assert compiling.start("--no-wait").wait(timeout=60) == BUSY
        assert (compiling.is_compiled, first.poll(), waiting.poll()) == (False, None, None)
        compiling.go()
        assert (first.wait(timeout=60), waiting.wait(timeout=60)) == (0, 0)
        assert (compiling.is_compiled, compiling.times) == (True, 1)
        assert compiling.start("--no-wait").wait(timeout=60) == 0
        assert compiling.times == 1, "it is done once"

    def test_one_that_is_killed_leaves_the_way_free_and_is_not_taken_for_done(self, compiling: Compiling) -> None:
        killed = compiling.start()
        compiling.wait_until_begun(killed)
        killed.kill()
        killed.wait()
        assert not compiling.is_compiled
        compiling.go()
        assert compiling.start().wait(timeout=60) == 0
        assert (compiling.is_compiled, compiling.times) == (True, 2)

    def test_it_takes_no_longer_than_it_may(self, compiling: Compiling) -> None:
        assert compiling.within(0.01) == "False"
        compiling.go()
        assert compiling.within(60) == "True"
        assert compiling.is_compiled

    def test_what_is_not_done_in_time_goes_on_and_is_waited_for_by_the_next_call(self, compiling: Compiling) -> None:
        code = f"""
cache = NumbaCache(Path({str(compiling.cache)!r}))
print(cache.compile_within(0.01))
Path({str(compiling.package / "go")!r}).touch()
print(cache.compile_within(60))
"""
        assert run(code, compiling.packages).split() == ["False", "True"]
        assert compiling.times == 1

    def test_it_does_not_wait_for_another_process(self, compiling: Compiling) -> None:
        other = compiling.start()
        compiling.wait_until_begun(other)
        assert compiling.within(3600) == "False"
        assert compiling.times == 1
        other.kill()
        other.wait()

    def test_what_cannot_be_compiled_is_an_error_with_the_reason(self, compiling: Compiling) -> None:
        compiling.compiled.write_text("raise OSError('no space left')")
        assert compiling.within(60) == "InternalError Alpha matting could not be compiled: OSError: no space left"
        assert not compiling.is_compiled

    def test_packages_at_another_place_are_compiled_again(self, compiling: Compiling, tmp_path: Path) -> None:
        compiling.go()
        assert compiling.start().wait(timeout=60) == 0
        is_compiled = f"print(NumbaCache(Path({str(compiling.cache)!r})).is_compiled)"
        assert run(is_compiled, compiling.packages) == "True"
        assert run(is_compiled, Compiling(tmp_path / "moved").packages) == "False"

    def test_the_matter_says_whether_it_is_ready(self, compiling: Compiling) -> None:
        compiling.go()
        cache = f"NumbaCache(Path({str(compiling.cache)!r}))"
        code = (
            f"{MATTER}; matter = RembgMatter({cache}); print(matter.is_ready, matter.make_ready(60), matter.is_ready)"
        )
        assert run(code, compiling.packages) == "False True True"
        assert run(f"{MATTER}; print(RembgMatter().is_ready)", compiling.packages) == "True", (
            "numba keeps it where it likes"
        )


class TestBaked:
    def test_a_baked_cache_is_hit_in_another_directory_and_process(self, tmp_path: Path) -> None:
        packages, baked, writable = tmp_path / "packages", tmp_path / "baked", tmp_path / "tmp" / "cache"
        packages.mkdir()
        (packages / "compiled.py").write_text(COMPILED)
        report = "import compiled; print(sum(compiled.twice.stats.cache_hits.values()), compiled.twice(21.0))"
        assert run(f"NumbaCache(Path({str(baked)!r})).prepare(); {report}", packages) == "0 42.0"
        for path in (*baked.rglob("*"), baked):
            path.chmod(0o555 if path.is_dir() else 0o444)  # as in an image
        prepare = f"NumbaCache(Path({str(writable)!r}), Path({str(baked)!r})).prepare()"
        assert run(f"{prepare}; {report}", packages) == "1 42.0"
        # The next process finds the copy.
        assert run(f"{prepare}; {report}", packages) == "1 42.0"
        assert all(path.stat().st_mode & 0o200 for path in (writable, *writable.iterdir()))
        for path in (baked, *baked.rglob("*")):
            path.chmod(0o755)

    def test_one_that_is_whole_is_ready_before_and_after_it_is_copied(
        self, compiling: Compiling, tmp_path: Path
    ) -> None:
        compiling.go()
        assert compiling.start().wait(timeout=60) == 0
        cache = f"NumbaCache(Path({str(tmp_path / 'tmp')!r}), Path({str(compiling.cache)!r}))"
        code = f"cache = {cache}; print(cache.is_compiled); cache.prepare(); print(cache.is_compiled)"
        assert run(code, compiling.packages).split() == ["True", "True"]
        assert (tmp_path / "tmp").is_dir()

    def test_without_a_cache_numba_is_left_alone(self) -> None:
        code = f"{MATTER}; RembgMatter().prepare(); print([name for name in os.environ if name.startswith('NUMBA')])"
        assert run(code, Path()) == "[]"

    def test_a_cache_that_is_there_is_not_copied_again(self, tmp_path: Path) -> None:
        baked, cache = tmp_path / "baked", tmp_path / "cache"
        for directory, content in ((baked, "new"), (cache, "old")):
            directory.mkdir()
            (directory / "index.nbi").write_text(content)
        prepare = f"NumbaCache(Path({str(cache)!r}), Path({str(baked)!r})).prepare()"
        assert run(f"{prepare}; print(os.environ['NUMBA_CPU_NAME'])", Path()) == "generic"
        assert (cache / "index.nbi").read_text() == "old"
        assert run(f"NumbaCache(Path({str(tmp_path / 'made')!r}), Path('/nowhere')).prepare()", Path()) == ""
        assert (tmp_path / "made").is_dir()
