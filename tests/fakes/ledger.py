"""The ledger in memory. The contract suite holds it to what the adapter does."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from darkroom.models.admission import IdempotencyRecord, Outcome, PendingAnswer
from darkroom.models.budget import Budget, BudgetRef
from darkroom.models.job import Job
from darkroom.models.receipt import KeyCharges, Receipt, Share, reference
from darkroom.models.tally import made_at
from darkroom.models.webhook import Delivery
from darkroom.ports import Clock, NearLimit, ReceiptPage
from tests.fakes.memory import MemoryJobStore, keeping_dispatch

_SAME_IN_RECEIPT = {
    "user",
    "op",
    "status",
    "model_requested",
    "model_used",
    "provider",
    "generation_id",
    "calls",
    "token_id",
    "conversation_id",
    "created_at",
}


class Account:
    """One budget: its limit and what is gone of it. What remains is computed, unlike in the adapter."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.reserved = 0
        self.spent = 0
        self.is_warned = False

    def shown(self, budget_id: str) -> Budget:
        left = self.limit - self.reserved - self.spent
        return Budget(
            id=budget_id,
            limit=self.limit,
            remaining=max(0, left),
            reserved=self.reserved,
            spent=self.spent,
            overdrawn=max(0, -left),
            is_warned=self.is_warned,
        )


