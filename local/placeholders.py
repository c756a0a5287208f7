"""What an event file leaves open: `${TOKEN}` and the like, filled in from the stack that runs."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ulid import ULID

from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.models.job import Job, JobStatus
from darkroom.services.tokens import Tokens
from local.aws import Aws

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_now = partial(datetime.now, UTC)


class UnknownPlaceholder(Exception):
    """Nobody knows what to put there."""


def fill_in(text: str, running: Mapping[str, Any], aws: Aws) -> str:
    """The text with every placeholder replaced, the same one always by the same value.

    Raises:
        UnknownPlaceholder
    """
    values: dict[str, str] = {}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in _VALUES:
            raise UnknownPlaceholder(f"{match[0]} is not known; known are {', '.join(_VALUES)}.")
        if name not in values:
            values[name] = _VALUES[name](running, aws)
        return values[name]

    return _PLACEHOLDER.sub(value, text)


def _known(field: str) -> Callable[[Mapping[str, Any], Aws], str]:
    return lambda running, _: str(running[field])


def _job_id(running: Mapping[str, Any], aws: Aws) -> str:
    """The user's latest job; one made for the purpose when there is none."""
    store = DynamoJobStore(running["table"], aws.dynamodb)
    latest = store.page(running["user"], limit=1).jobs
    if latest:
        return latest[0].id
    now = _now()
    job = Job(
        id=f"job_{ULID.from_datetime(now)}",
        user=running["user"],
        op="background-removal",
        status=JobStatus.SUCCEEDED,
        created_at=now,
        started_at=now,
        completed_at=now,
        expires_at=now + timedelta(days=1),
        attempt=1,
    )
    store.add(job)
    return job.id


def _token_id(running: Mapping[str, Any], aws: Aws) -> str:
    """A token made for the purpose, so that revoking it harms nobody."""
    tokens = Tokens(DynamoTokenStore(running["table"], aws.dynamodb), _now)
    return tokens.create(user=running["user"], name="make invoke")[0].id


_VALUES: dict[str, Callable[[Mapping[str, Any], Aws], str]] = {
    "TOKEN": _known("token"),
    "USER": _known("user"),
    "UPLOADS_BUCKET": _known("uploads_bucket"),
    "OUTPUTS_BUCKET": _known("outputs_bucket"),
    "TABLE": _known("table"),
    "JOB_ID": _job_id,
    "TOKEN_ID": _token_id,
}
