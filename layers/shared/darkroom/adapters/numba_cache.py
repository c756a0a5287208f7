"""Where numba keeps what pymatting is compiled to, and whether all of it is there.

pymatting compiles itself when it is first imported, which takes 18 seconds of one processor for the parts that are used
(`adapters/pymatting_parts.py`). numba keeps each function as
soon as it is compiled, so of a compilation that is broken off only the function at hand is lost. A marker file says
that all is done: its name holds what the cache depends on, which are the versions and the place of the packages.

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
from tempfile import TemporaryFile
from threading import Thread
from typing import IO, Final

from darkroom.adapters.pymatting_parts import import_parts, skip_package_imports
from darkroom.errors import InternalError

_PACKAGES: Final = ("numba", "llvmlite", "pymatting")
_LOCK: Final = "compiling.lock"
# The status of a process that found another one at work (EX_TEMPFAIL of sysexits.h).
_BUSY: Final = 75
_NO_WAIT: Final = "--no-wait"
# Ends when its stdin does, which the process that started it holds open.
_CHILD: Final = "--child"


class NumbaCache:
    """Args:
    directory: can be written to; made if missing.
    baked: a cache made when the image was built, with the packages at the same paths; None for none.
    """

    def __init__(self, directory: Path, baked: Path | None = None) -> None:
        self._directory = directory
        self._baked = baked
        self._process: subprocess.Popen[bytes] | None = None
        self._told: IO[bytes]

    @property
    def is_compiled(self) -> bool:
        """Whether matting can be imported without compiling anything."""
        place = self._directory if self._directory.exists() or self._baked is None else self._baked
        return (place / _marker()).is_file()

    def prepare(self) -> None:
        """Lets numba find the cache; call before numba or pymatting is imported.

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
        skip_package_imports()

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
                import_parts()
                (self._directory / _marker()).touch()
        return True

    def compile_within(self, seconds: float) -> bool:
        """Has another process compile, and waits for it so long at the most; whether it is compiled then.

        The process goes on afterwards, and the next call waits for it: one large function can take longer than a call,
        and ended in the middle of it numba would begin it again. Returns at once while yet another process is at it.

        Raises:
            InternalError: the process failed.
        """
        if self.is_compiled:
            return True
        if self._process is None:
            self.prepare()
            self._told = TemporaryFile()  # noqa: SIM115 - read when the process is over
            self._process = self.start(self._told, waits=False)
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(seconds)
            self._process = None
            if status not in (0, _BUSY):
                self._told.seek(0)
                lines = self._told.read().decode(errors="replace").strip().splitlines()
                raise InternalError(f"Alpha matting could not be compiled: {lines[-1][:200] if lines else 'no reason'}")
        return self.is_compiled

    def start(self, output: IO[bytes], *, waits: bool = True) -> "subprocess.Popen[bytes]":
        """A process that compiles, for as long as this one lives and does not close its stdin.

        Args:
            output: gets what it prints.
            waits: as of `compile`; if it does not, its status is 75 where another process is at it.
        """
        command = [sys.executable, "-m", __name__, str(self._directory), _CHILD, *(() if waits else (_NO_WAIT,))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return subprocess.Popen(  # noqa: S603 - this very module
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            # Ctrl-C reaches every process of the terminal; when this one ends is decided here.
            start_new_session=True,
        )


def _marker() -> str:
    """The name of the file that says that the cache is whole, for the packages that are installed now."""
    python = f"python-{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    versions = "-".join(f"{name}-{version(name)}" for name in _PACKAGES)
    spec = find_spec("pymatting")
    place = hashlib.sha256(str(spec and spec.origin).encode()).hexdigest()[:8]
    return f"compiled-{python}-{versions}-{place}"


def _end_with_parent() -> None:
    # Not through sys.stdin, whose lock this thread would still hold when the process is about to end by itself.
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    if _CHILD in sys.argv:
        Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(0 if NumbaCache(Path(sys.argv[1])).compile(waits=_NO_WAIT not in sys.argv) else _BUSY)