class MemoryLedger:
    """Shares the jobs with `jobs`, and may share `answers` and `deliveries` with stores of those."""

    def __init__(self, jobs: MemoryJobStore, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock
        self.accounts: dict[tuple[str, str], Account] = {}
        self.keys: dict[tuple[str, str], IdempotencyRecord] = {}
        self.answers: dict[tuple[str, str, str], PendingAnswer] = {}
        self.charges = jobs.charges
        self.receipts_: dict[tuple[str, str], Receipt] = {}
        self.deliveries: dict[tuple[str, str], Delivery] = {}

    def admit(
        self,
        job: Job,
        *,
        idempotency: IdempotencyRecord | None = None,
        answer: PendingAnswer | None = None,
        beside: Job | None = None,
    ) -> Outcome:
        with self._jobs.lock:
            if stored := self._jobs.jobs.get((job.user, job.id)):
                return Outcome(admitted=stored)
            if idempotency and (earlier := self.idempotency(idempotency.user, idempotency.sha256)):
                return Outcome(earlier=earlier)
            if refusal := self._refusal(job):
                return refusal
            for ref in job.budgets:
                self._account(job.user, ref).reserved += job.cost.reserved
            if idempotency:
                expires_at = idempotency.expires_at.replace(microsecond=0)
                record = idempotency.model_copy(update={"expires_at": expires_at})
                self.keys[idempotency.user, idempotency.sha256] = record
            if answer:
                self.answers[answer.user, answer.request_sha256, answer.job_id] = answer
            if beside:
                self._jobs.jobs[beside.user, beside.id] = beside
            cost = job.cost.model_copy(update={"settled": False, "actual": None})
            admitted = job.model_copy(update={"cost": cost})
            self._jobs.jobs[job.user, job.id] = admitted
            return Outcome(admitted=admitted)

    def _refusal(self, job: Job) -> Outcome | None:
        refusal = None
        for ref in job.budgets:
            account = self.accounts.get((job.user, ref.id))
            if account is not None:
                account.limit = ref.limit
            shown = (account or Account(ref.limit)).shown(ref.id)
            if job.cost.reserved > shown.remaining - shown.overdrawn and refusal is None:
                refusal = Outcome(refused_by=shown, refused_ref=ref)
        return refusal

    def _account(self, user: str, ref: BudgetRef) -> Account:
        return self.accounts.setdefault((user, ref.id), Account(ref.limit))

    def close(
        self,
        job: Job,
        *,
        actual: int | None,
        before_dispatch: bool = False,
        is_share: bool = False,
        warn_at_percent: int | None = None,
    ) -> bool:
        with self._jobs.lock:
            stored = self._jobs.unsettled(job)
            if stored is None or (before_dispatch and stored.dispatched_at is not None):
                return False
            if not self._is_its_share(job, actual, is_share):
                return False
            if warn_at_percent is not None:
                self._require_unwarned(job, actual or 0, warn_at_percent)
            for ref in job.budgets:
                account = self._account(job.user, ref)
                account.reserved -= job.cost.reserved
                account.spent += actual or 0
            cost = job.cost.model_copy(update={"settled": True, "actual": actual})
            closed = keeping_dispatch(stored, job).model_copy(update={"cost": cost, "lease_expires_at": None})
            self._jobs.jobs[job.user, job.id] = closed
            if job.key_sha256:
                self._charge(job, job.key_sha256, actual, is_known=is_share or job.cost.charged != "unknown")
            self._write_down(job, actual)
            return True

    def _require_unwarned(self, job: Job, actual: int, percent: int) -> None:
        for ref in job.budgets:
            known = self.accounts.get((job.user, ref.id))
            if known is None or known.is_warned:
                continue
            if known.limit != ref.limit or (known.spent + actual) * 100 >= percent * ref.limit:
                raise NearLimit

    def _is_its_share(self, job: Job, actual: int | None, is_share: bool) -> bool:
        share = self.charges_with(job.key_sha256 or "").shares.get(reference(job.user, job.id))
        return (None if share is None else share.amount) == (actual if is_share else None)

    def _charge(self, job: Job, key_sha256: str, actual: int | None, *, is_known: bool) -> None:
        if not actual and not job.key_listed:
            return
        seen, name = self.charges_with(key_sha256), reference(job.user, job.id)
        is_known = is_known and actual is not None
        self._change(
            key_sha256,
            count=seen.count + bool(actual),
            last_at=self._clock() if actual else seen.last_at,
            settled=seen.settled + (actual or 0 if is_known else 0),
            open=seen.open - {name},
            anchor=seen.anchor if is_known and job.key_listed else None,
            shares={other: share for other, share in seen.shares.items() if other != name},
        )

    def charges_with(self, key_sha256: str) -> KeyCharges:
        return self.charges.get(key_sha256, KeyCharges())

    def _change(self, key_sha256: str, **known: object) -> None:
        seen = self.charges_with(key_sha256)
        self.charges[key_sha256] = seen.model_copy(update={**known, "version": seen.version + 1})

    def strike(self, key_sha256: str, jobs: Collection[str]) -> None:
        with self._jobs.lock:
            if jobs:
                self._change(key_sha256, open=self.charges_with(key_sha256).open - set(jobs))

    def share_out(self, key_sha256: str, shares: Mapping[str, Share], *, seen: KeyCharges) -> bool:
        with self._jobs.lock:
            now = self.charges_with(key_sha256)
            if now.version != seen.version or now.shares:
                return False
            self._change(key_sha256, shares=dict(shares))
            return True

    def _write_down(self, job: Job, actual: int | None) -> None:
        now = self._clock()
        self.receipts_[job.user, job.id] = Receipt(
            job_id=job.id,
            estimated=job.cost.estimated,
            reserved=job.cost.reserved,
            actual=actual,
            charged=job.cost.charged,
            together=job.cost.together,
            images=len(job.images),
            seconds=_seconds(job),
            settled_at=now,
            **job.model_dump(include=_SAME_IN_RECEIPT),
        )
        if job.webhook_url:
            self.deliveries[job.user, f"msg_{job.id}"] = Delivery(
                id=f"msg_{job.id}",
                user=job.user,
                job_id=job.id,
                url=job.webhook_url,
                created_at=now,
                expires_at=now + timedelta(days=30),
            )

    def budgets(self, user: str, ids: Sequence[str]) -> Mapping[str, Budget]:
        with self._jobs.lock:
            return {
                budget_id: account.shown(budget_id)
                for budget_id in ids
                if (account := self.accounts.get((user, budget_id)))
            }

    def warn_once(self, user: str, budget_id: str) -> bool:
        with self._jobs.lock:
            account = self.accounts.get((user, budget_id))
            if account is None or account.is_warned:
                return False
            account.is_warned = True
            return True

    def receipts(self, user: str, *, limit: int, before: str | None = None, month: str | None = None) -> ReceiptPage:
        with self._jobs.lock:
            mine = [receipt for (owner, _), receipt in self.receipts_.items() if owner == user]
        return page_of(mine, limit=limit, before=before, month=month)

    def idempotency(self, user: str, sha256: str) -> IdempotencyRecord | None:
        record = self.keys.get((user, sha256))
        return record if record and record.expires_at > self._clock() else None


def page_of(receipts: Iterable[Receipt], *, limit: int, before: str | None, month: str | None) -> ReceiptPage:
    """Of one user's receipts; the month is that of the job's id, which a part has from its turn."""
    asked = [
        receipt
        for receipt in sorted(receipts, key=lambda receipt: receipt.job_id, reverse=True)
        if (not before or receipt.job_id < before) and (month is None or f"{made_at(receipt.job_id):%Y-%m}" == month)
    ]
    page = tuple(asked[:limit])
    return ReceiptPage(receipts=page, next_id=page[-1].job_id if len(asked) > limit else None)


def _seconds(job: Job) -> float | None:
    if job.dispatched_at is None or job.completed_at is None:
        return None
    return round((job.completed_at - job.dispatched_at).total_seconds(), 3)
