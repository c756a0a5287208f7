"""Plain chat, as Alice asks for it."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import CallerError
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.completion_body import CompletionBody
from darkroom.models.job import Job
from darkroom.services.paid.admission import Submission
from tests.application import Studio

TALKER = "google/gemini-2.5-flash"
SMALL_TALKER = "openai/gpt-4o-mini"
BLIND = "openai/gpt-oss-20b"
FREE = "google/gemma-4-31b-it:free"
PAINTER = "google/gemini-2.5-flash-image"
DEFAULT = f"nobody/gone, {TALKER}"
TERMS = Terms(route="POST /v1/chat/completions")


def asked(text: str = "Hello", **fields: Any) -> CompletionBody:
    given = {"messages": [{"role": "user", "content": text}], "model": TALKER, **fields}
    return CompletionBody(**{name: value for name, value in given.items() if value is not None})


def submit(studio: Studio, body: CompletionBody, *, user: str = "alice", terms: Terms = TERMS) -> Submission:
    return studio.app.complete.submit(Caller(user=user), body, terms)


def done(studio: Studio, body: CompletionBody) -> Job:
    """The job, carried out."""
    job = submit(studio, body).job
    studio.carry_out()
    return studio.job("alice", job.id)


def look(url: str | None = None, text: str = "What is it?") -> list[dict[str, Any]]:
    """A message with a picture."""
    part = {"type": "image_url", "image_url": {"url": data_url() if url is None else url}}
    return [{"role": "user", "content": [{"type": "text", "text": text}, part]}]


def data_url(size: tuple[int, int] = (64, 48)) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def tool(name: str = "get_weather", **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": "Current weather", "parameters": schema}}


def sent_body(studio: Studio) -> dict[str, Any]:
    (row,) = studio.paid_requests()
    body: dict[str, Any] = row["body"]
    return body


def refused(studio: Studio, body: CompletionBody) -> CallerError:
    with pytest.raises(CallerError) as raised:
        submit(studio, body)
    assert not studio.jobs.jobs
    assert not studio.images.outputs
    assert studio.paid_requests() == []
    return raised.value
