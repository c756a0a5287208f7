"""Jobs, and the money they may spend."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import timedelta

    from darkroom.models.admission import IdempotencyRecord, Outcome, PendingAnswer
    from darkroom.models.budget import Budget
    from darkroom.models.generation import KeptPicture, RawAnswer
    from darkroom.models.job import Job, KeptCutout, ProviderCall
    from darkroom.models.receipt import KeyCharges, KeyListing, Receipt, Share


class JobPage(Struct, frozen=True):
    jobs: tuple[Job, ...]
    next_id: str | None = None
    """Pass as `before` for the next page; None on the last."""


class OpenJob(Struct, frozen=True):
    """A job that somebody has to look after, in short, and how the sweep has fared with it."""

    user: str
    id: str
    created_at: datetime
    dispatched_at: datetime | None = None
    key_sha256: str | None = None
    looked_at: datetime | None = None
    """When the sweep began to look at it the last time."""
    failures: int = 0
    """Looks in a row, up to the last, that were begun and came to no good end."""


class JobStore(Protocol):
    def add(self, job: Job, *, source: str | None = None) -> Job | None:
        """Stores a new job, and with `source` only if no job was ever made for that source.

        Returns:
            The job that stands for the source now: this one, or the one made earlier. None when the earlier one
            has been removed since.
        """

    def find(self, user: str, job_id: str) -> Job | None: ...

    def family(self, user: str, job_id: str) -> Sequence[Job]:
        """The job and its parts, whose ids begin with its own and a hyphen: one consistent read of the first twelve,
        the job before the others; empty if there is none of them.
        """

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        """The user's jobs, newest first; `before` is exclusive."""

    def list_open(self) -> Iterator[Job]:
        """Everybody's jobs that somebody has to look after, oldest first: those that are not over or not settled."""

    def list_looks(self, *, at: datetime | None = None) -> Iterator[OpenJob]:
        """The same in short. A job that cannot be read is among them.

        Args:
            at: for a sweep at that time. Of very many it gets the oldest, and others each time.

        Raises:
            DarkroomError: some of them cannot be found; after the others were given.
        """

    def begin_look(self, seen: OpenJob, *, at: datetime) -> OpenJob | None:
        """Counts a look as failed until `end_look` says otherwise, for the process that takes it may die before it can.

        None if another look was begun since `seen` was read, or the job is not open any more.
        """

    def end_look(self, user: str, job_id: str) -> None:
        """The look went well: nothing counts as failed any more."""

    def start(self, job: Job, *, now: datetime, lease_expires_at: datetime) -> Job | None:
        """Begins an attempt, if the job is queued or its last attempt's lease is over; otherwise None."""

    def claim(self, user: str, job_id: str, *, now: datetime, lease_expires_at: datetime) -> tuple[Job | None, bool]:
        """As start, of a paid job that was not read before: the job as it is now, and whether an attempt was begun."""

    def requeue(self, job: Job) -> bool:
        """Gives an attempt up, so that another may begin at once; False if it was no longer this one's to give."""

    def finish(self, job: Job) -> bool:
        """Stores a final state of a job that costs nothing itself, if it is not over and still in the same attempt.

        One whose parts are not all settled says so in its `cost`, and stays open until `settle`. The first
        `started_at` that was ever given stays.
        """

    def settle(self, job: Job) -> bool:
        """Stores a job that was finished without its cost being known, and now is; once."""

    def progress(self, job: Job) -> Job | None:
        """Stores how an open job that costs nothing has come along, and counts that as an attempt; None if somebody
        else was faster, or it is over. The first `started_at` that is given stays.
        """

    def dispatch(
        self, job: Job, *, at: datetime, lease_expires_at: datetime, listing: KeyListing | None = None
    ) -> Job | None:
        """Writes down that money may be spent from now on: `dispatched_at`, `provider`, the key's four, how each of
        its calls stands if there are several, and that no generation id is known. Only of a running job, in the same
        attempt.

        Args:
            listing: lists the job as open on its key in the same write, unless too many are listed there; `key_listed`
                says whether it is. Without it the job is as listed as it was.

        Returns:
            The job as it is from now on; None means that nothing may be sent.

        Raises:
            ServiceUnavailable: others write the key's row all the time; nothing was written.
        """

    def note_generation(self, job: Job, generation_id: str) -> bool:
        """By which id the provider's books will know the last dispatch; in the same attempt alone."""

    def dispatch_call(self, job: Job, call: ProviderCall) -> bool:
        """As dispatch, of one more of a dispatched job's calls; writes down how the call stands. False, too, once the
        job is to be stopped.
        """

    def note_call(self, job: Job, call: ProviderCall) -> bool:
        """How one of a dispatched job's calls stands by now; False if it is settled, or in another attempt by now."""

    def stop(self, job: Job, *, at: datetime) -> bool:
        """Has no further one of a running job's several calls be sent; False if the job is one call, or not running."""

    def record(self, job: Job) -> bool:
        """Stores how a paid job stands whose money is not settled: uncertain, or over with a cost yet unknown.

        It stays open. False if it is settled, or in another attempt by now.
        """

    def keep_cutouts(self, job: Job, cutouts: Sequence[KeptCutout]) -> Job | None:
        """Stores what came so far of cutting the pictures of a job that was bought out of their backgrounds, and
        nothing else of it. With the last one, a settled job is listed as waiting for them no more.

        Returns:
            The job as it is stored; None if it is not as it was read: it is in another attempt, has other cut-outs,
            was settled meanwhile, or was removed.
        """

    def list_without_cutouts(self, *, at: datetime | None = None) -> Iterator[Job]:
        """As list_looks, of whole jobs: everybody's settled jobs whose pictures are yet to be cut out. There may be
        others among them, of which that has just been done.
        """

    def hide(self, user: str, job_id: str, *, at: datetime) -> None:
        """Notes down that its owner has removed it: `removed_at`. What is written of it afterwards leaves that."""

    def label(self, user: str, job_id: str, *, favorite: bool | None = None, title: str | None = None) -> Job | None:
        """Stores what is given of what an owner says of a job; an empty title is none. The job as it is then; None if
        there is none, or its owner has removed it.
        """

    def revive(self, job: Job) -> bool:
        """Stores that a job which had failed, and is settled, has succeeded after all; False of any other,
        and of one that its owner has removed.
        """

    def remove(self, user: str, job_id: str) -> bool:
        """Whether there was a job that is over to remove."""


