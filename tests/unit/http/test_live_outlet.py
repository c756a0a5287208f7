"""What an answer of the live door is begun as, and what goes out until it is there."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from darkroom.errors import InvalidParameter
from darkroom.http.live_outlet import LiveOutlet
from darkroom.http.problems import problem_answer

EVENTS = {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": "data: [DONE]\n\n"}
PLAIN = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"a": 1}'}
REFUSED = problem_answer(InvalidParameter("No.", charged=True), "r")
SIGN = ": DARKROOM PROCESSING\n\n"

Acts = list[Callable[[LiveOutlet], object]]


def _gone_out(acts: Acts, answer: Mapping[str, Any], during: Acts = ()) -> tuple[Mapping[str, str], list[str]]:  # type: ignore[assignment]
    """Headers and pieces of an answer that is begun once all `acts` are done, and over after three pieces."""

    async def run() -> tuple[Mapping[str, str], list[str]]:
        loop = asyncio.get_running_loop()
        outlet, work = LiveOutlet(loop), loop.create_future()
        for act in acts:
            act(outlet)
        await asyncio.sleep(0)
        headers, pieces = outlet.begin(), []
        async for piece in outlet.pieces(work, 0.001):
            pieces.append(piece.decode())
            if len(pieces) == 3:
                for act in during:
                    act(outlet)
                loop.call_soon(work.set_result, dict(answer))
        return headers, pieces

    return asyncio.run(run())


def test_what_is_no_stream_is_begun_with_blanks() -> None:
    known: Acts = [lambda outlet: outlet.put({"ratelimit": "r"}), lambda outlet: outlet.open({"location": "/j"})]
    headers, pieces = _gone_out(known, PLAIN)
    assert headers == {"content-type": "application/json", "ratelimit": "r", "location": "/j"}
    assert pieces[:3] == [" "] * 3
    assert json.loads("".join(pieces)) == {"a": 1}


def test_a_stream_is_begun_with_comments() -> None:
    headers, pieces = _gone_out([LiveOutlet.expect, lambda outlet: outlet.open({"location": "/j"})], EVENTS)
    assert (headers["content-type"], headers["location"]) == ("text/event-stream", "/j")
    assert pieces[:3] == [SIGN] * 3
    assert "".join(pieces).removesuffix("data: [DONE]\n\n").replace(SIGN, "") == ""


def test_what_was_sent_goes_out_at_once_and_in_order() -> None:
    sent: Acts = [LiveOutlet.expect, lambda outlet: outlet.open({}), *(lambda o, n=n: o.send(n) for n in (b"1", b"2"))]
    _, pieces = _gone_out(sent, EVENTS, during=[lambda outlet: outlet.send(b"3")])
    assert "".join(pieces).replace(SIGN, "") == "123data: [DONE]\n\n"
    assert pieces[0] == "12"


def test_nothing_goes_out_before_the_headers_are_known() -> None:
    async def run() -> list[bool]:
        loop = asyncio.get_running_loop()
        outlet, work = LiveOutlet(loop), loop.create_future()
        outlet.expect()
        outlet.send(b"1")
        before = await outlet.until_news(work, 0.01)
        outlet.open({"location": "/j"})
        return [before, await outlet.until_news(work, None), outlet.has_events]

    assert asyncio.run(run()) == [False, True, True]


def test_an_error_is_an_event_with_openais_error_in_which_the_charge_stands() -> None:
    _, pieces = _gone_out([LiveOutlet.expect], REFUSED)
    *_, last = "".join(pieces).removesuffix("data: [DONE]\n\n").rstrip("\n").split("\n\n")
    told = json.loads(last.removeprefix("data: "))
    assert (told["type"], told["charged"], told["status"]) == ("error", True, 400)
    assert told["error"] == {
        "message": "No.",
        "type": "invalid_request_error",
        "param": None,
        "code": "INVALID_PARAMETER",
        "charged": True,
    }


def test_a_stream_that_ends_with_no_answer_yet_says_that_the_work_goes_on() -> None:
    _, pieces = _gone_out([LiveOutlet.expect], {**PLAIN, "statusCode": 202, "body": '{"object": "job"}'})
    told = json.loads(pieces[-1].split("\n\n")[0].removeprefix("data: "))
    assert told["error"]["code"] == "STILL_RUNNING"
    assert told["error"]["charged"] == "unknown"


def test_what_was_begun_as_json_does_not_become_a_stream() -> None:
    async def run() -> bool:
        outlet = LiveOutlet(asyncio.get_running_loop())
        outlet.begin()
        return outlet.expect()

    assert asyncio.run(run()) is False


@pytest.mark.parametrize("is_running", [True, False])
def test_for_a_client_that_is_gone_nothing_is_kept(is_running: bool) -> None:
    async def run() -> bool:
        loop = asyncio.get_running_loop()
        outlet = LiveOutlet(loop if is_running else asyncio.new_event_loop())
        if not is_running:
            outlet._loop.close()
        outlet.expect()
        outlet.open({})
        outlet.close()
        outlet.send(b"1")
        await asyncio.sleep(0)
        return outlet.has_events

    assert asyncio.run(run()) is False
