"""`/v1/conversations`, with every service as it is; the planner is the simulator's."""

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from darkroom.http.routes.conversations import picture_response, routes
from darkroom.models.conversation import Step
from darkroom.models.job import StoredImage
from darkroom.services.conversations.versions import Cost, Turn
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.photos import load, photo, save

ROOT = "/v1/conversations"
PICTURE = save(photo("chelsea").resize((60, 40)), "PNG")
B64 = base64.b64encode(PICTURE).decode()

Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Chat:
    """The function, called by its users."""

    studio: Studio

    def __post_init__(self) -> None:
        self.conversations = self.studio.app.conversations
        self.turns = self.studio.app.turns
        self.api = routes(self.studio.app)
        self.tokens = {user: self.studio.token(user) for user in ("alice", "bob")}

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str = "alice",
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Answer:
        event = http_event(method, path, token=self.tokens[by], headers=headers, query=query, body=body)
        answer = handled(self.api.handle, event, Context())
        said = {name.lower(): value for name, value in answer["headers"].items()}
        if said["content-type"].startswith("image/"):
            return answer["statusCode"], {"data": base64.b64decode(answer["body"])}, said
        return answer["statusCode"], json.loads(answer["body"]), said

    def begin(self, **fields: Any) -> str:
        status, body, _ = self("POST", ROOT, {"image_b64": B64, **fields})
        assert status == 201, body
        return str(body["id"])

    def edit(self, conversation_id: str, number: int = 1) -> None:
        """A turn that inverts the picture, as its end adds it."""
        current = self.conversations.find("alice", conversation_id).current
        data = save(photo("chelsea").resize((60, 40)).point(lambda value: 255 - value), "PNG")
        image = StoredImage(
            key=f"outputs/alice/job_{number}/0.png",
            media_type="image/png",
            width=60,
            height=40,
            bytes=len(data),
            sha256="ab",
        )
        self.studio.images.write_output(image.key, data, media_type="image/png", metadata={})
        self.conversations.append(
            "alice",
            conversation_id,
            Turn(
                id=f"job_{number}",
                user_text="Invert it",
                reply="Done.",
                plan={"actions": []},
                base=current,
                image=image,
                steps=(Step(operation={"op": "invert"}),),
                cost=Cost(700),
            ),
        )


@pytest.fixture
def chat(studio: Studio) -> Chat:
    return Chat(studio)


# ── Beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_conversation_begins_with_a_picture(chat: Chat) -> None:
    status, body, headers = chat("POST", ROOT, {"image_b64": B64, "title": "The cat"})
    assert (status, body["object"], body["title"], body["current"]) == (201, "conversation", "The cat", "v1")
    assert headers["location"] == f"{ROOT}/{body['id']}"
    [version] = body["versions"]
    assert (
        version["image"]["url"]
        == body["url"]
        == f"https://outputs.example/inputs/alice/{version['image']['sha256']}.png"
    )
    assert (version["image"]["width"], version["image"]["height"], version["steps"]) == (60, 40, [])
    assert "key" not in version["image"]
    assert (body["messages"], body["total_usd"], body["can_undo"], body["can_redo"]) == ([], 0, False, False)
    assert chat("GET", f"{ROOT}/{body['id']}")[1] == body


@pytest.mark.parametrize("body", [None, {}, {"title": "A fox"}, {"image_url": None}])
def test_a_conversation_may_begin_with_no_picture(chat: Chat, body: Any) -> None:
    status, shown, _ = chat("POST", ROOT, body)
    assert (status, shown["versions"], shown["current"], shown["url"]) == (201, [], None, None)


def test_a_picture_may_come_as_a_file_or_from_a_job(chat: Chat) -> None:
    form = b"".join(
        (
            b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + PICTURE + b"\r\n",
            b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA file\r\n--b--\r\n',
        )
    )
    event = http_event(
        "POST", ROOT, token=chat.tokens["alice"], body=form, content_type="multipart/form-data; boundary=b"
    )
    answer = handled(chat.api.handle, event, Context())
    assert answer["statusCode"] == 201
    assert json.loads(answer["body"])["title"] == "A file"
    assert chat("POST", ROOT, {"job_id": "job_nobody"})[0] == 404


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"image": [f"data:image/png;base64,{B64}"] * 2}, "image[1]"),
        ({"image_b64": B64, "mask": f"data:image/png;base64,{B64}"}, "mask"),
        ({"image_b64": B64, "prompt": "A hat"}, "prompt"),
        ({"image_b64": B64, "title": "x" * 81}, "title"),
        ({"image_b64": B64, "title": 7}, "title"),
        ({"image_b64": "!"}, "image_b64"),
    ],
)
def test_what_does_not_begin_one_is_refused(chat: Chat, fields: dict[str, Any], param: str) -> None:
    status, body, _ = chat("POST", ROOT, fields)
    assert (status, body["code"], body["param"]) == (400, "INVALID_PARAMETER", param)
    assert chat("GET", ROOT)[1]["data"] == []


