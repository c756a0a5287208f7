"""`make demo`: cuts out a photograph and saves the result beside it, as `darkroom cut` does.

    python -m local.demo [PHOTO]

Uses the stack that `make up` runs; starts one for as long as it takes, when there is none.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from darkroom_cli.main import main as darkroom
from local import state
from local.up import SMALL_MODEL, fetch_weights

PHOTO = state.ROOT / "events" / "photo.jpg"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="Cuts out a photograph.")
    parser.add_argument("photo", type=Path, nargs="?", default=PHOTO)
    photo: Path = parser.parse_args().photo
    if not photo.is_file():
        print(f"There is no file {photo}. Name another: make demo PHOTO=holiday.jpg", file=sys.stderr)
        return 1
    with _stack() as running:
        return darkroom(["--url", running["url"], "cut", str(photo)], environ={"DARKROOM_TOKEN": running["token"]})


@contextmanager
def _stack() -> Iterator[dict[str, Any]]:
    try:
        running = state.read()
    except state.NotRunning:
        print("Darkroom is not running; starting it for the length of this.", flush=True)
        weights = state.STATE / "weights"
        model = os.environ.get("MODEL") or SMALL_MODEL
        fetch_weights(weights, model)
        # Imported here, because it takes a while and is rarely needed.
        from local.stack import Stack

        with (
            tempfile.TemporaryDirectory() as folder,
            Stack(Path(folder), weights=weights, parameters={"BackgroundModel": model}) as stack,
        ):
            yield stack.describe()
        return
    yield running


if __name__ == "__main__":
    sys.exit(main())