class JobQueue(Protocol):
    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        """Has a worker look at the job, at least once, and not before so many seconds (at most 900)."""

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        """Has a message that was received, and will not be deleted, come again no sooner than after `wait`."""


class DeadLetters(Protocol):
    def each(self, work: Callable[[str, str], object]) -> int:
        """Hands the user and the job's id of each message that failed on every delivery to `work`, then removes it.

        Returns:
            How many were removed.
        """


class ReceiptPage(Struct, frozen=True):
    receipts: tuple[Receipt, ...]
    next_id: str | None = None
    """Pass as `before` for the next page; None on the last."""


class NearLimit(Exception):
    """What a job cost may bring a budget to where its user wants to be warned; look at it, then close the job."""


class Ledger(Protocol):
    """What paid jobs may spend and have spent. Each method that writes is one transaction, or nothing at all."""

    def admit(
        self,
        job: Job,
        *,
        idempotency: IdempotencyRecord | None = None,
        answer: PendingAnswer | None = None,
        beside: Job | None = None,
    ) -> Outcome:
        """Stores a job and takes `job.cost.reserved` from each of `job.budgets`, if all of them have it left.

        The job is queued, or already begun: running, in its first attempt, with the lease of who admits it.

        A budget's row begins with its ref's limit, and takes over another limit when the ref has one.

        Args:
            idempotency: stored with it, unless the same key stands for something else that has not expired.
            answer: stored with it.
            beside: a job that costs nothing itself, of which this one is a part: stored with it.

        Raises:
            ServiceUnavailable: too many others write the same rows; nothing was stored.
        """

    def close(
        self,
        job: Job,
        *,
        actual: int | None,
        before_dispatch: bool = False,
        is_share: bool = False,
        warn_at_percent: int | None = None,
    ) -> bool:
        """Stores a final state and settles: `actual` is spent, what was reserved beyond it remains again.

        A job that has a share is closed at that share alone. One that was listed for its key is listed no more; one of
        which it stays unknown what it cost, or that was never listed, takes the key's anchor away.

        With it go a receipt and, if there is a `webhook_url`, a delivery. `job.cost` is stored settled.

        Args:
            actual: micro-dollars; may be more than was reserved. None releases all of it, though nobody knows.
            before_dispatch: only if it was not dispatched (for canceling, and for what never began).
            is_share: `actual` is the job's share.
            warn_at_percent: of a budget's limit; the caller wants to know before one of the job's budgets comes to it
                for the first time.

        Raises:
            NearLimit: one of the budgets may come to that with this, and nobody was warned of it; nothing was written.

        Returns:
            False if the job is settled already, is in another attempt, was dispatched though it must not be, or has
            another share.
        """

    def budgets(self, user: str, ids: Sequence[str]) -> Mapping[str, Budget]:
        """Those that were ever taken from, by id."""

    def charges_with(self, key_sha256: str) -> KeyCharges:
        """What is known of the charges on this key, for all users' jobs."""

    def strike(self, key_sha256: str, jobs: Collection[str]) -> None:
        """Takes jobs off the list that were not sent with the key, or at no cost."""

    def share_out(self, key_sha256: str, shares: Mapping[str, Share], *, seen: KeyCharges) -> bool:
        """Decides at what each of several jobs is settled, if nothing has changed since `seen` was read.

        From then on each of them can be closed at its share alone.
        """

    def warn_once(self, user: str, budget_id: str) -> bool:
        """True for the first who asks about this budget, and never again."""

    def receipts(self, user: str, *, limit: int, before: str | None = None, month: str | None = None) -> ReceiptPage:
        """Newest first by the job's id; `before` (a job id) is exclusive; `month`: `2026-11`, when the job was made."""

    def idempotency(self, user: str, sha256: str) -> IdempotencyRecord | None:
        """What the key stands for; None once it has expired."""


