"""Sign-in, up to the key: what the address says, and what each refusal is."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from darkroom.errors import (
    CodeConflict,
    CodeExpired,
    CodeInvalid,
    CodeMethodInvalid,
    CodeMismatch,
    DarkroomError,
    ExchangeUnavailable,
    InvalidApiKey,
    NetworkError,
    ProviderTimeout,
    RateLimited,
    ServiceUnavailable,
    UnusableAnswer,
)
from darkroom.http.pages.sign_in_pages import failed
from darkroom.models.key import NO_TERMS, KeyTerms
from darkroom.ports import KeyInspector, KeyIssuer
from darkroom.providers import ProviderSettings
from darkroom.providers._http import HttpClient, Timeouts
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouterAuth
from local.simulator import Simulator
from tests.servers import Exchange, response, serving, unused_port
from tests.unit.providers.asking import patiently

CALLBACK = "https://darkroom.example/oauth/callback?attempt=abc"
VERIFIER = secrets.token_urlsafe(96)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def _auth(url: str, waits: list[float] | None = None) -> OpenRouterAuth:
    waits = [] if waits is None else waits
    return OpenRouterAuth(
        ProviderSettings(url=url),
        http=HttpClient(Timeouts(connect=2, read=0.5)),
        retries=Retries(sleep=waits.append, uniform=lambda _low, _high: 0.0),
    )


def _code(simulator: Simulator, auth: KeyIssuer) -> str:
    address = auth.authorize_url(callback_url=CALLBACK, code_challenge=CHALLENGE, state="st-1", terms=NO_TERMS)
    back = dict(parse_qsl(urlsplit(simulator.consent(address)).query))
    assert (back["state"], back["attempt"]) == ("st-1", "abc")
    return back["code"]


def test_the_address_is_the_consent_page_with_a_challenge() -> None:
    address = urlsplit(
        OpenRouterAuth().authorize_url(callback_url=CALLBACK, code_challenge=CHALLENGE, state="s&t", terms=NO_TERMS)
    )
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://openrouter.ai/auth"
    assert dict(parse_qsl(address.query)) == {
        "callback_url": CALLBACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "s&t",
        "key_label": "Darkroom",
    }


def test_without_a_callback_there_is_no_state() -> None:
    address = OpenRouterAuth(key_label=None).authorize_url(
        callback_url=None, code_challenge=CHALLENGE, state="st-1", terms=NO_TERMS
    )
    assert {name for name, _ in parse_qsl(urlsplit(address).query)} == {"code_challenge", "code_challenge_method"}


def test_a_code_becomes_a_key_that_is_good_and_has_an_owner(simulator: Simulator) -> None:
    auth = _auth(simulator.url)
    issued = auth.exchange(code=_code(simulator, auth), code_verifier=VERIFIER)
    assert issued.user_id == simulator.state.user_id
    assert auth.inspect(issued.key).label.startswith(issued.key[:9])
    assert issued.key not in repr(issued)
    sent = next(entry for entry in simulator.world.log.entries() if entry["path"].endswith("/auth/keys"))
    assert "authorization" not in sent["headers"]
    assert sent["body"]["code_challenge_method"] == "S256"


def test_a_code_is_good_once(simulator: Simulator) -> None:
    auth = _auth(simulator.url)
    code = _code(simulator, auth)
    auth.exchange(code=code, code_verifier=VERIFIER)
    with pytest.raises(CodeInvalid):
        auth.exchange(code=code, code_verifier=VERIFIER)


def test_another_verifier_uses_the_code_up(simulator: Simulator) -> None:
    auth = _auth(simulator.url)
    code = _code(simulator, auth)
    with pytest.raises(CodeMismatch):
        auth.exchange(code=code, code_verifier=secrets.token_urlsafe(96))
    with pytest.raises(CodeInvalid):
        auth.exchange(code=code, code_verifier=VERIFIER)


def test_a_person_reads_another_sentence_for_each_refusal(simulator: Simulator) -> None:
    """400 bad method and bad code, 403 bad verifier and expired, 405 wrong verb, 409, 500, each on its page."""
    pages: dict[str, str] = {}
    for scenario in (
        *("invalid_method", "invalid_code", "wrong_verifier", "expired_code"),
        *("method_not_allowed", "conflict", "internal"),
    ):
        simulator.reset()
        simulator.scenario(scenario, path="/auth/keys")
        with pytest.raises(DarkroomError) as raised:
            _auth(simulator.url).exchange(code="auth_code_1", code_verifier=VERIFIER)
        pages[scenario] = str(failed(raised.value).body)
        assert raised.value.detail in pages[scenario]
    assert len(set(pages.values())) == len(pages) == 7


@pytest.mark.parametrize(
    ("scenario", "kind", "status"),
    [
        ("invalid_code", CodeInvalid, 400),
        ("invalid_method", CodeMethodInvalid, 400),
        ("zod", CodeInvalid, 400),
        ("wrong_verifier", CodeMismatch, 403),
        ("expired_code", CodeExpired, 403),
        ("not_found", ExchangeUnavailable, 502),
        ("method_not_allowed", ExchangeUnavailable, 502),
        ("conflict", CodeConflict, 409),
        ("rate_limited", RateLimited, 429),
        ("request_timeout", ProviderTimeout, 504),
        ("internal", ServiceUnavailable, 503),
        ("bad_gateway_page", ServiceUnavailable, 503),
        ("overloaded", ServiceUnavailable, 503),
        ("edge_timeout", ProviderTimeout, 504),
    ],
)
def test_each_refusal_is_its_own_and_is_not_repeated(
    scenario: str, kind: type[DarkroomError], status: int, simulator: Simulator
) -> None:
    simulator.scenario(scenario, path="/auth/keys")
    with pytest.raises(kind) as raised:
        _auth(simulator.url).exchange(code="auth_code_1", code_verifier=VERIFIER)
    error = raised.value
    assert (type(error), error.status, error.charged) == (kind, status, False)
    assert error.upstream is not None
    assert error.detail
    assert error.fix
    assert len([entry for entry in simulator.world.log.entries() if entry["method"] == "POST"]) == 1


def test_a_connection_that_never_opened_is_tried_again() -> None:
    waits: list[float] = []
    with pytest.raises(NetworkError):
        _auth(f"http://127.0.0.1:{unused_port()}", waits).exchange(code="c", code_verifier=VERIFIER)
    assert waits == [1, 2]


def _silent(exchange: Exchange) -> None:
    exchange.hold()


@pytest.mark.parametrize(("answer", "kind"), [(_silent, ProviderTimeout), (lambda _exchange: None, NetworkError)])
def test_a_code_that_may_have_been_used_is_not_sent_again(answer: object, kind: type[DarkroomError]) -> None:
    with serving(answer) as server:  # type: ignore[arg-type]
        with pytest.raises(kind):
            _auth(f"http://127.0.0.1:{server.port}").exchange(code="c", code_verifier=VERIFIER)
        assert server.accepted == 1


@pytest.mark.parametrize(
    "body", [b"{}", b'{"key":null}', b'{"key":""}', b'{"key":7}', b'{"key":"a\\nb"}', b'{"key":"a b"}', b"no", b"[]"]
)
def test_an_answer_without_a_key_is_unusable(body: bytes) -> None:
    with serving(patiently(response(body))) as server, pytest.raises(UnusableAnswer):
        _auth(f"http://127.0.0.1:{server.port}").exchange(code="c", code_verifier=VERIFIER)


def test_the_owner_may_be_unknown() -> None:
    body = b'{"key":"sk-or-v1-1234567890","user_id":null,"new_field":{}}'
    with serving(patiently(response(body))) as server:
        issued = _auth(f"http://127.0.0.1:{server.port}").exchange(code="c", code_verifier=VERIFIER)
    assert (issued.key, issued.user_id) == ("sk-or-v1-1234567890", None)


def test_a_key_that_is_not_taken_is_said_to_be_so(simulator: Simulator) -> None:
    inspector: KeyInspector = _auth(simulator.url)
    with pytest.raises(InvalidApiKey) as raised:
        inspector.inspect("sk-or-v1-unknown")
    assert not raised.value.retryable


def test_a_key_tells_its_limits_in_micro_dollars(simulator: Simulator) -> None:
    minted = httpx.post(
        f"{simulator.url}/_simulator/keys", json={"name": "n", "limit": "1.5", "limit_reset": "daily"}, trust_env=False
    ).json()
    status = _auth(simulator.url).inspect(minted["key"])
    assert (status.limit, status.limit_remaining, status.usage, status.limit_reset) == (
        1_500_000,
        1_500_000,
        0,
        "daily",
    )
    assert not status.is_exhausted
    assert _auth(simulator.url).inspect(simulator.key).limit is None


def test_an_overdrawn_key_has_nothing_left_rather_than_no_limit() -> None:
    body = response(b'{"data":{"label":"l","limit":1,"limit_remaining":-0.02,"usage":1.02,"is_free_tier":null}}')
    with serving(patiently(body)) as server:
        status = _auth(f"http://127.0.0.1:{server.port}").inspect("sk-or-v1-1")
    assert (status.limit_remaining, status.is_exhausted, status.usage) == (0, True, 1_020_000)


class TestTerms:
    """A limit, an interval and an expiry, by the names and in the units of OpenRouter's own description."""

    TERMS = KeyTerms(limit=2_500_000, limit_reset="monthly", expires_at=datetime(2027, 4, 1, 2, tzinfo=UTC))

    def test_the_consent_page_is_asked_to_propose_them(self) -> None:
        address = OpenRouterAuth().authorize_url(
            callback_url=CALLBACK, code_challenge=CHALLENGE, state="st-1", terms=self.TERMS
        )
        query = parse_qs(urlsplit(address).query)
        given = {name: query[name] for name in ("limit", "usage_limit_type", "expires_at")}
        assert given == {"limit": ["2.5"], "usage_limit_type": ["monthly"], "expires_at": ["2027-04-01T02:00:00Z"]}

    def test_a_code_for_a_limited_key_becomes_one(self, simulator: Simulator) -> None:
        auth = _auth(simulator.url)
        code = auth.limited_code(simulator.key, self.TERMS, callback_url=CALLBACK, code_challenge=CHALLENGE)
        issued = auth.exchange(code=code, code_verifier=VERIFIER)
        status = auth.inspect(issued.key)
        assert (status.limit, status.limit_reset, status.expires_at) == (
            self.TERMS.limit,
            self.TERMS.limit_reset,
            self.TERMS.expires_at,
        )
        assert self.TERMS.are_kept_by(status)

    @pytest.mark.parametrize(
        ("scenario", "error"),
        [
            ("conflict", CodeConflict),
            ("forbidden", ExchangeUnavailable),
            ("method_not_allowed", ExchangeUnavailable),
            ("internal", ServiceUnavailable),
        ],
    )
    def test_what_openrouter_does_not_make_is_said(
        self, simulator: Simulator, scenario: str, error: type[DarkroomError]
    ) -> None:
        simulator.scenario(scenario, path="/auth/keys/code", times=5)
        with pytest.raises(error) as refused:
            _auth(simulator.url).limited_code(
                simulator.key, self.TERMS, callback_url=CALLBACK, code_challenge=CHALLENGE
            )
        assert simulator.key not in str(refused.value.problem())

    def test_a_key_that_is_none_is_said(self, simulator: Simulator) -> None:
        with pytest.raises(InvalidApiKey):
            _auth(simulator.url).limited_code(
                "sk-or-v1-" + "0" * 64, self.TERMS, callback_url=CALLBACK, code_challenge=CHALLENGE
            )
