"""What was charged to a provider's key, as a row.

pk=PROVIDERKEY#{sha256}  sk=CHARGES

`charges` were settled, the last of them `last_at`, and those whose cost was known came to `settled` micro-dollars.
`listed` is the set of jobs that are open; `anchor_usage` (dollars, as a string) and `anchor_settled` are the key's
anchor; `shares` says at what a job is to be settled that is settled together with others. `version` grows with every
change.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from darkroom.adapters.dynamo import to_item, to_row
from darkroom.models.job import Job, SettledTogether
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import KeyAnchor, KeyCharges, KeyListing, Share, reference

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef

# Longer than a job can stay undecided.
_KEPT = timedelta(days=7)
# Of jobs that are listed at once: each takes some sixty bytes of a row that is written whole at every change.
_MOST_LISTED = 200
_COUNTING = "version = if_not_exists(version, :zero) + :one, expires_at = :expires_at"
_UNCHANGED = "(version = :seen OR (:seen = :zero AND attribute_not_exists(version)))"


def charges_key(key_sha256: str) -> dict[str, Any]:
    return {"pk": f"PROVIDERKEY#{key_sha256}", "sk": "CHARGES"}


def to_charges(item: Mapping[str, Any]) -> KeyCharges:
    row = to_row(item)
    anchor = None
    if "anchor_usage" in row:
        anchor = KeyAnchor(usage=Decimal(row["anchor_usage"]), settled=int(row["anchor_settled"]))
    return KeyCharges(
        count=int(row.get("charges", 0)),
        last_at=row.get("last_at"),
        settled=int(row.get("settled", 0)),
        open=frozenset(row.get("listed", ())),
        anchor=anchor,
        shares={job: _to_share(share) for job, share in row.get("shares", {}).items()},
        version=int(row.get("version", 0)),
    )


def _to_share(row: Mapping[str, Any]) -> Share:
    together = SettledTogether(jobs=int(row["jobs"]), total=int(row["total"]))
    return Share(amount=int(row["amount"]), charged=row["charged"], together=together)


def _share_row(share: Share) -> dict[str, Any]:
    return {"amount": share.amount, "charged": share.charged, **share.together.model_dump()}


def _listing(table: str, key_sha256: str, job: str, now: datetime) -> "UpdateTypeDef":
    """One job more is open."""
    return _update(
        table,
        key_sha256,
        f"SET {_COUNTING} ADD listed :jobs",
        now,
        {":jobs": {job}, ":job": job, ":most": _MOST_LISTED},
        condition="attribute_not_exists(listed) OR size(listed) < :most OR contains(listed, :job)",
    )


def _anchoring(table: str, key_sha256: str, job: str, anchor: KeyAnchor, seen: int, now: datetime) -> "UpdateTypeDef":
    """The same of the first, which begins with an anchor."""
    return _update(
        table,
        key_sha256,
        f"SET {_COUNTING}, anchor_usage = :usage, anchor_settled = :settled ADD listed :jobs",
        now,
        {":jobs": {job}, ":usage": str(anchor.usage), ":settled": anchor.settled, ":seen": seen},
        condition=f"{_UNCHANGED} AND attribute_not_exists(listed)",
    )


def listings(table: str, listing: KeyListing, now: datetime) -> "Iterator[UpdateTypeDef]":
    """The writes that may list a job, each to be tried when the one before is refused."""
    if listing.anchor is not None:
        yield _anchoring(table, listing.key_sha256, listing.job, listing.anchor, listing.seen, now)
    yield _listing(table, listing.key_sha256, listing.job, now)


def striking(table: str, key_sha256: str, jobs: Collection[str], now: datetime) -> "UpdateTypeDef":
    return _update(table, key_sha256, f"SET {_COUNTING} DELETE listed :jobs", now, {":jobs": set(jobs)})


def sharing(table: str, key_sha256: str, shares: Mapping[str, Share], seen: int, now: datetime) -> "UpdateTypeDef":
    return _update(
        table,
        key_sha256,
        f"SET {_COUNTING}, shares = :shares",
        now,
        {":shares": {job: _share_row(share) for job, share in shares.items()}, ":seen": seen},
        condition=_UNCHANGED,
    )


def closing(table: str, job: Job, actual: MicroUsd | None, now: datetime, *, is_share: bool) -> "UpdateTypeDef | None":
    """What a job that is closed changes; None if nothing."""
    amount, is_unknown = actual or 0, actual is None or (job.cost.charged == "unknown" and not is_share)
    if job.key_sha256 is None or not (amount or job.key_listed):
        return None
    sets, removes, deletes = [_COUNTING], [], ""
    values: dict[str, Any] = {}
    if amount:
        sets += ["charges = if_not_exists(charges, :zero) + :one", "last_at = :at"]
        values[":at"] = now.isoformat()
    if amount and not is_unknown:
        sets.append("settled = if_not_exists(settled, :zero) + :actual")
        values[":actual"] = amount
    if is_unknown or not job.key_listed:
        removes += ["anchor_usage", "anchor_settled"]
    if job.key_listed:
        values[":jobs"] = {reference(job.user, job.id)}
        deletes = " DELETE listed :jobs"
    if is_share:
        removes.append("shares.#job")
        values[":actual"] = amount
    removed = f" REMOVE {', '.join(removes)}" if removes else ""
    return _update(
        table,
        job.key_sha256,
        f"SET {', '.join(sets)}{removed}{deletes}",
        now,
        values,
        condition="shares.#job.amount = :actual" if is_share else "attribute_not_exists(shares.#job)",
        names={"#job": reference(job.user, job.id)},
    )


def _update(
    table: str,
    key_sha256: str,
    expression: str,
    now: datetime,
    values: Mapping[str, Any],
    *,
    condition: str | None = None,
    names: Mapping[str, str] | None = None,
) -> "UpdateTypeDef":
    counted = {":zero": 0, ":one": 1, ":expires_at": int((now + _KEPT).timestamp())}
    update: UpdateTypeDef = {
        "TableName": table,
        "Key": to_item(charges_key(key_sha256)),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": to_item({**counted, **values}),
    }
    if condition is not None:
        update["ConditionExpression"] = condition
    if names:
        update["ExpressionAttributeNames"] = dict(names)
    return update
