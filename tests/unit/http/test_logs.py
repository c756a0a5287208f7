"""Each line of the log says whose request or message it belongs to, and none of another's."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from darkroom.errors import ServiceUnavailable
from darkroom.events.sqs import each_message
from darkroom.http.app import Api
from darkroom.models.rate_limit import RateLimits
from darkroom.observability import FACTS, logged, logger, note
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.rates import Rates
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens
from tests.conftest import SteppingClock
from tests.events import Context, http_event, queue_event
from tests.fakes.people import MemoryRequestCounts, MemoryTokenStore
from tests.fakes.sessions import MemorySessionStore
from tests.log_lines import log_lines


@pytest.fixture
def tokens(clock: SteppingClock) -> Tokens:
    return Tokens(MemoryTokenStore(), clock)


@pytest.fixture
def api(tokens: Tokens, clock: SteppingClock) -> Api:
    callers = Callers(tokens, Sessions(MemorySessionStore(), clock), public_url="")
    api = Api(callers, Rates(MemoryRequestCounts(), clock, RateLimits()), public=frozenset({"GET /open"}))

    @api.app.get("/open")
    def everybody() -> dict[str, str]:
        logger.info("open")
        return {}

    @api.app.get("/who")
    def who() -> dict[str, str]:
        note(job="job_1")
        logger.info("who")
        return {}

    @api.app.get("/bug")
    def bug() -> dict[str, str]:
        raise RuntimeError("a bug")

    return api


def _get(api: Api, path: str, token: str | None, request_id: str) -> dict[str, Any]:
    event = http_event("GET", path, token=token)
    event["requestContext"]["requestId"] = request_id
    return api.handle(event, Context())  # type: ignore[arg-type]


def _facts(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in FACTS if name in line}


def test_the_request_id_of_a_500_finds_its_line(api: Api, tokens: Tokens) -> None:
    with log_lines() as lines:
        answer = _get(api, "/bug", tokens.create(user="alice")[1], "req-of-the-bug")
        _get(api, "/who", tokens.create(user="alice")[1], "req-of-another")
    assert answer["statusCode"] == 500
    (found,) = [line for line in lines if line.get("request_id") == answer["headers"]["x-request-id"]]
    assert "a bug" in found["exception"]
    assert _facts(found) == {
        "request_id": "req-of-the-bug",
        "function_request_id": Context.aws_request_id,
        "route": "GET /bug",
        "user": "alice",
    }


def test_a_line_says_user_and_job_where_they_are_known(api: Api, tokens: Tokens) -> None:
    with log_lines() as lines:
        _get(api, "/who", tokens.create(user="alice")[1], "req-1")
    assert [(line["message"], line["user"], line["job"]) for line in lines] == [("who", "alice", "job_1")]


@pytest.mark.parametrize("before", ["/who", "/bug"])
def test_nothing_of_an_invocation_is_left_for_the_next(api: Api, tokens: Tokens, before: str) -> None:
    with log_lines() as lines:
        _get(api, before, tokens.create(user="alice")[1], "req-1")
        logger.info("between")
        _get(api, "/open", None, "req-2")
    between, after = lines[-2:]
    assert _facts(between) == {}
    assert _facts(after) == {
        "request_id": "req-2",
        "function_request_id": Context.aws_request_id,
        "route": "GET /open",
    }


def test_a_message_is_logged_with_its_user_and_job(clock: SteppingClock) -> None:
    def work(message: dict[str, Any]) -> None:
        if message["job_id"] == "job_2":
            raise ServiceUnavailable("AWS is busy.")
        logger.info("worked")

    bodies = ({"user": "alice", "job_id": "job_1"}, {"user": "bob", "job_id": "job_2"})
    with log_lines() as lines:
        each_message(queue_event(*bodies), Context(), work, lambda *_: None)
        logger.info("between")
    worked, failed, between = lines
    own = {"function_request_id": Context.aws_request_id}
    assert _facts(worked) == {**own, "user": "alice", "job": "job_1"}
    assert (_facts(failed), failed["code"]) == ({**own, "user": "bob", "job": "job_2"}, "SERVICE_UNAVAILABLE")
    assert _facts(between) == {}


@pytest.mark.parametrize("body", ["no JSON", "[1]", '{"user": 7, "job_id": null}'])
def test_a_message_that_names_nobody_is_logged_without_a_name(body: str) -> None:
    with log_lines() as lines:
        each_message(queue_event(body), Context(), lambda *_: logger.info("worked"), lambda *_: None)
    assert all(set(_facts(line)) == {"function_request_id"} for line in lines)


def test_what_was_left_by_one_who_was_stopped_is_taken_away() -> None:
    note(user="alice", job="job_1")
    with log_lines() as lines, logged(request_id="req-2"):
        logger.info("now")
    assert [_facts(line) for line in lines] == [{"request_id": "req-2"}]


def test_requests_of_one_process_at_the_same_time_have_each_its_own_facts(tokens: Tokens, clock: SteppingClock) -> None:
    """As at the live door: threads, each with an `Api` of its own."""
    both_are_known, one_is_over = Barrier(2), Event()
    going_on: list[Thread] = []
    callers = Callers(tokens, Sessions(MemorySessionStore(), clock), public_url="")

    def api_of(job: str, *, waits: bool) -> Api:
        made = Api(callers, Rates(MemoryRequestCounts(), clock, RateLimits()))

        def work() -> None:
            one_is_over.wait(10)
            logger.info("its job goes on")

        @made.app.get("/who")
        def who() -> dict[str, str]:
            note(job=job)
            both_are_known.wait(10)
            logger.info("in the route")
            going_on.append(Thread(target=copy_context().run, args=(work,)))
            going_on[-1].start()
            if waits:
                one_is_over.wait(10)
                logger.info("after the other")
            return {}

        return made

    with log_lines() as lines, ThreadPoolExecutor(2) as threads:
        answers = [
            threads.submit(_get, api_of(f"job_{user}", waits=user == "bob"), "/who", tokens.create(user=user)[1], user)
            for user in ("alice", "bob")
        ]
        answers[0].result(10)
        one_is_over.set()
        answers[1].result(10)
        for thread in going_on:
            thread.join(10)
        logger.info("between")
    told = Counter((line["message"], *(line.get(fact) for fact in ("user", "job", "request_id"))) for line in lines)
    alice, bob = ("alice", "job_alice", "alice"), ("bob", "job_bob", "bob")
    assert told == Counter(
        [
            *(("in the route", *alice), ("its job goes on", *alice)),
            *(("in the route", *bob), ("its job goes on", *bob), ("after the other", *bob)),
            ("between", None, None, None),
        ]
    )
