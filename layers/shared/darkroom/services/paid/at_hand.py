"""What a request has written itself, so that it need not read it again for its answer: its job and its pictures.

`kept_at_hand` says where a request begins and ends; elsewhere nothing is kept. It is a context variable, which the
thread that carries a job out in place has a copy of.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from darkroom.models.job import Job

# Bytes of a request's pictures; more are read again.
_MAX_BYTES: Final = 24 * 1024 * 1024


class _Kept(Struct):
    jobs: dict[str, Job] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)


_KEPT: ContextVar[_Kept | None] = ContextVar("darkroom_at_hand", default=None)


@contextmanager
def kept_at_hand() -> Iterator[None]:
    before = _KEPT.set(_Kept())
    try:
        yield
    finally:
        _KEPT.reset(before)


def keep_job(job: Job) -> None:
    """Args: job: that is over, as it is stored."""
    if kept := _KEPT.get():
        kept.jobs[job.id] = job


def job_at_hand(job_id: str) -> Job | None:
    kept = _KEPT.get()
    return kept.jobs.get(job_id) if kept else None


def keep_picture(key: str, data: bytes) -> None:
    kept = _KEPT.get()
    if kept and sum(map(len, kept.pictures.values())) + len(data) <= _MAX_BYTES:
        kept.pictures[key] = data


def picture_at_hand(key: str) -> bytes | None:
    kept = _KEPT.get()
    return kept.pictures.get(key) if kept else None