@pytest.mark.parametrize("kind", ["image/png", "image/*", "Image/JPEG; q=1", "application/octet-stream"])
def test_a_picture_that_is_announced_and_does_not_come_begins_none(chat: Chat, kind: str) -> None:
    status, body, _ = chat("POST", ROOT, b"", headers={"content-type": kind})
    assert (status, body["code"]) == (400, "EMPTY_IMAGE")
    assert chat("GET", ROOT)[1]["data"] == []


@pytest.mark.parametrize("kind", ["", "application/json", "application/problem+json"])
def test_an_empty_body_that_announces_no_picture_begins_one_without(chat: Chat, kind: str) -> None:
    assert chat("POST", ROOT, b"", headers={"content-type": kind} if kind else None)[0] == 201


KINDS = {
    "audio/mpeg": b"ID3\x04" + bytes(60),
    "video/mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(60),
    "application/pdf": b"%PDF-1.7\n" + bytes(60),
    "image/svg+xml": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "text/plain": b"A cat",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_picture_begins_none_whatever_it_is_called(chat: Chat, studio: Studio, kind: str) -> None:
    """As it is, under a picture's label, in JSON, and as an upload."""
    data, upload = KINDS[kind], "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ"
    studio.images.drop(f"uploads/alice/{upload}", data)
    for body, headers in (
        (data, {"content-type": kind}),
        (b"", {"content-type": kind}),
        (data, {"content-type": "image/png"}),
        ({"image_b64": base64.b64encode(data).decode()}, None),
        ({"image": f"data:{kind};base64,{base64.b64encode(data).decode()}"}, None),
        ({"upload_id": upload}, None),
    ):
        status, answer, _ = chat("POST", ROOT, body, headers=headers)
        is_empty_picture = body == b"" and kind.startswith("image/")
        assert (status, answer["code"]) == (400, "EMPTY_IMAGE") if is_empty_picture else (415, "UNSUPPORTED_MEDIA_TYPE")
    assert chat("GET", ROOT)[1]["data"] == []


def test_an_upload_may_be_named_as_openai_names_it(chat: Chat, studio: Studio) -> None:
    upload = "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ"
    studio.images.drop(f"uploads/alice/{upload}", PICTURE)
    assert chat("POST", ROOT, {"file_id": upload})[1]["current"] == "v1"
    for wrong in ("file-abc123", "upl_01HYYYYYYYYYYYYYYYYYYYYYYY"):
        status, body, _ = chat("POST", ROOT, {"file_id": wrong})
        assert (status, body["param"]) == (404 if wrong.startswith("upl_") else 400, "file_id")
    assert len(chat("GET", ROOT)[1]["data"]) == 1


def test_conversations_are_listed_in_pages(chat: Chat, studio: Studio) -> None:
    made: list[str] = []
    for _ in range(3):
        made.insert(0, chat.begin())
        studio.clock.step(timedelta(seconds=1))
    _, first, _ = chat("GET", ROOT, query={"limit": "2"})
    _, rest, _ = chat("GET", ROOT, query={"limit": "2", "cursor": first["next_cursor"]})
    assert [each["id"] for each in (*first["data"], *rest["data"])] == made
    assert rest["next_cursor"] is None
    assert "messages" not in first["data"][0]
    assert chat("GET", ROOT, query={"limit": "0"})[0] == 400


def test_another_user_finds_nothing(chat: Chat) -> None:
    one = f"{ROOT}/{chat.begin()}"
    for method, path, body, query in (
        ("GET", one, None, None),
        ("DELETE", one, None, None),
        ("POST", f"{one}/messages", {"content": "warmer"}, None),
        ("POST", f"{one}/undo", None, None),
        ("POST", f"{one}/redo", None, None),
        ("POST", f"{one}/branch", {"version": "v1"}, None),
        ("GET", f"{one}/versions/v1", None, None),
        ("GET", f"{one}/compare", None, {"a": "v1", "b": "v1"}),
        ("GET", f"{one}/recipe", None, None),
    ):
        status, answer, _ = chat(method, path, body, by="bob", query=query)
        assert (status, answer["code"]) == (404, "NOT_FOUND"), path
    assert chat("GET", ROOT, by="bob")[1]["data"] == []
    assert chat("GET", one)[0] == 200


def test_a_conversation_is_removed(chat: Chat) -> None:
    one = f"{ROOT}/{chat.begin()}"
    assert chat("DELETE", one)[1]["deleted"] is True
    assert chat("GET", one)[0] == chat("DELETE", one)[0] == 404


# ── Talking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_becomes_a_version(chat: Chat, studio: Studio) -> None:
    conversation_id = chat.begin()
    headers = {"prefer": "respond-async", "idempotency-key": "k"}

    def say() -> Answer:
        return chat("POST", f"{ROOT}/{conversation_id}/messages", {"content": "wärmer"}, headers=headers)

    status, job, told = say()
    assert (status, told["location"]) == (202, f"/v1/jobs/{job['id']}")
    studio.carry_out()
    status, turn, told = say()
    assert (status, told["idempotent-replayed"]) == (200, "true")
    assert (turn["reply"], turn["type"]) == ("Gemacht: wärmer (20).", "technical")
    assert turn["plan"]["actions"][0]["operations"][0]["op"] == "color_temperature"
    assert (turn["version"]["id"], turn["version"]["parent"]) == ("v2", "v1")
    [cost] = studio.charged("alice")
    assert turn["cost_usd"] == turn["total_usd"] == turn["conversation"]["total_usd"] == cost / 1_000_000 > 0
    assert 0.7 * turn["cost_usd"] <= turn["estimated_usd"] <= 1.3 * turn["cost_usd"] < turn["reserved_usd"]
    assert turn["job"]["created_at"] <= turn["job"]["started_at"] <= turn["job"]["completed_at"]
    assert (turn["conversation"]["current"], turn["job"]["id"]) == ("v2", job["id"])
    key = turn["version"]["image"]["url"].removeprefix("https://outputs.example/")
    assert load(studio.images.outputs[key].data).size == (60, 40)
    _, shown, _ = chat("GET", f"{ROOT}/{conversation_id}")
    assert [(each["role"], each["content"], each["version"]) for each in shown["messages"]] == [
        ("user", "wärmer", None),
        ("assistant", "Gemacht: wärmer (20).", "v2"),
    ]
    assert (shown["title"], shown["messages"][1]["job"], shown["messages"][1]["cost_usd"]) == (
        "wärmer",
        job["id"],
        cost / 1_000_000,
    )


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "INVALID_PARAMETER", "content"),
        ({"content": "x", "user": "bob"}, "INVALID_PARAMETER", "user"),
        ({"content": ""}, "INVALID_PROMPT", "content"),
        ({"content": " \n"}, "INVALID_PROMPT", "content"),
        ({"content": "x" * 4001}, "INVALID_PROMPT", "content"),
        ({"content": [{"type": "text", "text": " "}]}, "INVALID_PROMPT", "content"),
    ],
)
def test_what_is_no_message_is_refused_before_anything_is_paid(
    chat: Chat, studio: Studio, body: dict[str, Any], code: str, param: str
) -> None:
    status, answer, _ = chat("POST", f"{ROOT}/{chat.begin()}/messages", body)
    assert (status, answer["code"], answer["param"], answer["charged"]) == (400, code, param, False)
    assert studio.paid_requests() == []


