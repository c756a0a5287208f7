"""MCP's door: what a tool costs is said first, and taken once; every result is true about money."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import jsonschema_rs
import pytest
from PIL import Image

from darkroom.errors import BudgetExceeded
from darkroom.http.doors import mcp
from darkroom.http.doors.mcp_wire import MOST_IN_A_BATCH
from darkroom.models.deadline import Deadline
from darkroom.models.user_settings import UserSettings
from tests.application import KLEIN, LIMITS, LONG, UNPRICED, Studio
from tests.events import Context, http_event
from tests.fakes.recipes import MemoryRenderQueue
from tests.openapi import handled
from tests.photos import photo, save

PHOTO = f"data:image/png;base64,{base64.b64encode(save(photo('chelsea').resize((96, 64)), 'PNG')).decode()}"
MODERN = "2026-07-28"
FOX = {"prompt": "A red fox", "model": KLEIN}


class PictureQueue(MemoryRenderQueue):
    """The image function, as prompt as can be, while `studio` is set."""

    studio: Studio | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        super().send(user, job_id, delay_seconds=delay_seconds)
        if self.studio is None:
            return
        app = self.studio.app
        if not app.turn_render.run(user, job_id) and not app.postponed.run(user, job_id, Deadline(LONG)):
            app.recipe_worker.run(user, job_id, Deadline(50))


@dataclass
class Door:
    studio: Studio
    token: str
    session: str = "one"
    version: str = "2025-06-18"
    requests: int = 0

    def send(self, body: Any, *, token: str | None = "", **headers: str) -> tuple[int, Any, dict[str, str]]:
        sent = {"mcp-protocol-version": self.version, "mcp-session-id": self.session, **headers}
        text = body if isinstance(body, bytes | str) else json.dumps(body)
        event = http_event(
            "POST",
            "/mcp",
            token=self.token if token == "" else token,
            headers={name.replace("_", "-"): value for name, value in sent.items() if value},
            body=text,
            content_type="application/json",
        )
        answer = handled(mcp.routes(self.studio.app).handle, event, Context())
        found = {name.lower(): value for name, value in answer["headers"].items()}
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None, found

    def ask(self, method: str, *, request_id: Any = None, **params: Any) -> Any:
        self.requests += 1
        asked = {"jsonrpc": "2.0", "id": self.requests if request_id is None else request_id, "method": method}
        status, body, _ = self.send({**asked, "params": params})
        assert (status, body["id"]) == (200, asked["id"]), body
        return body

    def call(self, tool: str, *, request_id: Any = None, **arguments: Any) -> dict[str, Any]:
        body = self.ask("tools/call", request_id=request_id, name=tool, arguments=arguments)
        result: dict[str, Any] = body["result"]
        jsonschema_rs.validate(self.schemas[tool], result["structuredContent"])
        return result

    @cached_property
    def schemas(self) -> dict[str, Any]:
        return {each["name"]: each["outputSchema"] for each in self.ask("tools/list")["result"]["tools"]}

    @property
    def charges(self) -> list[int]:
        return self.studio.charged("alice")


@pytest.fixture
def door(studio: Studio) -> Iterator[Door]:
    studio.render_queue = queue = PictureQueue()
    queue.studio = studio
    studio.job_queue.works = studio.app.worker
    # Pixels are most of what a picture takes, and change nothing here.
    studio.simulator.scenario("small_picture", side=64)
    yield Door(studio, studio.token("alice"))
    studio.job_queue.works = None


def told(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["structuredContent"]
    return found


def text(result: dict[str, Any]) -> str:
    return str(result["content"][0]["text"])


class TestMoney:
    def test_without_a_limit_the_price_is_told_and_nothing_is_done(self, door: Door) -> None:
        quoted = door.call("generate_image", **FOX)
        assert (told(quoted)["status"], told(quoted)["charged"], door.charges) == ("quoted", False, [])
        assert told(quoted)["estimated_usd"] == 0.014
        made = door.call("generate_image", **FOX, max_cost_usd=told(quoted)["max_cost_usd"])
        assert (told(made)["status"], told(made)["charged"], told(made)["cost_usd"]) == ("succeeded", True, 0.014)
        assert door.charges == [14_000]
        assert "$0.014" in text(made)

    def test_an_edit_and_a_message_are_quoted_too(self, door: Door) -> None:
        edit = told(door.call("edit_image", image=PHOTO, prompt="at night", model=KLEIN))
        first = told(door.call("edit_in_chat", image=PHOTO, message="warmer"))
        begun = told(door.call("edit_in_chat", image=PHOTO, message="warmer", max_cost_usd=0.1))
        assert begun["status"] == "succeeded", begun
        spent = len(door.charges)
        next_one = told(door.call("edit_in_chat", conversation_id=begun["conversation_id"], message="colder"))
        for each in (edit, first, next_one):
            assert (each["status"], each["charged"]) == ("quoted", False)
            assert each["max_cost_usd"] >= each["estimated_usd"] > 0
        assert len(door.charges) == spent

    def test_a_price_that_is_not_known_is_quoted_as_such(self, door: Door) -> None:
        quoted = told(door.call("generate_image", prompt="A fox", model=UNPRICED))
        assert (quoted["status"], quoted["estimated_usd"], quoted.get("max_cost_usd")) == ("quoted", None, None)
        assert door.charges == []

    def test_what_is_sent_again_is_one_charge(self, door: Door) -> None:
        first, second = (door.call("generate_image", request_id=7, **FOX, max_cost_usd=0.05) for _ in range(2))
        assert told(first)["job_id"] == told(second)["job_id"]
        assert door.charges == [14_000]

    def test_the_same_words_in_another_request_are_another_picture(self, door: Door) -> None:
        jobs = {told(door.call("generate_image", **FOX, max_cost_usd=0.05))["job_id"] for _ in range(2)}
        door.session = "another"
        jobs.add(told(door.call("generate_image", request_id=door.requests, **FOX, max_cost_usd=0.05))["job_id"])
        assert len(jobs) == 3
        assert door.charges == [14_000] * 3

    def test_a_conversation_is_begun_once_by_what_is_sent_again(self, door: Door) -> None:
        sent = {"image": PHOTO, "message": "warmer", "max_cost_usd": 0.1}
        first, second = (told(door.call("edit_in_chat", request_id="a", **sent)) for _ in range(2))
        assert first["conversation_id"] == second["conversation_id"]
        assert first["version"] != "v1"
        assert len(door.charges) == 1
        assert len(door.studio.app.conversations.page("alice")[0]) == 1

    def test_a_batch_that_paints_is_begun_once(self, door: Door) -> None:
        recipe = {"steps": [{"paint": {"prompt": "a fox", "model": KLEIN}}]}
        sent = {"recipe": recipe, "images": [PHOTO], "allow_paid": True, "max_cost_usd": 0.2}
        jobs = {told(door.call("apply_recipe", request_id=3, **sent))["job_id"] for _ in range(2)}
        assert len(jobs) == 1
        assert len(door.charges) == 1

    def test_an_idempotency_key_counts(self, door: Door) -> None:
        call = {"jsonrpc": "2.0", "method": "tools/call"}
        params = {"name": "generate_image", "arguments": {**FOX, "max_cost_usd": 0.05}}
        for request_id in (1, 2):
            door.send({**call, "id": request_id, "params": params}, idempotency_key="k-1")
        assert door.charges == [14_000]

    def test_a_wall_is_an_error_that_costs_nothing(self, door: Door) -> None:
        door.studio.settings.save("alice", UserSettings(limits=LIMITS.model_copy(update={"per_day": 0})))
        refused = door.call("generate_image", **FOX, max_cost_usd=0.05)
        assert (refused["isError"], told(refused)["charged"], told(refused)["code"]) == (
            True,
            False,
            BudgetExceeded.code,
        )
        assert "Nothing was charged." in text(refused)
        small = door.call("generate_image", **FOX, max_cost_usd=0.001)
        assert (small["isError"], told(small)["charged"], told(small)["code"]) == (True, False, "COST_LIMIT")
        chat = door.call("edit_in_chat", image=PHOTO, message="warmer", max_cost_usd=0.000001)
        assert (chat["isError"], told(chat)["charged"]) == (True, False)
        assert door.charges == []
        assert not door.studio.app.conversations.page("alice")[0]

    def test_what_a_provider_refuses_is_told(self, door: Door) -> None:
        door.studio.simulator.scenario("no_image", path="/images")
        refused = door.call("generate_image", **FOX, max_cost_usd=0.05)
        assert refused["isError"] is True
        assert told(refused)["charged"] is bool(door.charges)
        assert told(refused)["job_id"]

    def test_what_takes_long_is_not_ordered_twice(self, door: Door) -> None:
        door.studio.job_queue.works = None
        waiting = door.call("generate_image", **FOX, max_cost_usd=0.05)
        assert (waiting["isError"], told(waiting)["status"], told(waiting)["charged"]) == (False, "queued", False)
        assert told(waiting)["job_id"] in told(waiting)["next"]
        door.studio.carry_out()
        done = door.call("get_job", job_id=told(waiting)["job_id"])
        assert (told(done)["status"], told(done)["cost_usd"]) == ("succeeded", 0.014)
        assert door.charges == [14_000]

    def test_another_users_things_are_nobodys(self, door: Door) -> None:
        job = told(door.call("generate_image", **FOX, max_cost_usd=0.05))["job_id"]
        talk = told(door.call("edit_in_chat", image=PHOTO, message="warmer", max_cost_usd=0.1))["conversation_id"]
        door.studio.connect("bob")
        bob = Door(door.studio, door.studio.token("bob"))
        calls: list[tuple[str, dict[str, Any]]] = [
            ("get_job", {"job_id": job}),
            ("edit_image", {"image": job, "prompt": "bluer", "max_cost_usd": 0.05}),
            ("remove_background", {"image": f"{job}/0"}),
            ("edit_in_chat", {"conversation_id": talk, "message": "warmer"}),
            ("edit_in_chat", {"conversation_id": talk, "message": "warmer", "max_cost_usd": 0.1}),
        ]
        for tool, arguments in calls:
            refused = bob.call(tool, **arguments)
            assert (refused["isError"], told(refused)["code"], told(refused)["charged"]) == (True, "NOT_FOUND", False)
        assert told(bob.call("list_images"))["data"] == []
        assert door.studio.charged("bob") == []


class TestTools:
    def test_a_picture_comes_with_a_preview_and_a_link(self, door: Door) -> None:
        made = door.call("generate_image", **FOX, max_cost_usd=0.05)
        kinds = [each["type"] for each in made["content"]]
        assert kinds == ["text", "image", "resource_link"]
        preview = Image.open(io.BytesIO(base64.b64decode(made["content"][1]["data"])))
        assert (preview.size, made["content"][1]["mimeType"]) == ((64, 64), "image/webp")
        (image,) = told(made)["images"]
        assert made["content"][2]["uri"] == image["url"]
        assert (image["width"], image["height"], image["image"]) == (64, 64, f"{told(made)['job_id']}/0")

    def test_an_older_client_gets_no_links_that_it_does_not_know(self, door: Door) -> None:
        door.version = "2025-03-26"
        made = door.call("generate_image", **FOX, max_cost_usd=0.05)
        assert [each["type"] for each in made["content"]] == ["text", "image"]
        assert told(made)["images"][0]["url"] in text(made)

    def test_what_was_made_is_worked_on(self, door: Door) -> None:
        job = told(door.call("generate_image", **FOX, max_cost_usd=0.05))["job_id"]
        edited = told(door.call("edit_image", image=job, prompt="at night", model=KLEIN, max_cost_usd=0.05))
        cut = door.call("remove_background", image=f"{edited['job_id']}/0", crop=True)
        assert (told(cut)["status"], told(cut)["charged"], told(cut)["cost_usd"]) == ("succeeded", False, 0)
        assert [each["type"] for each in cut["content"]] == ["text", "image", "resource_link"]
        baked = told(
            door.call("apply_recipe", recipe={"steps": [{"op": "sepia"}]}, images=[told(cut)["job_id"], PHOTO])
        )
        assert (baked["status"], baked["image_count"], baked["charged"]) == ("succeeded", 2, False)
        listed = told(door.call("list_images", limit=2))
        assert [each["job_id"] for each in listed["data"]] == [baked["job_id"], told(cut)["job_id"]]
        older = told(door.call("list_images", cursor=listed["next_cursor"], search="fox"))
        assert job in [each["job_id"] for each in older["data"]]
        assert len(door.charges) == 2

    def test_a_conversation_goes_on(self, door: Door) -> None:
        first = told(door.call("edit_in_chat", image=PHOTO, message="warmer", max_cost_usd=0.1))
        again = told(
            door.call(
                "edit_in_chat",
                conversation_id=first["conversation_id"],
                message="crop it to a square",
                max_cost_usd=0.1,
            )
        )
        assert again["conversation_id"] == first["conversation_id"]
        assert again["version"] != first["version"]
        assert again["reply"]
        both = door.call("edit_in_chat", conversation_id=first["conversation_id"], image=PHOTO, message="warmer")
        assert (told(both)["code"], told(both)["param"]) == ("INVALID_PARAMETER", "image")

    def test_models_and_costs(self, door: Door) -> None:
        rows = told(door.call("list_models", task="generate", sort="price", limit=3))
        assert (len(rows["data"]), rows["total"] > 3) == (3, True)
        assert {tuple(each["estimated_usd"]) for each in rows["data"]} == {("generate",)}
        assert "u2net" in {each["id"] for each in told(door.call("list_models", task="remove"))["data"]}
        found = told(door.call("estimate_cost", task="generate", model=KLEIN, n=2, times=10))
        assert found["total"]["usd"] == pytest.approx(0.28)
        assert told(door.call("estimate_cost", task="remove"))["total"]["usd"] == 0
        assert door.charges == []

    def test_an_upload(self, door: Door) -> None:
        form = told(door.call("upload_url", media_type="image/png"))
        assert form["upload_id"].startswith("upl_")
        assert form["fields"]

    @pytest.mark.parametrize(
        ("tool", "arguments", "param"),
        [
            ("generate_image", {}, "prompt"),
            ("generate_image", {"prompt": "A fox", "n": 40}, "n"),
            ("generate_image", {"prompt": "A fox", "promt": "x"}, "promt"),
            ("edit_image", {"image": "nothing", "prompt": "warmer"}, "image[0]"),
            ("remove_background", {"image": PHOTO, "background": "nocolor"}, "background"),
            ("get_job", {"job_id": "job_1", "wait_seconds": -1}, "wait_seconds"),
            ("upload_url", {"media_type": "text/html"}, "media_type"),
        ],
    )
    def test_what_is_wrong_is_told_to_the_model(
        self, door: Door, tool: str, arguments: dict[str, Any], param: str
    ) -> None:
        refused = door.call(tool, **arguments)
        assert (refused["isError"], told(refused)["charged"], told(refused)["param"]) == (True, False, param)

    def test_every_tool_says_what_it_takes_and_answers(self, door: Door) -> None:
        tools = door.ask("tools/list")["result"]["tools"]
        assert [each["name"] for each in tools] == [
            *("generate_image", "edit_image", "remove_background", "edit_in_chat", "apply_recipe"),
            *("list_models", "estimate_cost", "get_job", "list_images", "upload_url"),
        ]
        for each in tools:
            for schema in (each["inputSchema"], each["outputSchema"]):
                jsonschema_rs.meta.validate(schema)
                assert schema["type"] == "object"
            assert {"anyOf", "oneOf", "allOf"}.isdisjoint(each["inputSchema"])
            assert '"null"' not in json.dumps(each["inputSchema"])


class TestWire:
    @pytest.mark.parametrize(
        ("wanted", "given"),
        [("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"), ("2099-01-01", "2025-11-25")],
    )
    def test_a_version_is_agreed_on(self, door: Door, wanted: str, given: str) -> None:
        hello = {"protocolVersion": wanted, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
        status, found, headers = door.send(body, mcp_protocol_version="", mcp_session_id="")
        assert (status, found["result"]["protocolVersion"]) == (200, given)
        assert found["result"]["capabilities"] == {"tools": {"listChanged": False}}
        assert headers["mcp-session-id"]

    def test_the_version_without_a_handshake(self, door: Door) -> None:
        door.version, door.session = MODERN, ""
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }

        def asked(method: str, *, meta: Any = meta, **params: Any) -> dict[str, Any]:
            return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}

        status, body, _ = door.send(asked("server/discover"), mcp_method="server/discover")
        assert (status, body["result"]["supportedVersions"], body["result"]["resultType"]) == (
            200,
            [MODERN],
            "complete",
        )
        call = asked("tools/call", name="list_models", arguments={})
        assert door.send(call, mcp_method="tools/call", mcp_name="list_models")[0] == 200
        encoded = f"=?base64?{base64.b64encode(b'list_models').decode()}?="
        assert door.send(call, mcp_method="tools/call", mcp_name=encoded)[0] == 200
        wrong = [
            door.send(call, mcp_method="tools/call", mcp_name="get_job"),
            door.send(call, mcp_method="tools/list", mcp_name="list_models"),
            door.send(call, mcp_protocol_version="2025-06-18"),
            door.send(asked("tools/list", meta={}), mcp_method="tools/list"),
            door.send(asked("ping"), mcp_method="ping"),
        ]
        assert [(status, body.get("error", {}).get("code")) for status, body, _ in wrong] == [
            (400, -32020),
            (400, -32020),
            (200, None),
            (400, -32602),
            (404, -32601),
        ]

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ("{bad", 400, -32700),
            ("7", 400, -32600),
            ("[]", 400, -32600),
            (json.dumps([{"jsonrpc": "2.0", "id": 1, "method": "ping"}] * (MOST_IN_A_BATCH + 1)), 400, -32600),
            ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": null, "method": "ping"}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": true, "method": "ping"}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": 1, "method": 5}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": 1, "method": "prompts/list"}', 200, -32601),
            ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "sing"}}', 200, -32602),
            ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}', 200, -32602),
            (
                '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_job", "arguments": 1}}',
                200,
                -32602,
            ),
        ],
    )
    def test_what_is_no_request(self, door: Door, body: str, status: int, code: int) -> None:
        found_status, found, _ = door.send(body)
        assert (found_status, found["error"]["code"]) == (status, code)

    def test_a_batch_is_answered_one_by_one(self, door: Door) -> None:
        calls = [
            {"jsonrpc": "2.0", "id": "a", "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {
                "jsonrpc": "2.0",
                "id": "b",
                "method": "tools/call",
                "params": {"name": "generate_image", "arguments": {**FOX, "max_cost_usd": 0.05}},
            },
            {"jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": {"name": "get_job", "arguments": {}}},
        ]
        status, body, _ = door.send(calls)
        assert (status, [each["id"] for each in body]) == (200, ["a", "b", "c"])
        assert (body[1]["result"]["isError"], body[2]["result"]["isError"]) == (False, True)
        assert body[2]["result"]["structuredContent"]["charged"] is False
        assert door.charges == [14_000]

    @pytest.mark.parametrize(
        "message",
        [
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
            {"jsonrpc": "2.0", "id": 1, "result": {}},
        ],
    )
    def test_what_wants_no_answer_gets_none(self, door: Door, message: dict[str, Any]) -> None:
        assert door.send(message)[:2] == (202, None)
        assert door.send([message])[:2] == (202, None)

    def test_a_version_that_is_not_known(self, door: Door) -> None:
        status, body, _ = door.send({"jsonrpc": "2.0", "id": 4, "method": "ping"}, mcp_protocol_version="1999-01-01")
        assert (status, body["id"], body["error"]["code"]) == (400, 4, -32022)
        assert MODERN in body["error"]["data"]["supported"]

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("http://evil.example", 403),
            ("null", 403),
            ("https://127.0.0.1", 200),
            ("http://localhost:6274", 200),
            ("", 200),
        ],
    )
    def test_pages_of_other_sites_are_refused(self, door: Door, origin: str, status: int) -> None:
        assert door.send({"jsonrpc": "2.0", "id": 1, "method": "ping"}, origin=origin)[0] == status

    def test_nobody_gets_in_without_a_token(self, door: Door) -> None:
        status, body, headers = door.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, token=None)
        assert (status, body["error"]["data"]["code"]) == (401, "UNAUTHENTICATED")
        assert headers["www-authenticate"].startswith("Bearer")

    def test_the_mark_is_forgotten_after_a_minute(self, door: Door) -> None:
        door.call("generate_image", request_id=1, **FOX, max_cost_usd=0.05)
        door.studio.clock.step(timedelta(minutes=2))
        door.call("generate_image", request_id=1, **FOX, max_cost_usd=0.05)
        assert door.charges == [14_000] * 2
