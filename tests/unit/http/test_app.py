import json
from typing import Any

import pytest

from darkroom.errors import InvalidParameter, ServiceUnavailable
from darkroom.http.app import Api
from darkroom.http.problems import invalid_parameter
from darkroom.http.transport import seconds_for
from darkroom.models.rate_limit import RateLimits
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.rates import Rates
from darkroom.services.accounts.sessions import LIFETIME, Sessions
from darkroom.services.accounts.tokens import Tokens
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.people import MemoryRequestCounts, MemoryTokenStore
from tests.fakes.sessions import MemorySessionStore


@pytest.fixture
def tokens(clock: SteppingClock) -> Tokens:
    return Tokens(MemoryTokenStore(), clock)


@pytest.fixture
def sessions(clock: SteppingClock) -> Sessions:
    return Sessions(MemorySessionStore(), clock)


@pytest.fixture
def api(tokens: Tokens, sessions: Sessions, clock: SteppingClock) -> Api:
    api = Api(
        Callers(tokens, sessions, public_url=""),
        Rates(MemoryRequestCounts(), clock, RateLimits()),
        public=frozenset({"GET /open"}),
    )

    @api.app.get("/open")
    def everybody() -> dict[str, str | None]:
        return {"user": api.known_caller.user if api.known_caller else None}

    @api.app.post("/who")
    def write() -> dict[str, str]:
        return {"user": api.user}

    @api.app.get("/who")
    def who() -> dict[str, str]:
        return {"user": api.user}

    @api.app.get("/busy")
    def busy() -> dict[str, str]:
        raise ServiceUnavailable("AWS is busy.", retry_after=2)

    @api.app.get("/bug")
    def bug() -> dict[str, str]:
        raise RuntimeError("the secret is sk-or-v1-canary")

    return api


def _call(
    api: Api,
    path: str,
    headers: dict[str, str] | None = None,
    *,
    method: str = "GET",
    session: str | None = None,
) -> tuple[int, dict[str, str], Any]:
    event = http_event(method, path, headers=headers)
    if session is not None:
        event["cookies"] = ["theme=dark", f"__Host-darkroom-session={session}"]
    answer = api.handle(event, Context())  # type: ignore[arg-type]
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


@pytest.mark.parametrize(
    "header", [("Authorization", "Bearer {}"), ("authorization", "bearer {}"), ("X-Api-Key", "{}")]
)
def test_a_token_is_taken_from_either_header(api: Api, tokens: Tokens, header: tuple[str, str]) -> None:
    name, form = header
    _, plaintext = tokens.create(user="alice")
    assert _call(api, "/who", {name: form.format(plaintext)})[::2] == (200, {"user": "alice"})


@pytest.mark.parametrize("path", ["/who", "/bug", "/none"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "UNAUTHENTICATED"),
        ({"Authorization": "Basic YTpi"}, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer "}, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer dk_x"}, "INVALID_TOKEN"),
        ({"X-Api-Key": "dk_x"}, "INVALID_TOKEN"),
    ],
)
def test_nothing_is_reached_without_a_token(api: Api, path: str, headers: dict[str, str], code: str) -> None:
    status, sent, problem = _call(api, path, headers)
    assert (status, problem["code"], sent["www-authenticate"]) == (401, code, "Bearer")


def test_one_caller_is_not_taken_for_the_one_before(api: Api, tokens: Tokens) -> None:
    for user in ("alice", "bob", "alice"):
        assert _call(api, "/who", {"X-Api-Key": tokens.create(user=user)[1]})[2] == {"user": user}
        assert _call(api, "/who")[0] == 401


def test_a_bug_is_answered_without_what_it_said(api: Api, tokens: Tokens) -> None:
    status, headers, problem = _call(api, "/bug", {"X-Api-Key": tokens.create(user="alice")[1]})
    assert (status, problem["code"], headers["content-type"]) == (500, "INTERNAL_ERROR", "application/problem+json")
    assert "canary" not in json.dumps(problem)


def test_a_fault_that_passes_says_when_to_try_again(api: Api, tokens: Tokens) -> None:
    status, headers, problem = _call(api, "/busy", {"X-Api-Key": tokens.create(user="alice")[1]})
    assert (status, headers["retry-after"], problem["retryable"]) == (503, "2", True)


class TestHowLongThereIs:
    """`requestContext.timeEpoch` is when API Gateway began to wait, for 30 seconds."""

    @pytest.mark.parametrize(
        ("passed", "left"),
        [(0, 29), (1, 29), (5, 25), (27, 3), (29.5, 0.5), (30, 29), (90_000, 29), (-3, 29), (-90_000, 29)],
    )
    def test_it_counts_from_the_request_and_heeds_no_clock_that_is_wrong(self, passed: float, left: float) -> None:
        event = {"requestContext": {"timeEpoch": 1_772_366_400_000}}
        assert seconds_for(event, Context(), 1_772_366_400 + passed) == left  # type: ignore[arg-type]

    @pytest.mark.parametrize("event", [{}, {"requestContext": {}}, {"requestContext": {"timeEpoch": "now"}}])
    def test_without_it_lambdas_time_counts(self, event: dict[str, Any]) -> None:
        assert seconds_for(event, Context(), 0.0) == 29  # type: ignore[arg-type]


