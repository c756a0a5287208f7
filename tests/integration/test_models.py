"""The list of models and the calculator over the running stack: free of charge, and read by everybody alike."""

from typing import Any

import pytest

from tests.integration.users import GENERATIONS, KLEIN, People, User

GPT = "openai/gpt-image-2"
FLASH = "google/gemini-3-flash-preview"


@pytest.fixture(scope="module")
def user(people: People) -> User:
    """Without a key: looking costs nothing."""
    return people.new("reader", connected=False)


def _found(user: User, path: str = "/v1/models", **query: Any) -> Any:
    answer = user.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_says_what_there_is_and_how_old_that_is(user: User) -> None:
    body = _found(user)
    rows = {row["id"]: row for row in body["data"]}
    assert (body["object"], body["stale"], body["total"]) == ("list", False, len(rows))
    assert body["age_seconds"] >= 0
    assert rows[KLEIN]["estimates"]["generate"]["micro_usd"] == 14_000
    assert rows[KLEIN]["recommended"]


def test_a_model_by_its_id_with_its_slash(user: User) -> None:
    for written in (KLEIN, KLEIN.replace("/", "%2F")):
        assert _found(user, f"/v1/models/{written}")["id"] == KLEIN
    assert user.get("/v1/models/nobody/nothing").status_code == 404


def test_models_side_by_side(user: User) -> None:
    body = _found(user, "/v1/models/compare", ids=f"{GPT},{KLEIN}")
    assert [row["id"] for row in body["data"]] == [GPT, KLEIN]
    assert body["cheapest"]["generate"] == KLEIN


def test_the_cheapest_that_can_do_it(user: User) -> None:
    body = _found(user, recommend="cheapest", background="transparent", output_format="png", max_price="0.03")
    assert body["recommendation"]["id"] == "openai/gpt-image-1-mini"


def test_what_is_estimated_is_what_is_then_set_aside_and_paid(people: People) -> None:
    payer = people.new("payer")
    body = {"prompt": "A red fox", "model": KLEIN}
    estimate = payer.post("/v1/estimates", body).json()
    assert payer.charges() == []
    cost = payer.post(GENERATIONS, body).json()["cost"]
    assert cost["estimated_usd"] == estimate["total"]["usd"]
    assert payer.charges() == [estimate["total"]["micro_usd"]]


def test_a_month_is_a_sum(user: User) -> None:
    items = [{"model": FLASH, "prompt_tokens": 2000, "completion_tokens": 1000, "times": 100}]
    assert user.post("/v1/estimates", {"items": items}).json()["total"]["usd"] == 0.4


def test_what_was_made_here_is_measured(people: People) -> None:
    """By whomever: figures are the stack's, and say nothing of whose the pictures are."""
    maker = people.new("maker")
    maker.until(maker.order()["id"], "succeeded")
    row = _found(people.new("onlooker", connected=False), f"/v1/models/{KLEIN}")
    assert row["measured"]["runs"] >= 1
    assert row["measured"]["median_seconds"] > 0
    assert maker.name not in str(row)
