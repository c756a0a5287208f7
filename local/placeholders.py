"""What an event file leaves open: `${TOKEN}` and the like, filled in from the stack that runs."""

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from PIL import Image, ImageDraw
from ulid import ULID

from darkroom.adapters.conversation_store import DynamoConversationStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.models.conversation import Conversation, Step, Version
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.services.accounts.tokens import Tokens
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


def _conversation_id(running: Mapping[str, Any], aws: Aws) -> str:
    """A conversation made for the purpose, in which one can go back and forth."""
    now = _now()
    image = _dot(running, aws)
    steps = (Step(operation={"op": "brightness", "amount": 10.0}),)
    versions = (
        Version(id="v1", image=image, created_at=now),
        Version(id="v2", parent="v1", image=image, steps=steps, created_at=now),
        Version(id="v3", parent="v2", image=image, steps=steps, created_at=now),
    )
    conversation = Conversation(
        id=f"conv_{ULID.from_datetime(now)}",
        user=running["user"],
        title="make invoke",
        created_at=now,
        updated_at=now,
        expires_at=now + timedelta(days=1),
        versions=versions,
        current="v2",
        undone=("v3",),
    )
    DynamoConversationStore(running["table"], aws.dynamodb).add(conversation)
    return conversation.id


def _dot(running: Mapping[str, Any], aws: Aws) -> StoredImage:
    picture = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(picture).ellipse((16, 16, 48, 48), "black")
    file = io.BytesIO()
    picture.save(file, "PNG")
    data = file.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"inputs/{running['user']}/{sha256}.png"
    aws.s3.put_object(Bucket=running["outputs_bucket"], Key=key, Body=data, ContentType="image/png")
    return StoredImage(key=key, media_type="image/png", width=64, height=64, bytes=len(data), sha256=sha256)


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
    "CONVERSATION_ID": _conversation_id,
    "TOKEN_ID": _token_id,
}
