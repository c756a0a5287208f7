"""MCP's door: what a tool costs is said first, and taken once; every result is true about money."""

import base64
import io
import json
from typing import Any

import jsonschema_rs
import pytest
from PIL import Image

from darkroom.errors import BudgetExceeded
from darkroom.models.user_settings import UserSettings
from tests.application import KLEIN, LIMITS, UNPRICED
from tests.unit.http.doors.mcp_calls import FOX, PHOTO, Door, text, told


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
