"""Bodies as clients really write them, on every route that takes one, in one process.

What only sockets and the gateway can show of it is `tests/integration/test_requests_as_sent.py`.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from darkroom.http.routes.account import routes as account_routes
from darkroom.http.routes.conversations import routes as chat_routes
from darkroom.http.routes.edits import routes as edit_routes
from darkroom.http.routes.generations import routes as generate_routes
from darkroom.http.routes.jobs import routes as jobs_routes
from tests.application import KLEIN, PLANNER, Studio
from tests.events import Context, http_event
from tests.openapi import check
from tests.photos import load, photo, save
from tests.unit.images.test_containers import EXACT, NEAR, case

PICTURE = save(photo("chelsea").resize((60, 40)), "PNG")
ASYNC = {"prefer": "respond-async"}
BEGIN = "/v1/conversations"
MULTIPART = "multipart/form-data; boundary=BB"

Answer = tuple[int, dict[str, Any]]
Send = Callable[..., Answer]

# Method, route, whether it takes forms, and the fields that it needs, as texts.
ROUTES: dict[str, tuple[str, str, bool, dict[str, str]]] = {
    "generations": ("POST", "/v1/images/generations", True, {"prompt": "Un café", "model": KLEIN}),
    "messages": ("POST", f"{BEGIN}/CONVERSATION/messages", True, {"content": "wärmer"}),
    "branch": ("POST", f"{BEGIN}/CONVERSATION/branch", True, {"version": "v1"}),
    "conversations": ("POST", BEGIN, True, {"title": "Café"}),
    "recipe": ("PUT", "/v1/recipes/formed", True, {"steps": '[{"op": "sepia"}]'}),
    "uploads": ("POST", "/v1/uploads", True, {"media_type": "image/png"}),
    "tokens": ("POST", "/v1/tokens", True, {"name": "Café"}),
    "settings": ("PATCH", "/v1/settings", True, {"warn_at_percent": "80"}),
    "chat": ("POST", "/v1/chat/completions", False, {"model": PLANNER}),
}
FORMED = [name for name, route in ROUTES.items() if route[2]]


@pytest.fixture
def send(studio: Studio) -> Send:
    apis = (
        generate_routes(studio.app),
        edit_routes(studio.app),
        chat_routes(studio.app),
        jobs_routes(studio.app),
        account_routes(studio.app),
    )
    token = studio.token("alice")

    def ask(method: str, path: str, body: Any, content_type: str | None = None, **more: Any) -> Answer:
        event = http_event(method, path, token=token, body=body, content_type=content_type, headers=ASYNC, **more)
        for api in apis:
            answer = api.handle(event, Context())  # type: ignore[arg-type]
            found = json.loads(answer["body"])
            if found.get("code") != "NOT_FOUND" or "route" not in found["detail"]:
                check(event, answer)
                return answer["statusCode"], found
        raise AssertionError(f"no function has {method} {path}")

    return ask


def _sent(
    send: Send, name: str, body: Callable[[dict[str, str]], Any], content_type: str | None, **more: Any
) -> Answer:
    method, path, _, fields = ROUTES[name]
    if "CONVERSATION" in path:
        begun = send("POST", BEGIN, PICTURE, "image/png")[1]
        path = path.replace("CONVERSATION", begun["id"])
    return send(method, path, body(fields), content_type, **more)


def _json(fields: dict[str, str]) -> str:
    given: dict[str, Any] = {name: json.loads(each) if each[0] in "[8" else each for name, each in fields.items()}
    if "prompt" not in given and given.get("model") == PLANNER:
        given["messages"] = [{"role": "user", "content": "Un café"}]
    return json.dumps(given, ensure_ascii=False)


def _form(
    fields: dict[str, str], *, end: bytes = b"\r\n", charset: str = "", before: bytes = b"", last: bytes = b"--BB--"
) -> bytes:
    kind = f"{end.decode()}Content-Type: text/plain; charset={charset}" if charset else ""
    parts = [
        f'--BB{end.decode()}Content-Disposition: form-data; name="{name}"{kind}{end.decode() * 2}'.encode()
        + value.encode(charset or "utf-8")
        + end
        for name, value in fields.items()
    ]
    return before + b"".join(parts) + last


FORMS: dict[str, Callable[[dict[str, str]], bytes]] = {
    "as the standard says": _form,
    "with a preamble": lambda fields: _form(fields, before=b"This is a form.\r\n"),
    "with bare line feeds": lambda fields: _form(fields, end=b"\n"),
    "without its end": lambda fields: _form(fields, last=b""),
    "in latin-1": lambda fields: _form(fields, charset="iso-8859-1"),
    "with an untouched input": lambda fields: (
        _form(fields, last=b"")
        + b'--BB\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
        + b"Content-Type: application/octet-stream\r\n\r\n\r\n--BB--\r\n"
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FORMED)
def test_a_form_is_read_by_every_route_that_takes_one(send: Send, name: str, form: str) -> None:
    status, answer = _sent(send, name, FORMS[form], MULTIPART, query={"api-version": "2026-01-01"})
    assert status in (200, 201, 202), answer


@pytest.mark.parametrize("name", ROUTES)
def test_json_is_read_by_every_route_whatever_it_is_called(send: Send, name: str) -> None:
    def marked(fields: dict[str, str]) -> bytes:
        return ("\ufeff" + _json(fields)).encode()

    for kind in ("application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", None):
        for body in (_json, marked):
            status, answer = _sent(send, name, body, kind)
            assert status in (200, 201, 202), (kind, answer)


@pytest.mark.parametrize("name", ROUTES)
def test_json_that_is_not_unicode_is_refused_before_anything_is_spent(send: Send, studio: Studio, name: str) -> None:
    def body(fields: dict[str, str]) -> bytes:
        return (_json(fields)[:-1] + ', "user": "café"}').encode("latin-1")

    for kind in ("application/json", "text/plain", None):
        status, answer = _sent(send, name, body, kind)
        assert (status, answer["code"], answer["charged"]) == (400, "INVALID_PARAMETER", False)
        assert "UTF-8" in answer["detail"]
    assert studio.paid_requests() == []
    assert studio.of("alice") == {}


NOTHING = [None, "", "null", "undefined"]
OPTIONAL = {
    "generations": ("model", "size", "quality", "background", "output_format", "response_format", "n", "seed",
                    "max_cost_usd", "provider", "fallback_models", "webhook_url", "user", "stream", "partial_images"),
    "chat": ("provider", "models", "fallback_models", "max_cost_usd", "max_tokens", "n", "webhook_url", "stream"),
    "messages": ("model", "image"),
    "branch": ("model",),
}  # fmt: skip


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("name", OPTIONAL)
def test_fields_that_say_nothing_are_absent(send: Send, studio: Studio, name: str, nothing: str | None) -> None:
    def body(fields: dict[str, str]) -> str:
        return json.dumps({**dict.fromkeys(OPTIONAL[name], nothing), **json.loads(_json(fields))})

    status, answer = _sent(send, name, body, "application/json")
    assert status in (200, 202), answer
    if name == "generations":
        (job,) = studio.of("alice").values()
        assert job.work is not None
        assert job.work.request is not None
        assert (job.work.request.n, job.work.request.seed, job.work.request.quality) == (1, None, None)


@pytest.mark.parametrize("word", ["null", "undefined"])
@pytest.mark.parametrize(("name", "field"), [("generations", "prompt"), ("messages", "content")])
def test_a_word_is_a_word_where_words_are_taken(send: Send, studio: Studio, name: str, field: str, word: str) -> None:
    status, _ = _sent(send, name, lambda fields: {**fields, field: word}, None)
    assert status == 202
    assert any(word in json.dumps(job.input) for job in studio.of("alice").values())


def test_a_message_may_be_a_list_of_texts(send: Send, studio: Studio) -> None:
    parts = [{"type": "text", "text": "Warmer,"}, {"type": "text", "text": "and mirrored"}]
    status, _ = _sent(send, "messages", lambda _: {"content": parts}, None)
    assert status == 202
    (turn,) = (job for job in studio.of("alice").values() if job.op == "turn")
    assert turn.input["content"] == "Warmer,\nand mirrored"
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    status, answer = _sent(send, "messages", lambda _: {"content": [*parts, picture]}, None)
    assert (status, answer["param"], answer["charged"]) == (400, "content", False)


@pytest.mark.parametrize("most", [-1, 7])
def test_a_chat_without_a_limit_has_ours(send: Send, studio: Studio, most: int) -> None:
    status, _ = _sent(send, "chat", lambda fields: {**json.loads(_json(fields)), "max_tokens": most}, None)
    assert status == 202
    (job,) = studio.of("alice").values()
    assert job.input["max_completion_tokens"] == (4096 if most == -1 else most)


@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_a_conversation_goes_on_from_every_picture_that_opens(send: Send, studio: Studio, name: str) -> None:
    """It begins with it, is talked about, and branches."""
    body = b'--BB\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + case(name) + b"\r\n--BB--"
    status, begun = send("POST", BEGIN, body, MULTIPART)
    assert status == 201, begun
    status, job = send("POST", f"{BEGIN}/{begun['id']}/messages", {"content": "make it warmer"})
    assert status == 202, job
    studio.carry_out()
    conversation = studio.app.conversations.find("alice", begun["id"])
    assert (conversation.current, len(conversation.versions)) == ("v2", 2)
    assert load(studio.images.outputs[conversation.versions[1].image.key].data).size == (192, 256)
    status, branched = send("POST", f"{BEGIN}/{begun['id']}/branch", {"version": "v1"})
    assert (status, branched["current"]) == (200, "v1")
