"""What a message would cost: before a planner is asked, and with its plan in a dry run. Nothing is done by either."""

import json
from typing import Any

import pytest

from darkroom.application.outlasting import OutlastingApplication
from darkroom.errors import NotFound
from darkroom.http.routes.conversations import routes
from darkroom.models.job import JobStatus, TurnChoices
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.unit.services.conversations.test_painting import choose
from tests.unit.services.conversations.test_turns_in_place import inline
from tests.unit.services.talking import USER, Talk, assert_books_agree, operations, paint

DRY = TurnChoices(dry_run=True)
SQUARE = {"op": "crop", "ratio": "1:1"}


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


class Site:
    """The routes, where turns are carried out by the process that is asked."""

    def __init__(self, studio: Studio) -> None:
        app = OutlastingApplication(studio.deployment, studio, inline)
        self._handle, self._token = routes(app).handle, studio.token(USER)

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        event = http_event("POST", f"/v1/conversations/{path}", token=self._token, body=body, headers=headers)
        answer = handled(self._handle, event, Context())
        return answer["statusCode"], json.loads(answer["body"])


def estimated(studio: Studio, talk: Talk, **body: Any) -> dict[str, Any]:
    status, found = Site(studio).post(f"{talk.id}/messages/estimate", body)
    assert status == 200, found
    return found


# ── Before a planner is asked ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_estimate_is_what_the_message_is_then_estimated_at_and_costs_nothing(studio: Studio, talk: Talk) -> None:
    found = estimated(studio, talk, content="make it a watercolour painting")
    assert (talk.posts(), studio.charged(USER), talk.now.messages) == ([], [], ())
    assert (found["allowed"], found["refused_by"], found["charged"]) == (True, None, False)
    turn = talk.say("make it a watercolour painting")
    planned, painted = talk.part(turn, "plan").cost, talk.part(turn, "paint0").cost
    assert round(found["plan"]["estimated_usd"] * 1e6) == planned.estimated
    assert round(found["reserve"] * 1e6) == round(found["plan"]["reserved_usd"] * 1e6) == planned.reserved
    assert round(found["paint"]["estimated_usd"] * 1e6) == painted.estimated
    assert found["plan"]["model"] == talk.part(turn, "plan").model_requested
    assert found["paint"]["model"] == talk.part(turn, "paint0").model_requested


def test_an_estimate_needs_no_words(studio: Studio, talk: Talk) -> None:
    status, found = Site(studio).post(f"{talk.id}/messages/estimate")
    assert (status, found["object"], found["allowed"]) == (200, "conversation.estimate", True)


@pytest.mark.parametrize("limit", ["day", "month", "conversation"])
def test_the_budget_that_is_used_up_is_named(studio: Studio, talk: Talk, limit: str) -> None:
    choose(studio, limits={f"per_{limit}": 10})
    found = estimated(studio, talk, content="warmer")
    assert (found["allowed"], found["refused_by"]["limit"]) == (False, limit)
    assert found["refused_by"]["code"] == "BUDGET_EXCEEDED"
    assert found["refused_by"]["limit_usd"] == pytest.approx(0.00001)
    assert found["plan"]["estimated_usd"] > 0


def test_the_limit_of_one_request_is_named_and_of_painting_alone_where_only_that_passes_it(
    studio: Studio, talk: Talk
) -> None:
    whole = estimated(studio, talk, content="warmer")
    both = whole["plan"]["estimated_usd"] + whole["paint"]["estimated_usd"]
    choose(studio, limits={"per_request": round(both * 1e6) - 100})
    found = estimated(studio, talk, content="warmer")
    assert found["allowed"] is True
    assert (found["paint"]["allowed"], found["paint"]["refused_by"]["limit"]) == (False, "max_cost_per_request")
    choose(studio, limits={"per_request": 1})
    assert estimated(studio, talk, content="warmer")["refused_by"]["limit"] == "max_cost_per_request"


def test_what_the_message_says_that_it_may_cost_is_a_limit(studio: Studio, talk: Talk) -> None:
    found = estimated(studio, talk, content="warmer", max_cost_usd=0.000001)
    assert (found["allowed"], found["refused_by"]["limit"]) == (False, "max_cost_usd")


def test_without_a_key_the_price_is_told_and_that_nobody_would_pay(studio: Studio) -> None:
    talk = Talk(studio).begin()
    studio.app.keys.disconnect(USER, "openrouter")
    found = estimated(studio, talk, content="warmer")
    assert (found["allowed"], found["refused_by"]["limit"], found["refused_by"]["code"]) == (
        False,
        "key",
        "INVALID_API_KEY",
    )
    assert found["plan"]["estimated_usd"] > 0


def test_painting_that_is_switched_off_is_not_estimated(studio: Studio, talk: Talk) -> None:
    choose(studio, enable_image_generation=False)
    assert estimated(studio, talk, content="make it a watercolour painting")["paint"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"content": "x", "base": "v9"}, 404, "NOT_FOUND"),
        ({"content": " "}, 400, "INVALID_PROMPT"),
        ({"content": "x", "model": "no/such-model"}, 400, "UNSUPPORTED_MODEL"),
        ({"content": "x", "sorcery": 1}, 400, "INVALID_PARAMETER"),
    ],
)
def test_what_the_message_would_be_refused_for_its_estimate_is(
    studio: Studio, talk: Talk, body: dict[str, Any], status: int, code: str
) -> None:
    got, problem = Site(studio).post(f"{talk.id}/messages/estimate", body)
    assert (got, problem["code"], problem["charged"]) == (status, code, False)


