"""Looks for secrets wherever the stack leaves something behind."""

from collections.abc import Iterator
from pathlib import Path

from darkroom.adapters.job_documents import unpack
from local.iam.enforcement import REFUSED
from local.stack import Stack

# Pasted as a key by a test; whatever becomes of it, it may be found as ciphertext alone.
CANARY_KEY = "sk-or-v1-" + "CANARY" * 10 + "beef"


def leaks(stack: Stack) -> list[str]:
    """Where a secret stands in plain text."""
    known = stack.describe()
    secrets = {
        "the canary key": CANARY_KEY,
        "the local user's key": str(known["openrouter_key"]),
        "the local user's token": str(known["token"]),
        "the local user's link": str(known["sign_in_url"]).partition("key=")[2].partition("&")[0],
        **{f"the key of {name}": str(key) for name, key in known["provider_keys"].items()},
    }
    return [f"{name} in {place}" for place, text in _left_behind(stack) for name, s in secrets.items() if s in text]


def _left_behind(stack: Stack) -> Iterator[tuple[str, str]]:
    yield from _logs(stack)
    yield from _rows(stack)
    yield from _objects(stack)


def _logs(stack: Stack) -> Iterator[tuple[str, str]]:
    for log in stack.logs.rglob("*"):
        if log.is_file():
            yield f"log {log.name}", log.read_text(errors="replace")


def _rows(stack: Stack) -> Iterator[tuple[str, str]]:
    pages = stack.aws.dynamodb.get_paginator("scan").paginate(TableName=stack.template.scope.ref("Table"))
    for page in pages:
        for item in page["Items"]:
            long = item.get("document", {}).get("B")
            text = unpack(bytes(long)) if long else ""
            yield f"row {item['pk']} {item['sk']}", f"{item} {text}"


def _objects(stack: Stack) -> Iterator[tuple[str, str]]:
    for bucket in ("UploadsBucket", "OutputsBucket"):
        name = stack.template.scope.ref(bucket)
        for found in stack.aws.s3.list_objects_v2(Bucket=name).get("Contents", []):
            stored = stack.aws.s3.get_object(Bucket=name, Key=found["Key"])
            with stored["Body"] as body:
                yield f"object {found['Key']}", f"{stored['Metadata']} {body.read().decode('latin-1')}"


def refusals(logs: Path) -> list[str]:
    """What functions' policies did not allow."""
    lines = (line for log in logs.glob("*.log") for line in log.read_text(errors="replace").splitlines())
    return sorted({line for line in lines if REFUSED in line})
