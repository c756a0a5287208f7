"""`.local/darkroom.json`: what scripts need to know of the stack that runs."""

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"


class NotRunning(Exception):
    """No local stack is up."""


def write(folder: Path, state: dict[str, Any]) -> None:
    """Replaces the file in one step, readable by its owner only: it holds a token."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="darkroom.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=2)
            file.write("\n")
        temporary.replace(path(folder))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(folder: Path = STATE) -> dict[str, Any]:
    """
    Raises:
        NotRunning: nothing is up.
    """
    try:
        state = json.loads(path(folder).read_text(encoding="utf-8"))
        os.kill(state["pid"], 0)
    except FileNotFoundError:
        raise NotRunning("Darkroom is not running here. Start it with `make up`.") from None
    except ProcessLookupError:
        raise NotRunning("Darkroom stopped without tidying up. Start it again with `make up`.") from None
    except PermissionError:
        pass  # it lives, as another user
    return dict(state)


def remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path(folder).unlink()


def path(folder: Path) -> Path:
    return folder / "darkroom.json"
