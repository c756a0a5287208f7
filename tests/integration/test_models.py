"""The list of models and the calculator over the running stack: free of charge, and read by everybody alike."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from darkroom.adapters.clock import utc_now
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.services.accounts.tokens import Tokens
from local.functions import FunctionPool
from local.simulator import Simulator
from local.stack import Stack
from local.worker import environment_of
from tests.events import http_event
from tests.integration.users import GENERATIONS, KLEIN, People, User, eventually

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


class TestNobodyToAsk:
    """The function alone, in processes of its own, with a table and an OpenRouter that nobody else uses."""

    @pytest.fixture
    def shop(self, stack: Stack, tmp_path: Path) -> Iterator["Shop"]:
        dynamodb, table = stack.aws.dynamodb, "models-without-anybody-to-ask"
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        _, token = Tokens(DynamoTokenStore(table, dynamodb), utc_now).create(user="reader")
        yield Shop(stack, table, token, tmp_path)
        dynamodb.delete_table(TableName=table)

    def test_the_list_is_served_from_memory_and_from_the_table_and_says_how_old_it_is(self, shop: "Shop") -> None:
        upstream = Simulator()
        with ExitStack() as open_until_the_end:
            with upstream:
                url = upstream.url
                running = open_until_the_end.enter_context(closing(shop.container(url)))
                # On a busy machine the list may be old by the time that it has come.
                known = eventually(lambda: shop.models(running), lambda body: not body["stale"])
            assert (known["stale"], known["total"]) == (False, len(known["data"]))
            with pytest.raises(httpx.ConnectError):
                httpx.get(url, trust_env=False)
            old = eventually(lambda: shop.models(running), _is_old)
            fresh = open_until_the_end.enter_context(closing(shop.container(url)))
            new = shop.models(fresh)
            estimate = shop.ask(fresh, "POST", "/v1/estimates", {"model": KLEIN})
        for body in (old, new):
            assert (body["stale"], body["as_of"]) == (True, known["as_of"])
            assert body["age_seconds"] >= FRESH_SECONDS
            assert body["data"] == [{**row, "stale": True} for row in known["data"]]
        assert estimate["total"]["micro_usd"] == 14_000, "prices of less than a day ago still count"


# Long enough for a busy machine to look at what is fresh.
FRESH_SECONDS = 10


def _is_old(body: dict[str, Any]) -> bool:
    """Whether the list is stale and each of its rows; a row grows old by the time of its own prices."""
    return bool(body["stale"]) and all(row["stale"] for row in body["data"])


@dataclass(frozen=True)
class Shop:
    stack: Stack
    table: str
    token: str
    logs: Path

    def container(self, upstream: str) -> FunctionPool:
        function = self.stack.template.functions["ModelsFunction"]
        own = {
            "DARKROOM_TABLE": self.table,
            "DARKROOM_OPENROUTER_URL": upstream,
            "DARKROOM_OPENROUTER_MAX_RETRIES": "0",
            "DARKROOM_CATALOGUE_SECONDS": str(FRESH_SECONDS),
        }
        environment = environment_of(function, endpoint_url=self.stack.emulator.url, overrides={})
        # Its policies name the stack's table, and this is another.
        return FunctionPool(replace(function, rights=""), {**environment, **own}, self.logs, cap=1)

    def models(self, container: FunctionPool) -> Any:
        return self.ask(container, "GET", "/v1/models")

    def ask(self, container: FunctionPool, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        outcome = container.call(http_event(method, path, token=self.token, body=body))
        assert not outcome.is_error, outcome.summary
        assert outcome.value["statusCode"] == 200, outcome.value
        return json.loads(outcome.value["body"])
