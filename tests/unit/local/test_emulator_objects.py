"""Files of objects as a killed process may leave them."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from local.emulator_objects import Objects

BUCKET = Path("objects", "000000000000", "bucket")


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    (tmp_path / BUCKET).mkdir(parents=True)
    return tmp_path / BUCKET


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects", tmp_path / "damaged")


def _object(bucket: Path, name: str, data: bytes, **told: object) -> Path:
    etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
    (bucket / name).write_bytes(data)
    sidecar = bucket / f"{name}.meta.json"
    sidecar.write_text(json.dumps({"key": name, "size": len(data), "etag": etag, "content_type": "image/png", **told}))
    return sidecar


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_is_whole_stays_as_it_is(tmp_path: Path, bucket: Path, objects: Objects) -> None:
    _object(bucket, "a.png", b"1")
    (tmp_path / "objects" / ".versions" / "x").mkdir(parents=True)
    (tmp_path / "objects" / ".versions" / "x" / "a.png").write_bytes(b"an older one has no sidecar")
    (bucket / "gone.meta.json").write_text(json.dumps({"key": "gone", "is_delete_marker": True}))
    before = _contents(tmp_path)
    assert objects.put_in_order() == []
    assert _contents(tmp_path) == before


def test_what_was_written_in_part_is_removed(tmp_path: Path, bucket: Path, objects: Objects) -> None:
    _object(bucket, "a.png", b"1")
    before = _contents(tmp_path)
    (bucket / "a.png.tmp").write_bytes(b"12")
    (bucket / "b.png.meta.json.tmp").write_text('{"key"')
    assert objects.put_in_order() == []
    assert _contents(tmp_path) == before


def test_data_that_is_newer_than_its_sidecar_is_told_truly(bucket: Path, objects: Objects) -> None:
    sidecar = _object(bucket, "a.png", b"old", checksums={"CRC32": "x"}, metadata={"a": "b"})
    (bucket / "a.png").write_bytes(b"newer")
    os.utime(sidecar, ns=(1, 1))
    assert objects.put_in_order() == []
    told = json.loads(sidecar.read_text())
    assert (told["size"], told["etag"]) == (5, f'"{hashlib.md5(b"newer", usedforsecurity=False).hexdigest()}"')
    assert (told["checksums"], told["metadata"], told["content_type"]) == ({}, {"a": "b"}, "image/png")


@pytest.mark.parametrize(
    ("left", "content", "told"),
    [
        ("a.png", b"data alone", "was not written to its end"),
        ("a.png.meta.json", b'{"key": "inbox/a.png"}', "the data of inbox/a.png is not there"),
        ("a.png.meta.json", b'{"key": ', "cannot be read"),
    ],
)
def test_half_an_object_is_set_aside_and_told(
    tmp_path: Path, bucket: Path, objects: Objects, left: str, content: bytes, told: str
) -> None:
    (bucket / left).write_bytes(content)
    (sentence,) = objects.put_in_order()
    assert told in sentence
    assert _contents(bucket) == {}
    assert (tmp_path / "damaged" / "000000000000" / "bucket" / left).read_bytes() == content
    assert objects.put_in_order() == []