# ── With the plan ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dry_run_tells_the_plan_in_words_and_does_none_of_it(studio: Studio, talk: Talk) -> None:
    body = {"content": "make it warmer, and crop it square", "dry_run": True}
    status, view = Site(studio).post(f"{talk.id}/messages", body)
    assert (status, view["dry_run"], view["paints"], view["allowed"]) == (200, True, False, True)
    assert "refused_by" not in view
    assert view["steps"] == ["warmer (20)", "square (1:1)"]
    assert view["reply"] == "Nothing was changed. This would be done: warmer (20), square (1:1)."
    assert [each["kind"] for each in view["plan"]["actions"]] == ["operations"]
    # The planner was asked, and what it took is told, and counted.
    assert (view["cost"]["charged"], talk.posts()) == (True, ["chat"])
    assert sum(studio.charged(USER)) == round(view["cost_usd"] * 1e6) > 0
    assert [version.id for version in talk.now.versions] == ["v1"]
    assert talk.now.current == "v1"
    assert_books_agree(talk, *[job for job in studio.of(USER).values() if job.turn])


def test_a_dry_run_that_would_paint_says_what_that_costs_and_paints_nothing(studio: Studio, talk: Talk) -> None:
    turn = talk.say("make it a watercolour painting", choices=DRY)
    dry = turn.result["dry_run"]
    assert (dry["paints"], dry["steps"], dry["allowed"], talk.posts()) == (True, ["painted"], True, ["chat"])
    done = talk.say("make it a watercolour painting")
    costs = [job.cost for job in talk.parts(done).values()]
    assert round(dry["estimated_usd"] * 1e6) == (turn.cost.estimated or 0) + (costs[1].estimated or 0)
    assert talk.posts() == ["chat", "chat", "images"]
    assert_books_agree(talk, turn, done)


def test_the_message_after_a_dry_run_has_its_plan_from_the_planners_memory(studio: Studio, talk: Talk) -> None:
    """Planners are told nothing of a dry run, so that the same question is answered from the provider's cache."""
    dry = talk.say("make it warmer", choices=DRY)
    done = talk.say("make it warmer")
    asked = [talk.part(turn, "plan").work for turn in (dry, done)]
    assert asked[0] is not None
    assert asked[1] is not None
    assert asked[0].chat == asked[1].chat
    assert (dry.cost.charged, done.cost.actual, done.cost.charged) == (True, 0, False)
    assert [message.dry_run for message in talk.now.messages] == [True, True, False, False]


def test_a_dry_run_names_the_limit_that_forbids_its_painting(studio: Studio, talk: Talk) -> None:
    found = estimated(studio, talk, content="make it a watercolour painting")
    choose(studio, limits={"per_request": round(found["paint"]["estimated_usd"] * 1e6)})
    dry = talk.say("make it a watercolour painting", choices=DRY).result["dry_run"]
    assert (dry["allowed"], dry["refused_by"]["limit"]) == (False, "max_cost_per_request")
    choose(studio, limits={"per_day": round(found["paint"]["reserved_usd"] * 1e6)})
    dry = Talk(studio).begin().say("make it a watercolour painting", choices=DRY).result["dry_run"]
    assert (dry["allowed"], dry["refused_by"]["limit"]) == (False, "day")


def test_a_dry_run_neither_undoes(talk: Talk) -> None:
    talk.say("make it warmer")
    turn = talk.say("undo that", choices=DRY)
    assert (turn.status, turn.result["dry_run"]["steps"]) == (JobStatus.SUCCEEDED, ["undo"])
    assert talk.now.current == "v2"


def test_a_dry_run_sent_twice_is_one_charge(studio: Studio, talk: Talk) -> None:
    site, body = Site(studio), {"content": "make it warmer", "dry_run": True}
    key = {"Idempotency-Key": "dry-1"}
    first, again = (site.post(f"{talk.id}/messages", body, **key)[1] for _ in range(2))
    assert first["job"]["id"] == again["job"]["id"]
    assert len(studio.charged(USER)) == 1
    status, problem = site.post(f"{talk.id}/messages", {**body, "dry_run": False}, **key)
    assert (status, problem["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


# ── From an older version ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_about_an_older_version_branches_from_it(talk: Talk) -> None:
    talk.plans(operations({"op": "color_temperature", "temperature": 20}))
    talk.say("warmer")
    talk.plans(operations(SQUARE))
    turn = talk.say("square", choices=TurnChoices(base="v1"))
    assert [(version.id, version.parent) for version in talk.now.versions] == [("v1", None), ("v2", "v1"), ("v3", "v1")]
    assert (talk.now.current, turn.result["version"]) == ("v3", "v3")
    assert not [each for each in turn.warnings if "went on" in each]
    request = talk.part(turn, "plan").work
    assert request is not None
    assert request.chat is not None
    assert "Done to it so far: nothing" in request.chat.messages[0].text


def test_painting_from_an_older_version_begins_with_its_picture(talk: Talk) -> None:
    talk.plans(operations(SQUARE))
    talk.say("square")
    talk.plans(paint("a fox"))
    turn = talk.say("a fox", choices=TurnChoices(base="v1"))
    work = talk.part(turn, "paint0").work
    assert work is not None
    assert [image.sha256 for image in work.inputs] == [talk.now.versions[0].image.sha256]


def test_a_base_that_is_none_is_refused_before_anything_is_asked(talk: Talk) -> None:
    with pytest.raises(NotFound) as refused:
        talk.submit("warmer", choices=TurnChoices(base="v7"))
    assert (refused.value.param, talk.posts()) == ("base", [])