def test_a_message_takes_what_a_picture_takes(chat: Chat, studio: Studio) -> None:
    one = f"{ROOT}/{chat.begin()}"
    model = "anthropic/claude-haiku-4.5"
    body = {"content": "warmer", "model": model, "max_cost_usd": 0.08, "provider": "openrouter", "zdr": None}
    status, job, _ = chat("POST", f"{one}/messages", body, headers={"prefer": "respond-async"})
    assert status == 202
    studio.carry_out()
    assert studio.job("alice", f"{job['id']}-plan").model_used == model
    asked, answered = chat("GET", one)[1]["messages"]
    assert (asked["model_used"], answered["model_used"]) == (None, model)
    status, problem, _ = chat("POST", f"{one}/messages", {"content": "cooler", "max_cost_usd": "0.0001"})
    assert (status, problem["code"], problem["param"], problem["charged"]) == (
        402,
        "COST_LIMIT",
        "max_cost_usd",
        False,
    )
    assert problem["limit_usd"] == 0.0001 < problem["estimated_usd"] < problem["reserved_usd"]
    status, problem, _ = chat("POST", f"{one}/messages", {"content": "cooler", "provider": "nobody"})
    assert (status, problem["param"], len(studio.paid_requests())) == (400, "provider", 1)


# ── Versions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_going_back_and_forth_costs_nothing(chat: Chat, studio: Studio) -> None:
    conversation_id = chat.begin()
    chat.edit(conversation_id)
    one = f"{ROOT}/{conversation_id}"
    _, undone, _ = chat("POST", f"{one}/undo")
    assert (undone["current"], undone["undone"], undone["can_undo"], undone["can_redo"]) == ("v1", ["v2"], False, True)
    assert chat("POST", f"{one}/undo")[1]["code"] == "CONFLICT"
    assert chat("POST", f"{one}/redo")[1]["current"] == "v2"
    assert chat("POST", f"{one}/redo")[0] == 409
    assert chat("POST", f"{one}/branch", {"version": "v1"})[1]["current"] == "v1"
    assert chat("POST", f"{one}/branch", {"version": "v9"})[0] == 404
    assert chat("POST", f"{one}/branch", {})[1]["param"] == "version"
    assert chat("GET", one)[1]["total_usd"] == 0.0007
    assert studio.paid_requests() == []


