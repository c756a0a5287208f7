"""Keys over HTTP, against the simulator of OpenRouter; what is left behind is searched when the stack stops."""

import httpx
import pytest

from local.stack import Stack
from tests.integration.canary import CANARY_KEY, leaks
from tests.integration.conftest import simulator_of

ROUTE = "/v1/keys/openrouter"


@pytest.fixture
def answers(client: httpx.Client) -> list[str]:
    """Everything that the client is answered, headers and all."""
    heard: list[str] = []

    def listen(response: httpx.Response) -> None:
        response.read()
        heard.append(f"{response.headers} {response.text}")

    client.event_hooks["response"].append(listen)
    return heard


def test_a_key_is_kept_and_nothing_ever_says_it(stack: Stack, client: httpx.Client, answers: list[str]) -> None:
    before = stack.describe()["openrouter_key"]
    with simulator_of(stack) as simulator:
        minted = simulator.post("/_simulator/keys", json={"key": CANARY_KEY, "name": "canary", "limit": 3})
        assert minted.status_code < 300, minted.text
    try:
        connected = client.put(ROUTE, json={"key": CANARY_KEY})
        assert connected.status_code == 200, connected.text
        assert connected.json()["status"]["limit_remaining"] == 3_000_000
        (shown,) = client.get("/v1/keys").json()["data"]
        assert (shown["hint"], shown["owner"]) == ("beef", "user")
        # Every way to say it wrong, too: errors quote what they were given.
        client.put(ROUTE, json={"key": CANARY_KEY, "extra": CANARY_KEY})
        client.put(ROUTE, json={"key": [CANARY_KEY]})
        client.put(ROUTE, json=[CANARY_KEY])
        client.put(ROUTE, content=f'{{"key": "{CANARY_KEY}"', headers={"content-type": "application/json"})
        client.put(ROUTE, json={"key": CANARY_KEY + "x"})
        client.put(f"/v1/keys/{CANARY_KEY[:50]}", json={"key": CANARY_KEY})
        assert client.delete(ROUTE).status_code == 200
    finally:
        client.put(ROUTE, json={"key": before})
    assert not [answer for answer in answers if CANARY_KEY in answer]
    assert leaks(stack) == []


def test_the_search_finds_what_is_there_to_be_found(stack: Stack) -> None:
    place = {"Bucket": stack.template.scope.ref("OutputsBucket"), "Key": "outputs/local/planted.txt"}
    stack.aws.s3.put_object(**place, Body=CANARY_KEY.encode())
    assert leaks(stack) == ["the canary key in object outputs/local/planted.txt"]
    stack.aws.s3.delete_object(**place)


def test_a_key_that_openrouter_does_not_know_is_refused(client: httpx.Client) -> None:
    answer = client.put(ROUTE, json={"key": "sk-or-v1-" + "0" * 64})
    assert (answer.status_code, answer.json()["code"], answer.json()["charged"]) == (401, "INVALID_API_KEY", False)
    assert client.get("/v1/keys").json()["data"], "the one that was there stays"
