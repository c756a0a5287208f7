"""Azure's paths: a deployment is a model, and what comes of a request is what comes of it at `/v1`, paid once."""

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from darkroom.http.routes import completions
from tests.application import KLEIN, Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.unit.services.completing import SMALL_TALKER, TALKER, data_url

WORDS = {"messages": [{"role": "user", "content": "Hello there"}]}


@pytest.fixture
def studio(studio: Studio) -> Studio:
    studio.job_queue.works = studio.app.worker
    return studio


def post(studio: Studio, path: str, body: Any, key: str | None = None) -> tuple[int, Any]:
    event = http_event(
        "POST",
        f"/openai/{path}",
        headers={"api-key": studio.token("alice") if key is None else key},
        query={"api-version": "2025-04-01-preview"},
        body=body,
    )
    event["routeKey"] = event["requestContext"]["routeKey"] = "POST /openai/{proxy+}"
    answer = handled(completions.routes(studio.app).handle, event, Context())
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("written", [TALKER, TALKER.replace("/", "%2F")])
def test_a_chat_by_its_deployment(studio: Studio, written: str) -> None:
    status, body = post(studio, f"deployments/{written}/chat/completions", {**WORDS, "model": SMALL_TALKER})
    assert status == 200
    assert "Hello there" in body["choices"][0]["message"]["content"]
    assert body["darkroom"]["model_requested"] == TALKER
    assert len(studio.charged("alice")) == 1


def test_a_picture_and_an_edit(studio: Studio) -> None:
    fields = {"prompt": "A fox", "response_format": "b64_json"}
    status, body = post(studio, f"deployments/{KLEIN}/images/generations", fields)
    assert status == 200
    picture = body["data"][0]["b64_json"]
    assert Image.open(io.BytesIO(base64.b64decode(picture))).size == (1024, 1024)
    status, body = post(studio, f"deployments/{KLEIN}/images/edits", {**fields, "image": data_url((96, 64))})
    assert (status, body["model_used"], len(body["data"])) == (200, KLEIN, 1)
    assert len(studio.charged("alice")) == 2


@pytest.mark.parametrize("path", ["responses", "v1/responses", f"deployments/{TALKER}/responses"])
def test_a_response(studio: Studio, path: str) -> None:
    status, body = post(studio, path, {"model": TALKER, "input": "Hello there"})
    assert (status, body["object"], len(studio.charged("alice"))) == (200, "response", 1)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"deployments/{TALKER}/embeddings", 404, "NO_SUCH_ROUTE"),
        (f"deployments/{TALKER}/audio/speech", 404, "NO_SUCH_ROUTE"),
        (f"deployments/{TALKER}", 404, "NO_SUCH_ROUTE"),
        ("nothing", 404, "NO_SUCH_ROUTE"),
        ("deployments//chat/completions", 400, "INVALID_PARAMETER"),
        ("deployments/nobody-knows/chat/completions", 400, "UNSUPPORTED_MODEL"),
    ],
)
def test_what_is_not_there(studio: Studio, path: str, status: int, code: str) -> None:
    got, body = post(studio, path, WORDS)
    assert (got, body["code"], body["error"]["code"], body["charged"]) == (status, code, code, False)
    assert body["fix"]
    assert studio.charged("alice") == []


def test_only_with_a_token(studio: Studio) -> None:
    status, body = post(studio, f"deployments/{TALKER}/chat/completions", WORDS, key="dk_none")
    assert (status, body["code"]) == (401, "INVALID_TOKEN")
    assert studio.charged("alice") == []
