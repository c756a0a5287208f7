"""`.local/state`: what outlives a `make up`, in a folder for each upstream. `make reset` forgets it.

| file | has |
|---|---|
| `settings.json` | the layout's number, the token, the ports, the simulators' first keys |
| `aws.sqlite3` | rows, messages, keys and settings of what the emulator holds |
| `objects/` | what is in the buckets, as files |
| `simulators.sqlite3` | what the simulators have charged, and the keys they gave |
| `damaged/` | what was found damaged, out of the way |
"""

import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from local.journal import LAYOUT, other_layout

AWS: Final = "aws.sqlite3"
OBJECTS: Final = "objects"
SIMULATORS: Final = "simulators.sqlite3"
SET_ASIDE: Final = "damaged"
_SETTINGS: Final = "settings.json"
_FORGOTTEN: Final = "state.forgotten"


class CannotKeep(Exception):
    """The folder cannot be used; the message says why, and what to do."""


class Kept:
    """The folder's settings, each written when it is set.

    Args:
        folder: made, for its owner only, where it is not there.

    Raises:
        CannotKeep: it is of another layout, damaged, or cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / _SETTINGS
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._settings = self._read()
            self.set()
        except OSError as error:
            raise CannotKeep(_sentence(folder, error)) from error

    def get(self, name: str) -> Any:
        """The value that was set last; None where there is none."""
        return self._settings.get(name)

    def set(self, **values: Any) -> None:
        """Has the values on the disk when it returns; all of them or, if it raises, none.

        Raises:
            CannotKeep: the disk is full, or refuses for another reason.
        """
        settings = {**self._settings, **values}
        unfinished = self._file.with_suffix(".tmp")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(settings, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._file)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise CannotKeep(_sentence(self.folder, error)) from error
        self._settings = settings

    def check_has(self, name: str) -> None:
        """Raises CannotKeep: the file is not there, and should be."""
        if not (self.folder / name).exists():
            raise CannotKeep(
                f"{self.folder / name} is not there any more. Nothing was changed. Put it back, or `make reset`."
            )

    @contextmanager
    def locked(self, seconds: float = 20) -> Iterator[int]:
        """Holds the folder alone; gives the lock's descriptor, with which a child holds it for as long as it lives.

        Raises:
            CannotKeep: another process has it, and keeps it for longer than `seconds`. One that was started by a
                `make up` that was killed ends by itself.
        """
        with (self.folder / "lock").open("w") as lock:
            deadline = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise CannotKeep(
                            f"Another process uses {self.folder}. End it: `fuser {self.folder / 'lock'}` names it."
                        ) from None
                    time.sleep(0.05)
            yield lock.fileno()

    def _read(self) -> dict[str, Any]:
        if not self._file.exists():
            if found := sorted(path.name for path in self.folder.iterdir() if path.suffix != ".tmp"):
                raise CannotKeep(
                    f"{self.folder} has {found[0]}, and {_SETTINGS} is not there: it is no state of Darkroom's, or a "
                    "part is missing. Nothing was changed. Put a backup in its place, or move it away, or `make reset`."
                )
            return {"layout": LAYOUT}
        try:
            settings = json.loads(self._file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CannotKeep(
                f"{self._file} is damaged: {error}. Put a backup in its place, or `make reset`."
            ) from error
        layout = settings.get("layout") if isinstance(settings, Mapping) else None
        if layout != LAYOUT:
            raise CannotKeep(other_layout(self.folder, layout))
        return dict(settings)


def kept_in(state: Path) -> Path:
    """Where the folders are, of a stack with its files in `state`."""
    return state / "state"


def forget(folder: Path) -> None:
    """Removes the folder. It is moved away first, so that a part of it is never taken for the whole."""
    forgotten = folder.with_name(_FORGOTTEN)
    shutil.rmtree(forgotten, ignore_errors=True)
    if folder.exists():
        folder.rename(forgotten)
    shutil.rmtree(forgotten, ignore_errors=True)


def _sentence(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {folder} cannot be written. Free some space; what was kept so far is safe."
    return f"{folder} cannot be used: {error.strerror}. Darkroom keeps its state there and must be able to write."