def test_a_version_is_shown_or_is_the_picture_itself(chat: Chat) -> None:
    conversation_id = chat.begin()
    path = f"{ROOT}/{conversation_id}/versions/v1"
    assert chat("GET", path)[1]["image"]["media_type"] == "image/png"
    status, answer, headers = chat("GET", path, headers={"accept": "image/*"})
    assert (status, answer["data"], headers["content-type"]) == (200, PICTURE, "image/png")
    assert headers["content-disposition"] == f'inline; filename="{conversation_id}-v1.png"'
    assert chat("GET", f"{ROOT}/{conversation_id}/versions/v2")[0] == 404


def test_a_picture_that_is_gone_is_a_clear_answer(chat: Chat, studio: Studio) -> None:
    conversation_id = chat.begin()
    chat.edit(conversation_id)
    one = f"{ROOT}/{conversation_id}"
    (gone,) = [key for key in studio.images.outputs if key.startswith("outputs/")]
    studio.images.remove_outputs([gone])
    for method, path, body, query, headers in (
        ("GET", f"{one}/versions/v2", None, None, {"accept": "image/png"}),
        ("GET", f"{one}/compare", None, {"a": "v1", "b": "v2"}, None),
        ("POST", f"{one}/messages", {"content": "warmer"}, None, None),
    ):
        status, answer, _ = chat(method, path, body, query=query, headers=headers)
        assert (status, answer["code"], answer["version"]) == (410, "IMAGE_EXPIRED", "v2")
    assert studio.paid_requests() == []
    assert chat("POST", f"{one}/undo")[1]["current"] == "v1"


def test_two_versions_are_compared(chat: Chat, studio: Studio) -> None:
    conversation_id = chat.begin()
    chat.edit(conversation_id)
    path = f"{ROOT}/{conversation_id}/compare"
    _, same, _ = chat("GET", path, query={"a": "v1", "b": "v1"})
    _, other, _ = chat("GET", path, query={"a": "v1", "b": "v2"})
    assert same["similarity"] == 1.0 > 0.5 > other["similarity"]
    stored = studio.images.outputs[other["url"].removeprefix("https://outputs.example/")]
    _, picture, _ = chat("GET", path, query={"a": "v1", "b": "v2"}, headers={"accept": "image/png"})
    assert picture["data"] == stored.data
    assert load(stored.data).size == (128, 40)
    assert chat("GET", path, query={"a": "v1"})[1]["param"] == "b"


def test_a_picture_that_an_answer_cannot_hold_is_fetched_from_the_bucket() -> None:
    answer = picture_response(b"x" * 4_500_001, "image/png", "https://outputs.example/x", name="x")
    assert (answer.status_code, answer.headers["location"]) == (303, "https://outputs.example/x")
    assert picture_response(b"x" * 4_500_000, "image/png", "https://outputs.example/x", name="x").status_code == 200


def test_the_recipe_of_a_version_is_exported(chat: Chat) -> None:
    conversation_id = chat.begin()
    path = f"{ROOT}/{conversation_id}/recipe"
    assert chat("GET", path)[1]["code"] == "CONFLICT"
    chat.edit(conversation_id)
    _, recipe, _ = chat("GET", path)
    assert (recipe["object"], recipe["steps"]) == ("recipe", [{"operation": {"op": "invert"}}])
    assert chat("GET", path, query={"version": "v1"})[0] == 409
    assert chat("GET", path, query={"version": "v9"})[0] == 404


def test_recipes_and_plain_chat_are_there_too(chat: Chat) -> None:
    assert chat("GET", "/v1/recipes")[0] == 200
    assert chat("POST", "/v1/chat/completions", {"messages": []})[0] == 400
