"""Weights of a segmentation model that are fetched beside a stack that runs."""

import logging
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from darkroom.models.segmentation import lookup
from local import state

logger = logging.getLogger(__name__)


def command(folder: Path, model: str) -> list[str]:
    """What fetches the weights into the folder, if they are not there."""
    script = state.ROOT / "functions" / "remove_background" / "fetch_weights.py"
    return [sys.executable, str(script), str(folder), model]


class Fetching:
    """Fetches in another process between entering and leaving; the log shows how far it is.

    Args:
        folder: of the weights.
        model: None for none.
    """

    def __init__(self, folder: Path, model: str | None) -> None:
        self._folder = folder
        self._model = model
        self._process: subprocess.Popen[str] | None = None
        self._telling: threading.Thread | None = None
        self._is_ended = False

    def __enter__(self) -> Self:
        if self._model is None or (self._folder / lookup(self._model).file).is_file():
            return self
        logger.info("Fetching %s in the background; until it is there a smaller model cuts out …", self._model)
        self._process = subprocess.Popen(
            command(self._folder, self._model), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._telling = threading.Thread(target=self._tell, args=(self._process,), name="weights", daemon=True)
        self._telling.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ended = True
        if self._process is None or self._telling is None:
            return
        self._process.terminate()
        self._telling.join()

    def _tell(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        with process.stdout:
            for line in process.stdout:
                if not self._is_ended:
                    logger.info("%s", line.rstrip())
        status = process.wait()
        if self._is_ended:
            return
        if status == 0:
            logger.info("%s cuts out from now on.", self._model)
        else:
            logger.error("%s could not be fetched (see above); the next `make up` tries again.", self._model)
