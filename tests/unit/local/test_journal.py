"""A journal that was cut, damaged or written by another program."""

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.journal import LAYOUT, Journal, JournalError, Name

_NAMES = st.tuples(st.sampled_from(["row", "key"]), st.sampled_from(["a", "b", "c", "ü\0"]))
_CHANGES = st.dictionaries(_NAMES, st.none() | st.binary(max_size=6000), min_size=1, max_size=4)


def _found(journal: Journal) -> dict[Name, bytes]:
    return {(kind, name): value for kind, name, value in journal}


def _after(written: list[Mapping[Name, bytes | None]]) -> dict[Name, bytes]:
    state: dict[Name, bytes | None] = {}
    for changes in written:
        state |= changes
    return {name: value for name, value in state.items() if value is not None}


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


@settings(max_examples=25, deadline=None)
@given(
    written=st.lists(_CHANGES, max_size=8), durable=st.lists(st.booleans(), min_size=8, max_size=8), cut=st.floats(0, 1)
)
def test_a_journal_that_is_cut_at_any_byte_has_a_prefix_of_what_was_written(
    written: list[Mapping[Name, bytes | None]], durable: list[bool], cut: float
) -> None:
    with TemporaryDirectory() as folder:
        path, copy = Path(folder, "a.sqlite3"), Path(folder, "b.sqlite3")
        with closing(Journal(path)) as journal:
            for changes, is_durable in zip(written, durable, strict=False):
                journal.write(changes, is_durable=is_durable)
            shutil.copy(path, copy)
            # A process that is killed closes nothing, so this is what it leaves; of the last write perhaps a part.
            log = _wal(path).read_bytes()
            whole = len(log)
            _wal(copy).write_bytes(log[: round(cut * whole)])
            assert _found(journal) == _after(written)
        # The header alone, or less, is a log without anything in it; what makes the table is the first transaction.
        prefixes = [_after(written[:count]) for count in range(len(written) + 1)]
        with closing(Journal(copy)) as journal:
            found = _found(journal)
            assert found in prefixes
            assert journal.warnings == []
            if cut == 1:
                assert found == prefixes[-1]
            journal.write({("row", "next"): b"1"})
        with closing(Journal(copy)) as journal:
            assert _found(journal) == found | {("row", "next"): b"1"}


def test_values_come_in_the_order_in_which_they_were_first_written(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "a")) as journal:
        for name, value in [("z", b"1"), ("a", b"1"), ("z", b"2"), ("m", b"1")]:
            journal.write({("message", name): value})
        assert [(name, value) for _, name, value in journal] == [("z", b"2"), ("a", b"1"), ("m", b"1")]


def test_it_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "a")) as journal:
        journal.write({("key", "a"): b"secret"})
        assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}


def _written(path: Path, count: int = 30) -> None:
    with closing(Journal(path)) as journal:
        for number in range(count):
            journal.write({("row", f"{number}"): bytes([number]) * 3000})


def test_a_value_that_changed_on_the_disk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    _written(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(bytes([7]) * 1000, bytes([7]) * 500 + b"x" + bytes([7]) * 499, 1))
    with (
        closing(Journal(path)) as journal,
        pytest.raises(JournalError, match=r"row 7 is not what was written.*make reset"),
    ):
        _found(journal)


def test_a_page_that_changed_on_the_disk_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    _written(path)
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(JournalError, match="is damaged"):
        Journal(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"not a database" * 500, b"\0" * 4096, b""])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(JournalError, match="is damaged"):
        Journal(path)
    assert path.read_bytes() == content


def test_one_that_was_not_made_to_its_end_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "a.tmp").write_bytes(b"half of one")
    with closing(Journal(tmp_path / "a")) as journal:
        assert _found(journal) == {}
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a")) as other:
        other.execute("CREATE TABLE theirs (a)")
    with pytest.raises(JournalError, match="another program's"):
        Journal(tmp_path / "a")


def test_another_layout_is_told_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a"
    _written(path, 1)
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {LAYOUT + 1}")
    with pytest.raises(
        JournalError, match=rf"another version of Darkroom \(layout {LAYOUT + 1}; this one reads {LAYOUT}\)"
    ):
        Journal(path)


def test_transactions_behind_a_damaged_one_are_told_and_the_files_kept(tmp_path: Path) -> None:
    path, copy = tmp_path / "a", tmp_path / "b"
    with closing(Journal(path)) as journal:
        for number in range(12):
            journal.write({("row", f"{number}"): b"x"})
        shutil.copy(path, copy)
        log = bytearray(_wal(path).read_bytes())
    log[len(log) // 2] ^= 1
    _wal(copy).write_bytes(log)
    with closing(Journal(copy)) as journal:
        (warning,) = journal.warnings
        kept = len(_found(journal))
    assert 0 < kept < 12
    assert f"{12 - kept} later writes are lost" in warning
    assert _wal(copy).with_name("b-wal.damaged").read_bytes() == log


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(JournalError, match="folder cannot be used"):
        Journal(path)
