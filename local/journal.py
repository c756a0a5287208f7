"""A file of named values that survives a `kill -9`: opened again, it has a prefix of the transactions written to it.

It is an SQLite database with a write-ahead log. SQLite leaves out a last transaction that was not written to its end,
and moves the log into the database from time to time, so that it does not grow. What SQLite does not tell is told here:
values that have changed on the disk, and transactions behind a damaged one.
"""

import os
import shutil
import sqlite3
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

# To be raised with whatever changes what kinds, names or values mean, a newer ministack's among them.
LAYOUT: Final = 1
# "DKRM": tells Darkroom's files from other programs' databases.
_APPLICATION: Final = 0x444B524D
_TABLE: Final = """
CREATE TABLE entries (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
                      crc INTEGER NOT NULL, UNIQUE (kind, name))
"""
_HEADER, _FRAME_HEADER = 32, 24

Name = tuple[str, str]
"""Kind and name of a value."""


class JournalError(Exception):
    """The file cannot be used; the message says why, and what to do."""


class NotWritten(Exception):
    """Nothing of a transaction was written; the message says why."""


class Journal:
    """Writes and reads values by kind and name. May be used by several threads; the file has one user at a time.

    Args:
        path: of the database; it is made, readable by its owner only, where there is none.

    Attributes:
        warnings: what was lost before it was opened, as sentences.

    Raises:
        JournalError: the file is damaged, of another layout or of another program, or the disk refuses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._lock = threading.Lock()
        self._is_durable: bool | None = None
        try:
            self._connection = self._opened()
        except (sqlite3.Error, OSError) as error:
            raise JournalError(_sentence(path, error)) from error

    def __iter__(self) -> Iterator[tuple[str, str, bytes]]:
        """Kind, name and value of each, in the order in which they were first written.

        Raises:
            JournalError: a value is not what was written.
        """
        with self._lock:
            rows = self._connection.execute("SELECT kind, name, value, crc FROM entries ORDER BY id").fetchall()
        for kind, name, value, crc in rows:
            if not isinstance(value, bytes) or zlib.crc32(value) != crc:
                raise JournalError(f"{self.path} is damaged: {kind} {name} is not what was written. {_ADVICE}")
            yield kind, name, value

    def write(self, changes: Mapping[Name, bytes | None], *, is_durable: bool = True) -> None:
        """Writes all changes or, if it raises, none. None removes a value.

        Args:
            is_durable: whether it must survive a power cut, for which the disk is waited for; without it, it survives
                the end of every process, and a later durable write brings it to the disk.

        Raises:
            NotWritten: the disk is full, or refuses for another reason.
        """
        written = [
            (kind, name, value, zlib.crc32(value)) for (kind, name), value in changes.items() if value is not None
        ]
        removed = [name for name, value in changes.items() if value is None]
        with self._lock:
            try:
                if is_durable is not self._is_durable:
                    self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
                    self._is_durable = is_durable
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("DELETE FROM entries WHERE kind = ? AND name = ?", removed)
                self._connection.executemany(
                    "INSERT INTO entries (kind, name, value, crc) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value, crc = excluded.crc",
                    written,
                )
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise NotWritten(_sentence(self.path, error)) from error

    def close(self) -> None:
        """Moves the log into the database and closes it."""
        with self._lock:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        if not self.path.exists():
            self._create()
        elif not self.path.stat().st_size:
            raise JournalError(f"{self.path} is damaged: it is empty. {_ADVICE}")
        elif damage := self._damage():
            self.warnings.append(damage)
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self) -> None:
        """Makes it under another name, so that one without its table is never taken for a new one."""
        unfinished = self.path.with_name(f"{self.path.name}.tmp")
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            connection.executescript(
                f"BEGIN; {_TABLE}; PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {LAYOUT}; COMMIT"
            )
        unfinished.replace(self.path)

    def _check(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            raise JournalError(f"{self.path} is damaged: there is nothing in it. {_ADVICE}")
        if application != _APPLICATION:
            raise JournalError(f"{self.path} is another program's database. {_ADVICE}")
        if layout != LAYOUT:
            raise JournalError(other_layout(self.path, layout))
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise JournalError(f"{self.path} is damaged ({verdict}). {_ADVICE}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _damage(self) -> str | None:
        """What the log's end tells: SQLite reads it up to the first damage and drops the rest without a word.

        A last transaction that was not finished is no damage. One that was finished, behind something that cannot be
        read, is: the files are kept as they are before SQLite opens them.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        content = log.read_bytes() if log.exists() else b""
        lost = _unreadable_transactions(content)
        if not lost:
            return None
        for file in (self.path, log):
            shutil.copy2(file, file.with_name(f"{file.name}.damaged"))
        return (
            f"{log} is damaged: what was written before the damage is here, {lost} later writes are lost. "
            f"The files as they were found are {self.path.name}.damaged and {log.name}.damaged beside it."
        )


_ADVICE: Final = "Nothing was changed. Put a backup in its place, move it away, or begin with nothing: `make reset`."


def other_layout(path: Path, layout: object) -> str:
    """What is said of state that another version wrote."""
    return (
        f"{path} was written by another version of Darkroom (layout {layout}; this one reads {LAYOUT}). Nothing was "
        "changed. Run that version, or `make reset` to begin with nothing."
    )


def _sentence(path: Path, error: Exception) -> str:
    code = getattr(error, "sqlite_errorname", "")
    if code == "SQLITE_FULL" or getattr(error, "errno", 0) == 28:
        return f"The disk is full: {path} cannot be written. Free some space; what was kept so far is safe."
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return f"{path} is damaged ({error}). {_ADVICE}"
    if code.startswith("SQLITE_BUSY"):
        return f"Another process uses {path}. Wait for it to end, or end it."
    return f"{path} cannot be used: {error}. See that the folder may be written to, and that the disk has space."


def _unreadable_transactions(log: bytes) -> int:
    """How many finished transactions stand behind the first frame of a write-ahead log that cannot be read.

    https://sqlite.org/fileformat2.html#the_write_ahead_log: a frame counts while its salts are the header's and its
    checksum, which goes on from frame to frame, is right; it ends a transaction if it names the database's size.
    """
    if len(log) < _HEADER:
        return 0
    magic, _, page_size = struct.unpack(">III", log[:12])
    order = ">" if magic & 1 else "<"
    salts = log[16:24]
    sums = _checksum(log[:24], order, (0, 0))
    is_readable = sums == struct.unpack(">II", log[24:32])
    lost = 0
    for start in range(_HEADER, len(log) - _FRAME_HEADER - page_size + 1, _FRAME_HEADER + page_size):
        frame = log[start : start + _FRAME_HEADER + page_size]
        if frame[8:16] != salts:
            # Left over from before the log was begun again.
            break
        if is_readable:
            sums = _checksum(frame[:8] + frame[_FRAME_HEADER:], order, sums)
            is_readable = sums == struct.unpack(">II", frame[16:24])
        if not is_readable and struct.unpack(">I", frame[4:8])[0]:
            lost += 1
    return lost


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
