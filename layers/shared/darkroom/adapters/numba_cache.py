"""Where numba keeps what pymatting is compiled to, and whether all of it is there.

pymatting compiles itself when it is first imported, which takes a minute of one processor. numba keeps each function as
soon as it is compiled, so a compilation that is broken off goes on where it was. A marker file says that it came to its
end: its name holds what the cache depends on, which are the versions and the place of the packages.

The image bakes a cache when it is built (`python -m darkroom.adapters.numba_cache DIRECTORY`, at the place where the
packages will lie); on a laptop `make up` fills one in the background.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from darkroom.errors import InternalError

_PACKAGES: Final = ("numba", "llvmlite", "pymatting")
_LOCK: Final = "compiling.lock"
# The status of a process that found another one at work (EX_TEMPFAIL of sysexits.h).
_BUSY: Final = 75


class NumbaCache:
    """Args:
    directory: can be written to; made if missing.
    baked: a cache made when the image was built, with the packages at the same paths; None for none.
    """

    def __init__(self, directory: Path, baked: Path | None = None) -> None:
        self._directory = directory
        self._baked = baked

    @property
    def is_compiled(self) -> bool:
        """Whether pymatting can be imported without compiling anything."""
        place = self._directory if self._directory.exists() or self._baked is None else self._baked
        return (place / _marker()).is_file()

    def prepare(self) -> None:
        """Lets numba find the cache; call before numba is imported.

        numba insists on writing beside what it reads, so a baked cache is copied to where it can. It is filed under the
        processor's name and features: "generic" makes it valid on every machine.
        """
        if self._baked is not None and self._baked.is_dir() and not self._directory.exists():
            # By way of another name: a half-copied cache is never mistaken for a whole one.
            copy = self._directory.with_name(f"{self._directory.name}.{os.getpid()}")
            shutil.copytree(self._baked, copy, copy_function=shutil.copyfile)
            for directory in (copy, *(path for path in copy.iterdir() if path.is_dir())):
                directory.chmod(0o755)  # in the image they may be for reading only
            copy.replace(self._directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        os.environ["NUMBA_CACHE_DIR"] = str(self._directory)
        os.environ["NUMBA_CPU_NAME"] = "generic"

    def compile(self, *, waits: bool = True) -> bool:
        """Compiles in this process unless it is done already; one process at a time does.

        Args:
            waits: for another process that is compiling; else False is returned while there is one.
        """
        self.prepare()
        with (self._directory / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            except BlockingIOError:
                return False
            if not self.is_compiled:
                import pymatting  # noqa: F401 -- the import is what compiles

                (self._directory / _marker()).touch()
        return True

    def compile_within(self, seconds: float) -> bool:
        """Has another process compile for so long at the most; whether it is compiled then.

        Returns at once while yet another process is at it.

        Raises:
            InternalError: the process failed.
        """
        if self.is_compiled:
            return True
        self.prepare()
        # As a process it can be ended in time; what it has compiled by then is kept.
        command = [sys.executable, "-m", __name__, str(self._directory), "--no-wait"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(  # noqa: S603 - this very module
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
            )
            if done.returncode not in (0, _BUSY):
                told = done.stderr.decode(errors="replace").strip().splitlines()
                raise InternalError(f"Alpha matting could not be compiled: {told[-1][:200] if told else 'no reason'}")
        return self.is_compiled


def _marker() -> str:
    """The name of the file that says that the cache is whole, for the packages that are installed now."""
    python = f"python-{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    versions = "-".join(f"{name}-{version(name)}" for name in _PACKAGES)
    spec = find_spec("pymatting")
    place = hashlib.sha256(str(spec and spec.origin).encode()).hexdigest()[:8]
    return f"compiled-{python}-{versions}-{place}"


if __name__ == "__main__":
    sys.exit(0 if NumbaCache(Path(sys.argv[1])).compile(waits="--no-wait" not in sys.argv) else _BUSY)
