"""`X-OpenRouter-Cache`: what is identical, for how long, and what it costs."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.simulator.requests import PAINTER, charged, chat, events, image

KEEP = {"X-OpenRouter-Cache": "true", "X-OpenRouter-Cache-TTL": "60"}


def _ask(api: httpx.Client, headers: dict[str, str] | None = None, **given: Any) -> httpx.Response:
    answer = api.post("/chat/completions", json=chat(**given), headers=KEEP if headers is None else headers)
    assert answer.status_code == 200
    return answer


def _status(answer: httpx.Response) -> str | None:
    status: str | None = answer.headers.get("x-openrouter-cache-status")
    return status


def test_an_identical_request_is_free_and_has_an_id_of_its_own(api: httpx.Client, simulator: Simulator) -> None:
    first, second = _ask(api), _ask(api)
    assert [_status(first), _status(second)] == ["MISS", "HIT"]
    assert first.json()["choices"] == second.json()["choices"]
    assert (first.json()["usage"]["cost"] > 0, second.json()["usage"]["cost"]) == (True, 0)
    assert first.json()["id"] != second.json()["id"] == second.headers["x-generation-id"]
    assert len(charged(simulator)) == 1


def test_it_is_kept_for_its_time(api: httpx.Client, simulator: Simulator, clock: SteppingClock) -> None:
    _ask(api)
    clock.step(timedelta(seconds=59))
    known = _ask(api)
    assert (_status(known), known.headers["x-openrouter-cache-ttl"]) == ("HIT", "1")
    clock.step(timedelta(seconds=1))
    assert _status(_ask(api)) == "MISS"
    assert len(charged(simulator)) == 2


@pytest.mark.parametrize(
    "headers", [{}, {"X-OpenRouter-Cache": "false"}, {"X-OpenRouter-Cache": "hit"}, {"X-OpenRouter-Cache-TTL": "60"}]
)
def test_who_does_not_ask_for_it_pays(headers: dict[str, str], api: httpx.Client, simulator: Simulator) -> None:
    answers = [_ask(api, headers) for _ in range(2)]
    assert [_status(answer) for answer in answers] == [None, None]
    assert len(charged(simulator)) == 2


def test_another_body_is_another_request(api: httpx.Client, simulator: Simulator) -> None:
    _ask(api)
    bodies: list[dict[str, Any]] = [{"text": "Make it cooler"}, {"temperature": 0}, {"stream": True}]
    assert [_status(_ask(api, **body)) for body in bodies] == ["MISS"] * 3
    again = [{**chat(), "model": chat()["model"]}, dict(reversed(chat().items()))]
    answers = [api.post("/chat/completions", json=body, headers=KEEP) for body in again]
    # The order of the fields makes another request, too.
    assert [_status(answer) for answer in answers] == ["HIT", "MISS"]


def test_another_key_has_answers_of_its_own(api: httpx.Client, simulator: Simulator) -> None:
    _ask(api)
    headers = {**KEEP, "authorization": f"Bearer {simulator.state.mint('other')}"}
    assert _status(_ask(api, headers)) == "MISS"


def test_a_stream_is_kept_as_well(api: httpx.Client, simulator: Simulator) -> None:
    costs = [list(events(_ask(api, stream=True)))[-1]["usage"]["cost"] for _ in range(2)]
    assert (costs[0] > 0, costs[1]) == (True, 0)
    assert len(charged(simulator)) == 1


def test_errors_are_not_kept_and_what_was_cut_off_is(api: httpx.Client, simulator: Simulator) -> None:
    simulator.scenario("choice_error", times=1)
    assert _ask(api).json()["choices"][0]["finish_reason"] == "error"
    simulator.scenario("cut_body", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        _ask(api)
    assert _status(_ask(api)) == "HIT"
    assert len(charged(simulator)) == 1


def test_pictures_by_themselves_are_never_kept(api: httpx.Client, simulator: Simulator) -> None:
    answers = [api.post("/images", json=image(), headers=KEEP) for _ in range(2)]
    assert [_status(answer) for answer in answers] == [None, None]
    assert len(charged(simulator)) == 2
    painted = [_ask(api, model=PAINTER, modalities=["image", "text"]) for _ in range(2)]
    assert [_status(answer) for answer in painted] == ["MISS", "HIT"]
