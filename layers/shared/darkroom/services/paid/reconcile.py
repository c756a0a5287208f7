"""Finding out what a call cost whose answer was lost, or did not say.

Two witnesses at the provider: its books, by the generation's id, which are exact but some minutes late and hold nothing
of a call that failed; and what the key has used in all, before the dispatch and now. The difference is this call's
only while nothing else was paid with the key in between; a provider may still be working on what its client has given
up, and what it took shows minutes later, so less than the call can cost is believed only after a while. Of several
calls the key's usage tells what they cost together (`together`).
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from msgspec import Struct

from darkroom.errors import DarkroomError
from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus, ProviderCall
from darkroom.models.money import MicroUsd, micro_usd
from darkroom.models.receipt import Share, reference
from darkroom.ports import Clock, JobStore, Ledger, Provider
from darkroom.services.accounts.keys import Keys
from darkroom.services.paid.together import BOOKS_COMPLETE, PATIENCE, Together

# What is set aside is the dearest price, and a tenth more in case that it has changed.
_MARGIN = Decimal("1.1")


class Reconciliation(Struct, frozen=True):
    keys: Keys
    providers: Callable[[str], Provider]
    jobs: JobStore
    ledger: Ledger
    clock: Clock

    def cost_of(self, job: Job) -> MicroUsd | None:
        """What the job's last dispatch cost, 0 if it is proven to have cost nothing, None while that is undecided."""
        if job.dispatched_at is None:
            return 0
        try:
            provider = self.providers(job.provider)
            if not provider.keeps_books:
                return None
            key = self.keys.reveal(job.user, job.provider, own=job.own_key)
            if digest(key) != job.key_sha256:
                return None  # another key by now, which knows nothing of the call
            return self._from_books(job, provider, key, self.clock() - job.dispatched_at)
        except DarkroomError:
            return None

    def share_of(self, job: Job) -> Share | None:
        """The amount to settle it at, with others that are unknown on its key; None while undecided."""
        try:
            return Together(self.keys, self.providers, self.jobs, self.ledger, self.clock).share_of(job)
        except DarkroomError:
            return None

    def decided_share(self, job: Job) -> Share | None:
        """The same, if it has been decided already."""
        if job.key_sha256 is None or not job.key_listed:
            return None
        return self.ledger.charges_with(job.key_sha256).shares.get(reference(job.user, job.id))

    def _from_books(self, job: Job, provider: Provider, key: str, age: timedelta) -> MicroUsd | None:
        if job.calls:
            return self._of_calls(job, provider, key, age)
        if job.generation_id:
            record = provider.generation(job.generation_id, key=key)
            if record is not None and record.cost is not None:
                return record.cost
        used = self._used_since(job, provider, key)
        # What was delivered was charged: that nothing shows of it means that this is not known yet.
        is_lost = job.status is not JobStatus.SUCCEEDED
        if used is not None and (_is_all(used, job) or (age >= PATIENCE and (used > 0 or is_lost))):
            return used
        known_to_books = bool(job.generation_id) and age >= BOOKS_COMPLETE and is_lost
        return 0 if known_to_books else None

    def _of_calls(self, job: Job, provider: Provider, key: str, age: timedelta) -> MicroUsd | None:
        """What the job's several calls cost together. What the key has used shows them one after the other."""
        sent = [call for call in job.calls if call.dispatched_at is not None]
        costs = [(call, call.cost if call.cost is not None else _in_books(call, provider, key)) for call in sent]
        known = sum(cost for _, cost in costs if cost is not None)
        open_ = [call for call, cost in costs if cost is None]
        if not open_:
            return known
        is_lost = all(call.status is not JobStatus.SUCCEEDED for call in open_)
        used = self._used_since(job, provider, key) if age >= PATIENCE else None
        if used is not None and (used > known or (used == known and is_lost)):
            return used
        known_to_books = age >= BOOKS_COMPLETE and all(call.generation_id for call in open_)
        return known if known_to_books and is_lost else None

    def _used_since(self, job: Job, provider: Provider, key: str) -> MicroUsd | None:
        """What the key has spent since the dispatch; None if that cannot be this job's alone."""
        now = provider.inspect(key).used
        if now is None or job.key_usage is None:
            return None
        difference = now - job.key_usage
        if difference == Decimal(0):
            return 0
        amount = micro_usd(difference)
        if amount is None or amount > 2 * max(job.cost.reserved, 1) or self._was_shared(job):
            return None
        return amount

    def _was_shared(self, job: Job) -> bool:
        """Whether anything else can have been paid with the key since the dispatch.

        Whoever else paid before the usage was read was dispatched by then: either it is still open, or it was counted.
        """
        if self.keys.payer(job.user, job.provider) == "stack":
            return True
        # Nearly always that tells, without a look at everybody's open jobs.
        if job.key_sha256 is None or self._has_charges_of_others(job, job.key_sha256):
            return True
        # In short, for one that cannot be read is no reason not to decide about the others.
        others = (each for each in self.jobs.list_looks() if each.dispatched_at is not None and each.id != job.id)
        if any(each.key_sha256 == job.key_sha256 or (not each.key_sha256 and each.user == job.user) for each in others):
            return True
        # Once more: what was settled before the open jobs were listed is counted by now.
        return self._has_charges_of_others(job, job.key_sha256)

    def _has_charges_of_others(self, job: Job, key_sha256: str) -> bool:
        charges = self.ledger.charges_with(key_sha256)
        return charges.count != job.key_charges or bool(charges.open - {reference(job.user, job.id)})


def _is_all(used: MicroUsd, job: Job) -> bool:
    """Whether it is as much as the job can cost. Less may be another program's, while the job's does not show yet."""
    return used > 0 and used * _MARGIN >= job.cost.reserved


def _in_books(call: ProviderCall, provider: Provider, key: str) -> MicroUsd | None:
    record = provider.generation(call.generation_id, key=key) if call.generation_id else None
    return record.cost if record is not None else None
