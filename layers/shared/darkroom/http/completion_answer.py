"""A completion that was paid for, as it goes out: read again, whole, and linked where it is too long for the way."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import PayloadTooLarge
from darkroom.http.app import see_other
from darkroom.http.transport import require_sendable
from darkroom.models.completion_body import CompletionBody
from darkroom.models.door import Door
from darkroom.models.job import Job
from darkroom.ports import ImageStore
from darkroom.services.jobs.jobs import long_answer_key

# Far more than any model writes.
_MOST_BYTES = 64_000_000


def wants_pictures(app: Application, body: CompletionBody) -> bool:
    """Whether the answer is to hold pictures: it says so, or says nothing and names a model that makes pictures."""
    modalities = {each.lower() for each in body.modalities or ()}
    return "image" in modalities or (
        not modalities and body.named is not None and app.chat_models.makes_pictures(body.named)
    )


def sent_or_linked(images: ImageStore, job: Job, answer: Response[Any], door: Door) -> Response[Any]:
    """The answer, or the way to it where the door could not carry it; HTTP clients follow that by themselves."""
    try:
        require_sendable(answer, door)
    except PayloadTooLarge:
        kind, key = str(answer.content_type), long_answer_key(job)
        images.write_output(key, str(answer.body).encode(), media_type=kind, metadata={"job": job.id})
        return see_other(images.link_output(key), {})
    return answer


def complete_fields(completion: Mapping[str, Any]) -> dict[str, Any]:
    """A completion with every field that a schema of OpenAI's or OpenRouter's requires, whichever provider it is from.

    `system_fingerprint` is required by OpenRouter's and no null in OpenAI's, so an unknown one is the empty text.
    """
    choices = [
        {
            "logprobs": None,
            **choice,
            "index": choice.get("index", number),
            "message": {"content": None, "refusal": None, **_object(choice.get("message")), "role": "assistant"},
        }
        for number, choice in enumerate(_objects(completion.get("choices")))
    ]
    given = {name: value for name, value in completion.items() if value is not None}
    return {"system_fingerprint": "", **given, "object": "chat.completion", "choices": choices}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def completion_of(images: ImageStore, job: Job) -> dict[str, Any]:
    """As the provider sent it."""
    text = job.result.get("completion_text")
    found: dict[str, Any] = json.loads(
        images.read_output(str(job.result["completion"]), max_bytes=_MOST_BYTES) if text is None else text
    )
    return found
