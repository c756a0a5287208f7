"""The files of what is in the emulator's buckets: data, and beside it `….meta.json` with type, tags and versions.

ministack writes them when it is told where (`S3_PERSIST`, `S3_DATA_DIR`), lets an error pass with a line in its log,
and reads what is there when it is imported. Here, files reach the disk before the answer, what could not be written is
told, names differ by more than the case of letters, and what a killed process left behind is put in order beforehand.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_SIDECAR: Final = ".meta.json"
_UNFINISHED: Final = ".tmp"
# Of a bucket with versions: what was displaced, as data alone.
_VERSIONS: Final = ".versions"


class Objects:
    """Args:
    folder: of all buckets.
    aside: the folder that takes what is found damaged.
    """

    def __init__(self, folder: Path, aside: Path) -> None:
        self._folder = folder
        self._aside = aside
        self._failed: list[str] = []

    def put_in_order(self) -> list[str]:
        """Ends what a killed process had begun, before the emulator reads it; gives what was lost, as sentences.

        An object is written as data and then as sidecar, each in one step. Data that is newer than its sidecar has
        replaced what the sidecar tells of, and data without a sidecar was never answered for.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lost: list[str] = []
        for file in self._files():
            if file.name.endswith(_UNFINISHED):
                file.unlink()
            elif file.name.endswith(_SIDECAR):
                lost += self._check_sidecar(file)
            elif _VERSIONS not in file.relative_to(self._folder).parts:
                lost += self._check_data(file)
        return lost

    def load(self, s3: Any) -> None:
        """Has the emulator, which was started with an empty folder, take this one, and write and read through it."""
        is_plain = s3._plain_path_key

        def is_plain_and_small(key: str) -> bool:
            # Some file systems tell neither `A` from `a` nor one way to write `ü` from the other.
            return key.isascii() and key == key.lower() and bool(is_plain(key))

        read_body = s3._read_body

        def read(bucket: str, key: str, stored: dict[str, Any]) -> bytes:
            if stored.get("body") is None and stored.get("size"):
                path = s3._object_disk_path(bucket, key)
                if path is None or not Path(path).is_file():
                    self._failed.append(f"The data of s3://{bucket}/{key} is not on the disk any more.")
            return bytes(read_body(bucket, key, stored))

        s3._plain_path_key = is_plain_and_small
        s3._encoded_key_name = lambda key: hashlib.sha256(key.encode()).hexdigest()
        s3._atomic_write = self._write
        s3._read_body = read
        s3.DATA_DIR = str(self._folder)
        s3._load_persisted_data()

    def failed(self) -> str:
        """What could not be written or read since the last time, as a sentence; empty where nothing went wrong."""
        failed, self._failed = self._failed, []
        return " ".join(dict.fromkeys(failed))

    def _write(self, path: str, data: bytes | str, *, text: bool = False) -> None:
        """Has the file on the disk, as a whole or not at all, when it returns; text is UTF-8.

        Raises:
            OSError: it is not there; `failed` tells it, too.
        """
        file, unfinished = Path(path), Path(f"{path}{_UNFINISHED}")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
                opened.write(data.encode() if isinstance(data, str) else data)
                opened.flush()
                os.fsync(opened.fileno())
            unfinished.replace(file)
            if text:
                # The sidecar, which is the last that is written, has the name of the data reach the disk, too.
                folder = os.open(file.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            self._failed.append(f"{file.parent} cannot be written to: {error.strerror}.")
            raise

    def _files(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._folder):
            yield from (Path(folder, name) for name in names)

    def _check_sidecar(self, sidecar: Path) -> list[str]:
        try:
            told = json.loads(sidecar.read_text(encoding="utf-8"))
        except ValueError:
            return [self._set_aside(sidecar, "what was known of an object cannot be read")]
        data = sidecar.with_name(sidecar.name.removesuffix(_SIDECAR))
        if data.is_file() or told.get("is_delete_marker"):
            return []
        return [self._set_aside(sidecar, f"the data of {told.get('key')} is not there")]

    def _check_data(self, data: Path) -> list[str]:
        sidecar = data.with_name(f"{data.name}{_SIDECAR}")
        if not sidecar.is_file():
            return [self._set_aside(data, "an object was not written to its end, so nothing else is known of it")]
        if data.stat().st_mtime_ns > sidecar.stat().st_mtime_ns:
            try:
                told = json.loads(sidecar.read_text(encoding="utf-8"))
            except ValueError:
                return []  # its own check tells it
            if not told.get("is_delete_marker"):
                content = data.read_bytes()
                etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
                told |= {"size": len(content), "etag": f'"{etag}"', "checksums": {}}
                self._write(str(sidecar), json.dumps(told), text=True)
        return []

    def _set_aside(self, file: Path, why: str) -> str:
        aside = self._aside / file.relative_to(self._folder)
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(file, aside)
        return f"{file}: {why}. The file is now {aside}."