class AnswerStore(Protocol):
    """Answers that have not certainly reached anybody."""

    def of_request(self, user: str, request_sha256: str) -> Sequence[PendingAnswer]:
        """Oldest first; without what has expired."""

    def change(self, seen: PendingAnswer, *, to: PendingAnswer) -> bool:
        """Stores `to` if nothing has changed since `seen` was read."""

    def find(self, user: str, request_sha256: str, job_id: str) -> PendingAnswer | None: ...


class RawAnswerStore(Protocol):
    """What a provider answered to a job's last dispatch, as it came."""

    def write(self, user: str, job_id: str, answer: RawAnswer, *, as_picture: str | None = None) -> KeptPicture | None:
        """Keeps an answer; one that was kept before is replaced.

        Args:
            as_picture: a secret that the job's row has. Then an answer that is one picture, with little around it, is
                kept as that picture, at `outputs/{user}/{job_id}/0.…`. What is around it cannot be read by those who
                can read the picture.

        Returns:
            That picture; None if the answer lies by itself.
        """

    def read(self, user: str, job_id: str, *, as_picture: str | None = None) -> RawAnswer | None:
        """Args: as_picture: as for `write`; without it only an answer that lies by itself is found."""

    def remove(self, user: str, job_id: str) -> None:
        """Removes an answer that lies by itself. One that is kept as a picture goes with that."""