class TestFaultsOfARequest:
    def test_twenty_are_listed_and_all_are_counted(self) -> None:
        error = invalid_parameter([{"loc": (f"x{number}",), "type": "t", "msg": "Wrong"} for number in range(5000)])
        assert (len(error.context["faults"]), error.context["fault_count"]) == (20, 5000)

    @pytest.mark.parametrize(
        "secret",
        [
            "sk-or-v1-0123456789abcdef",
            "dk_0123456789abcdef",
            "AIzaSyA-0123456789abcdefghijkl",
            "Bearer abcdefghijk",
            "9f86d081884c7d659a2feaa0c55ad015",
            "Ab3dE5fGh7jK9mNpQ2",
            "x" * 41,
        ],
    )
    def test_a_key_in_the_place_of_a_fields_name_is_not_echoed(self, secret: str) -> None:
        error = invalid_parameter([{"loc": ("body", secret), "type": "extra_forbidden", "msg": "m"}])
        assert secret not in str(error.problem())
        assert error.param == f"[a name of {len(secret)} characters]"

    @pytest.mark.parametrize("name", ["max_completion_tokens", "b64_json", "image[]", "images.0.url", "size_1024x1024"])
    def test_a_fields_name_is(self, name: str) -> None:
        assert invalid_parameter([{"loc": (name,), "type": "t", "msg": "m"}]).param == name

    def test_nor_does_a_key_leave_in_a_sentence(self) -> None:
        error = InvalidParameter(
            "`dk_0123456789abcdef` is wrong.", fix="Not sk-ant-0123456789.", param="dk_0123456789ab"
        )
        assert not {"dk_0123456789abcdef", "sk-ant-0123456789", "dk_0123456789ab"} & set(
            str(error.problem()).replace("`", " ").replace("'", " ").replace(".", " ").split()
        )


def test_an_unknown_path_is_a_problem_too(api: Api, tokens: Tokens) -> None:
    status, headers, problem = _call(api, "/none", {"X-Api-Key": tokens.create(user="alice")[1]})
    assert (status, problem["code"], headers["x-request-id"]) == (404, "NOT_FOUND", "req-1")
    assert problem["instance"] == "urn:darkroom:request:req-1"


@pytest.mark.parametrize(
    ("path", "named"), [("/who", False), ("/who", True), ("/busy", True), ("/bug", True), ("/nowhere", True)]
)
def test_json_ends_with_one_line_feed(api: Api, tokens: Tokens, path: str, named: bool) -> None:
    headers = {"X-Api-Key": tokens.create(user="alice")[1]} if named else {}
    body = api.handle(http_event("GET", path, headers=headers), Context())["body"]  # type: ignore[arg-type]
    assert json.loads(body)
    assert body.endswith("}\n")
    assert not body.endswith("\n\n")


def test_no_answer_may_be_cached_or_sniffed(api: Api) -> None:
    _, headers, _ = _call(api, "/who")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" in headers


def test_a_session_is_as_good_as_a_token(api: Api, sessions: Sessions) -> None:
    assert _call(api, "/who", session=sessions.open("alice"))[::2] == (200, {"user": "alice"})


@pytest.mark.parametrize("session", ["", "x", "A" * 43])
def test_a_cookie_that_is_no_session_is_nobody(api: Api, session: str) -> None:
    assert _call(api, "/who", session=session)[2]["code"] == "UNAUTHENTICATED"


def test_a_session_ends_when_it_is_closed_or_too_old(api: Api, sessions: Sessions, clock: SteppingClock) -> None:
    closed, old = sessions.open("alice"), sessions.open("alice")
    sessions.close(closed)
    assert _call(api, "/who", session=closed)[0] == 401
    clock.step(LIFETIME)
    assert _call(api, "/who", session=old)[0] == 401


def test_a_bad_token_is_refused_whatever_the_cookie_says(api: Api, sessions: Sessions) -> None:
    status, _, problem = _call(api, "/who", {"X-Api-Key": "dk_x"}, session=sessions.open("alice"))
    assert (status, problem["code"]) == (401, "INVALID_TOKEN")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://127.0.0.1", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "https://127.0.0.1/"},
    ],
)
def test_a_write_that_a_cookie_signs_must_come_from_this_site(
    api: Api, sessions: Sessions, headers: dict[str, str]
) -> None:
    status, _, problem = _call(api, "/who", headers, method="POST", session=sessions.open("alice"))
    assert (status, problem["code"]) == (403, "FOREIGN_ORIGIN")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_this_sites_own_pages_may_write(api: Api, sessions: Sessions, headers: dict[str, str]) -> None:
    assert _call(api, "/who", headers, method="POST", session=sessions.open("alice"))[0] == 200


def test_a_token_may_write_from_anywhere(api: Api, tokens: Tokens) -> None:
    headers = {"X-Api-Key": tokens.create(user="alice")[1], "Origin": "https://elsewhere.example"}
    assert _call(api, "/who", headers, method="POST")[0] == 200


def test_a_public_route_serves_everybody_and_knows_whom_it_can(api: Api, tokens: Tokens, sessions: Sessions) -> None:
    assert _call(api, "/open")[2] == {"user": None}
    assert _call(api, "/open", {"X-Api-Key": "dk_x"})[2] == {"user": None}
    assert _call(api, "/open", {"X-Api-Key": tokens.create(user="alice")[1]})[2] == {"user": "alice"}
    assert _call(api, "/open", session=sessions.open("bob"))[2] == {"user": "bob"}
