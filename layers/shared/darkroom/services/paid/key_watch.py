"""What is written down of a key before a call is sent with it: if its answer is lost, its cost is found out by that."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from darkroom.models.job import Job
from darkroom.models.receipt import KeyAnchor, KeyCharges, KeyListing, reference
from darkroom.ports import Ledger

# How long a charge may take to show in what a key has used: OpenRouter's usage was seen minutes behind.
USAGE_LAG: Final = timedelta(minutes=10)


def is_quiet(charges: KeyCharges, now: datetime) -> bool:
    """Whether every charge that was settled shows in what the key has used."""
    return charges.last_at is None or charges.last_at + USAGE_LAG <= now


def watched(
    job: Job,
    charges: KeyCharges,
    *,
    key_sha256: str,
    used: Callable[[], Decimal | None],
    is_listable: bool,
    now: datetime,
) -> tuple[Job, KeyListing | None]:
    """The job with what is known of its key, and how it is to be listed there when it is sent.

    Args:
        charges: on the key, as they were read before this.
        used: asks the provider what the key has used in all; whatever it raises is raised.
        is_listable: whether the provider can be asked later, and the key is a user's: one of the stack's pays for
            others at the same time, and elsewhere.
    """
    # What is settled between the two readings must not look as if it had been before.
    usage = used()
    settled = is_quiet(charges, now)
    listing = None
    if usage is not None and is_listable:
        is_first = settled and not charges.open
        anchor = KeyAnchor(usage=usage, settled=charges.settled) if is_first else None
        name = reference(job.user, job.id)
        listing = KeyListing(key_sha256=key_sha256, job=name, seen=charges.version, anchor=anchor)
    known = {
        "key_usage": usage,
        "key_sha256": key_sha256,
        "key_charges": charges.count if settled else None,
        "key_listed": False,
    }
    return job.model_copy(update=known), listing


def unwatched(job: Job, ledger: Ledger) -> None:
    """Takes a job off its key's list that another provider is to have: this one took nothing for it."""
    if job.key_listed and job.key_sha256 is not None:
        ledger.strike(job.key_sha256, [reference(job.user, job.id)])
