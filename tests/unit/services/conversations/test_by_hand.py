"""Versions made by hand: by steps that somebody chose, without a planner and for nothing."""

from typing import Any

import pytest

from darkroom.models.job import JobStatus
from tests.application import Studio
from tests.unit.operations.test_set_alpha import LEFT, url
from tests.unit.services.conversations.test_forecasts import Site
from tests.unit.services.talking import PICTURE, USER, Talk, operations

BRIGHT = {"op": "brightness", "amount": 20}
FLIP = {"op": "flip"}
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def made(studio: Studio, talk: Talk, *steps: dict[str, Any], **body: Any) -> dict[str, Any]:
    status, view = Site(studio).post(f"{talk.id}/versions", {"steps": steps, **body})
    assert status == 200, view
    return view


def test_steps_make_a_version_at_no_cost_without_a_planner_or_a_message(studio: Studio, talk: Talk) -> None:
    view = made(studio, talk, BRIGHT, FLIP)
    assert (view["version"]["id"], view["version"]["parent"], view["version"]["message"]) == ("v2", "v1", None)
    assert (view["cost"]["charged"], view["cost_usd"], view["total_usd"]) == (False, 0, 0)
    assert (view["reply"], talk.posts(), talk.now.messages) == ("Done: brighter (20 %), mirror.", [], ())
    assert talk.now.current == "v2"
    assert talk.bytes_of(talk.shown) == studio.app.render.apply(USER, PICTURE, _parsed(BRIGHT, FLIP)).data


def _parsed(*steps: dict[str, Any]) -> Any:
    from darkroom.operations import parse

    return parse(steps)


def test_an_older_version_is_branched_from_and_everything_is_done_from_the_first_picture(
    studio: Studio, talk: Talk
) -> None:
    made(studio, talk, BRIGHT)
    made(studio, talk, FLIP)
    view = made(studio, talk, FLIP, base="v2")
    assert [(each.id, each.parent) for each in talk.now.versions] == [
        ("v1", None),
        ("v2", "v1"),
        ("v3", "v2"),
        ("v4", "v2"),
    ]
    assert talk.now.versions[3].image.sha256 == talk.now.versions[2].image.sha256
    assert view["warnings"] == []


def test_an_erased_part_comes_back_in_a_later_version(studio: Studio, talk: Talk) -> None:
    """Its colors are the first picture's, for the steps of versions are done together."""
    mask = {"op": "set_alpha", "mask": url(LEFT)}
    made(studio, talk, {**mask, "mode": "erase"})
    made(studio, talk, {**mask, "mode": "restore"})
    from tests.photos import load

    assert load(talk.bytes_of(talk.shown)).convert("RGB").tobytes() == load(PICTURE).convert("RGB").tobytes()


def test_undo_the_recipe_and_the_planner_know_of_it(studio: Studio, talk: Talk) -> None:
    made(studio, talk, BRIGHT)
    (step,) = studio.app.conversations.recipe(talk.now)
    assert step.operation is not None
    assert step.operation["amount"] == 20
    talk.plans(operations(FLIP))
    turn = talk.say("mirror it")
    work = talk.part(turn, "plan").work
    assert work is not None
    assert work.chat is not None
    assert "Done to it so far: brightness" in work.chat.messages[0].text
    assert studio.app.conversations.undo(USER, talk.id).current == "v2"


def test_what_changes_nothing_makes_no_version(studio: Studio, talk: Talk) -> None:
    view = made(studio, talk, {"op": "brightness", "amount": 0})
    assert (view["version"], talk.now.current) == (None, "v1")
    assert view["reply"].startswith("Nothing was changed.")


def test_what_needs_the_subject_is_done_by_the_image_function_and_taken_once(studio: Studio, talk: Talk) -> None:
    status, job = Site(studio).post(f"{talk.id}/versions", {"steps": [{"op": "background_blur"}]}, **ASYNC)
    assert (status, job["object"], len(talk.now.versions)) == (202, "job", 1)
    talk.run()
    done = studio.job(USER, job["id"])
    assert (done.status, done.cost.charged, done.result["version"]) == (JobStatus.SUCCEEDED, False, "v2")
    studio.app.turns.advance(USER, job["id"])
    assert (len(talk.now.versions), talk.now.versions[1].job) == (2, job["id"])


def test_the_same_key_is_one_version_and_another_request_under_it_is_refused(studio: Studio, talk: Talk) -> None:
    site, key = Site(studio), {"Idempotency-Key": "chip-1"}
    first, again = (site.post(f"{talk.id}/versions", {"steps": [BRIGHT]}, **key)[1] for _ in range(2))
    assert first["job"]["id"] == again["job"]["id"]
    assert len(talk.now.versions) == 2
    status, problem = site.post(f"{talk.id}/versions", {"steps": [FLIP]}, **key)
    assert (status, problem["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "steps"),
        ({"steps": []}, 400, "steps"),
        ({"steps": [FLIP] * 21}, 400, "steps"),
        ({"steps": [{"op": "melt"}]}, 400, "steps[0].operation.op"),
        ({"steps": [FLIP, {"op": "brightness", "amount": 900}]}, 400, "steps[1].operation.amount"),
        ({"steps": [{"paint": {"prompt": "a fox"}}]}, 400, "steps[0]"),
        ({"steps": [{"op": "set_alpha", "mask": "data:image/png;base64," + "A" * 16_000}] * 2}, 400, "steps"),
        ({"steps": [FLIP], "base": "v7"}, 404, "base"),
        ({"steps": [FLIP], "sorcery": 1}, 400, "sorcery"),
        ({"steps": [{"op": "set_alpha", "mask": "upl_none"}]}, 404, None),
    ],
)
def test_what_cannot_be_done_is_refused_and_makes_nothing(
    studio: Studio, talk: Talk, body: dict[str, Any], status: int, param: str | None
) -> None:
    got, problem = Site(studio).post(f"{talk.id}/versions", body)
    assert (got, problem["charged"]) == (status, False), problem
    assert param is None or problem["param"] == param
    assert len(talk.now.versions) == 1


def test_without_a_picture_there_is_nothing_to_begin_with(studio: Studio) -> None:
    talk = Talk(studio).begin(picture=None)
    status, problem = Site(studio).post(f"{talk.id}/versions", {"steps": [FLIP]})
    assert (status, problem["param"]) == (400, "base")


def test_the_pictures_of_versions_made_by_hand_go_with_their_conversation(studio: Studio, talk: Talk) -> None:
    made(studio, talk, BRIGHT)
    key = talk.shown.key
    assert key in studio.images.outputs
    studio.app.conversations.remove(USER, talk.id)
    assert key not in studio.images.outputs
