"""Settling several calls together that were paid with one key, and of each of which it is unknown what it cost.

The key's row has an anchor: what the key had used at a moment when no call of ours was open on it, and what had been
settled by then. What the key has used since, less what was settled since, is what the calls cost together that are
open now. It is believed once nothing is at work with the key any more and every charge must show. What another program
has paid with the key looks like theirs, so the sum is too high then and never too low; if it is more than they can
have cost, they stay unknown.

What each is to be settled at is decided for all at once, in one write that holds only if nothing has changed, and then
each is settled by itself, by any process and any number of times, at that share.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus, ProviderCall
from darkroom.models.money import MicroUsd, micro_usd
from darkroom.models.receipt import KeyCharges, Share, reference, referred
from darkroom.ports import Clock, JobStore, Ledger, Provider
from darkroom.services.accounts.keys import Keys
from darkroom.services.paid.key_watch import USAGE_LAG, is_quiet
from darkroom.services.paid.shares import Range, divided

# Longer than any provider works on a picture, and its charge then takes to show.
PATIENCE = timedelta(minutes=10) + USAGE_LAG
# The books are complete by then: what they do not hold was not charged.
BOOKS_COMPLETE = timedelta(hours=1)


class Together(Struct, frozen=True):
    keys: Keys
    providers: Callable[[str], Provider]
    jobs: JobStore
    ledger: Ledger
    clock: Clock

    def share_of(self, job: Job) -> Share | None:
        """What the job is to be settled at, with the others that are open on its key; None while that is undecided."""
        if not job.key_listed or job.key_sha256 is None:
            return None
        charges, name = self.ledger.charges_with(job.key_sha256), reference(job.user, job.id)
        if name in charges.shares:
            return charges.shares[name]
        if charges.shares or name not in charges.open or not is_quiet(charges, self.clock()):
            return None
        members = self._members(job.key_sha256, charges)
        if members is None:
            return None
        shares = self._shares(job, members, charges)
        if shares is None or not self.ledger.share_out(job.key_sha256, shares, seen=charges):
            return None
        return shares[name]

    def _members(self, key_sha256: str, charges: KeyCharges) -> Mapping[str, Job] | None:
        """The jobs that are open on the key, by reference; None if one of them may yet be charged, or become known."""
        members: dict[str, Job] = {}
        left: list[str] = []
        for name in sorted(charges.open):
            job = self.jobs.find(*referred(name))
            if job is None or job.cost.settled:
                left.append(name)
            elif job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
                return None
            elif job.key_sha256 != key_sha256:
                left.append(name)
            elif _may_become_known(job, self.clock()):
                return None
            else:
                members[name] = job
        if left:
            # A worker listed them that was killed before it sent them.
            self.ledger.strike(key_sha256, left)
            return None
        return members

    def _shares(self, job: Job, members: Mapping[str, Job], charges: KeyCharges) -> Mapping[str, Share] | None:
        provider = self.providers(job.provider)
        key = self.keys.reveal(job.user, job.provider, own=job.own_key)
        used = provider.inspect(key).used if digest(key) == job.key_sha256 else None
        if used is None or charges.anchor is None:
            return None
        total = _since(charges.anchor.usage, used)
        since_first = _since(min(_usage(each) for each in members.values()), used)
        ranges = [_range(each, used) for each in members.values()]
        if total is None or since_first is None or None in ranges:
            return None
        settled = charges.settled - charges.anchor.settled
        # Before the first of them was sent, none of them can have been charged.
        parts = divided([each for each in ranges if each is not None], min(total - settled, since_first))
        return None if parts is None else dict(zip(members, parts, strict=True))


def _usage(job: Job) -> Decimal:
    return job.key_usage if job.key_usage is not None else Decimal(0)


def _since(before: Decimal, now: Decimal) -> MicroUsd | None:
    """Micro-dollars, rounded up; None if the usage went down."""
    return micro_usd(now - before)


def _range(job: Job, used: Decimal) -> Range | None:
    """What the job can have cost: no more than what was set aside, or than the key has used since it was sent."""
    # What was delivered was charged.
    unknown = [job.status, *(each.status for each in job.calls if each.cost is None)][bool(job.calls) :]
    low = sum(each.cost or 0 for each in job.calls) + unknown.count(JobStatus.SUCCEEDED)
    since = _since(_usage(job), used)
    high = None if since is None else min(max(job.cost.reserved, low), since)
    return None if high is None or high < low else Range(low, high)


def _may_become_known(job: Job, now: datetime) -> bool:
    """Whether it may yet be charged, or the provider's books may yet tell what it cost."""
    calls: list[Job | ProviderCall] = [each for each in job.calls if each.dispatched_at is not None]
    return any(_is_young(each, now) for each in calls or [job])


def _is_young(call: Job | ProviderCall, now: datetime) -> bool:
    is_known = isinstance(call, ProviderCall) and call.cost is not None
    wait = BOOKS_COMPLETE if call.generation_id and not is_known else PATIENCE
    return call.dispatched_at is None or now < call.dispatched_at + wait
