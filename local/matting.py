"""The compilation of alpha matting, beside a stack that runs, and with low priority."""

import logging
import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from darkroom.adapters.numba_cache import NumbaCache

logger = logging.getLogger(__name__)

# What the stack does meanwhile goes before.
_NICENESS = 10


class Compilation:
    """Compiles in another process between entering and leaving, if that has not been done; the log says so.

    Args:
        directory: numba's cache.
        log: gets what the process prints.
    """

    def __init__(self, directory: Path, log: Path) -> None:
        self._cache = NumbaCache(directory)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: threading.Thread | None = None
        self._is_ended = False

    def __enter__(self) -> Self:
        if self._cache.is_compiled:
            return self
        logger.info("Compiling alpha matting in the background, once for this folder; until then it is a job …")
        with self._log.open("wb") as output:
            self._process = self._cache.start(output)
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)
        self._waiting = threading.Thread(target=self._wait, args=(self._process,), name="matting", daemon=True)
        self._waiting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ended = True
        if self._process is None or self._waiting is None:
            return
        # numba has kept what it compiled so far.
        self._process.kill()
        self._waiting.join()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        begun = time.monotonic()
        status = process.wait()
        if self._is_ended:
            return
        if status == 0:
            logger.info(
                "Alpha matting is compiled (%.0f s): `matting=true` is answered at once.", time.monotonic() - begun
            )
        else:
            logger.error("Alpha matting could not be compiled; %s says why.", self._log)
