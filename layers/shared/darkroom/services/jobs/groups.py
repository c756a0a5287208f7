"""A user's jobs as a list shows them: each with its parts, and those alone that are wanted."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from pydantic import Field

from darkroom.models.job import Job, JobStatus
from darkroom.models.value import Value
from darkroom.ports import JobStore

MAX_READ: Final = 2_000
"""Rows that one page reads at the most, whatever it looks for."""
# Rows of one query. A turn is two or three, so twice the page is read for one that takes whatever comes.
_AT_ONCE: Final = 500
_MORE: Final = 12
# A batch that paints has a part for each picture, and it shows the pictures itself.
_MAX_PARTS: Final = 12
# What a user wrote, or a file's name, of what a job was asked to do.
_WORDS: Final = ("prompt", "content", "recipe", "key")


class JobFilter(Value):
    """Each that is given has to fit a job or one of its parts; `status` and `favorite` the job itself."""

    ops: tuple[str, ...] = ()
    statuses: tuple[JobStatus, ...] = ()
    has_images: bool = False
    conversation: str | None = Field(None, description="`conv_{ULID}`")
    model: str | None = Field(None, description="As it was asked for or used, with or without who makes it.")
    words: tuple[str, ...] = Field((), description="That are all in the prompts, in any case.")

    favorite: bool | None = None
    made_from: str | None = Field(None, description="A job, or one of its pictures: `job_…/0`.")

    @property
    def takes_all(self) -> bool:
        return self == JobFilter()

    @property
    def earliest(self) -> str | None:
        """No job before this id fits: what is made in a conversation, or from a job, is younger, as ids tell."""
        begun = None if self.conversation is None else f"job_{self.conversation.removeprefix('conv_')}"
        return max(filter(None, (begun, (self.made_from or "").partition("/")[0])), default=None)

    def fits(self, jobs: Sequence[Job]) -> bool:
        """Args: jobs: one as its owner sees it, and its parts."""
        return (
            (not self.statuses or jobs[0].status in self.statuses)
            and self.favorite in (None, jobs[0].favorite)
            and (not self.ops or any(job.op in self.ops for job in jobs))
            and (not self.has_images or any(job.images for job in jobs))
            and (self.conversation is None or any(job.conversation_id == self.conversation for job in jobs))
            and (self.model is None or any(_is_by(job, self.model) for job in jobs))
            and (self.made_from is None or any(_is_made_from(job, self.made_from, jobs[0].id) for job in jobs))
            and _has_words(jobs, self.words)
        )


class Group(NamedTuple):
    """A job, and the paid calls that are its parts, in the order of their ids."""

    job: Job
    parts: tuple[Job, ...] = ()


class Groups:
    """Reads jobs newest first, a query at a time, and no more than MAX_READ rows.

    A job's parts are named after it, so they come just before it; a page that ends with a job begins no group twice.

    Args:
        before: the id of the last job of the page before.
    """

    def __init__(self, store: JobStore, user: str, wanted: JobFilter, *, limit: int, before: str | None) -> None:
        self._store = store
        self._user = user
        self._size = min(_AT_ONCE, 2 * limit + _MORE) if wanted.takes_all else _AT_ONCE
        self._from = before
        self.next_id: str | None = None
        """Where to go on when the rows that may be read are read; None at the end of all."""

    def __iter__(self) -> Iterator[Group]:
        start, read, parts = self._from, 0, list[Job]()
        self.next_id = start
        while read < MAX_READ:
            page = self._store.page(self._user, limit=min(self._size, MAX_READ - read), before=start)
            read += len(page.jobs)
            for left, job in zip(range(len(page.jobs) - 1, -1, -1), page.jobs, strict=True):
                if parts and parts[0].parent_id not in (job.id, job.parent_id):
                    yield from self._alone(parts)
                    parts = []
                if job.parent_id is not None:
                    parts.append(job)
                    continue
                self.next_id = job.id if left or page.next_id else None
                yield Group(job, tuple(reversed(parts[-_MAX_PARTS:])))
                parts = []
            start = page.next_id
            if start is None:
                yield from self._alone(parts)
                self.next_id = None
                return
            if len(parts) > _MAX_PARTS:
                # Straight to the job that they are parts of.
                start = f"{parts[0].parent_id}-"

    def _alone(self, parts: Sequence[Job]) -> Iterator[Group]:
        """Parts of a job that was removed before its parts were removed with it."""
        for part in parts:
            self.next_id = part.id
            yield Group(part)


def _is_by(job: Job, model: str) -> bool:
    wanted = model.casefold()
    known = (job.model_requested, job.model_used, job.result.get("model"))
    return any(wanted in (name.casefold(), name.casefold().rpartition("/")[2]) for name in known if name)


def _is_made_from(job: Job, source: str, whole: str) -> bool:
    """Args: whole: the job that it is or belongs to, whose parts are made from each other."""
    ref, _, index = source.partition("/")
    return whole != ref and any(
        parent.kind == "job" and parent.ref == ref and index in ("", str(parent.index or 0)) for parent in job.lineage
    )


def _has_words(jobs: Sequence[Job], words: Sequence[str]) -> bool:
    if not words:
        return True
    said = "\n".join(str(job.input.get(name) or "") for job in jobs for name in _WORDS)
    said = f"{said}\n{jobs[0].title or ''}".casefold()
    return all(word.casefold() in said for word in words)
