"""The network as it fails: what was never sent, and what perhaps arrived."""

import base64
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from darkroom.errors import DarkroomError, InvalidApiKey
from darkroom.models.generation import GenerationRequest
from darkroom.providers import ProviderSettings
from darkroom.providers._http import HttpClient, Timeouts
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from tests.paid_calls import paid_call
from tests.photos import save
from tests.servers import LONGEST_SECONDS, Answer, Exchange, Server, response, server_tls, serving, unused_port
from tests.unit.providers.asking import Asking, patiently

KEY = "sk-or-v1-0123456789abcdef"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Generation-Id: gen-img-1\r\nContent-Length: 500\r\n\r\n"

DOT = base64.b64encode(save(Image.new("RGB", (1, 1)), "PNG"))
"""The smallest picture."""


class Painting:
    """A call of one server, and what was told of it."""

    def __init__(self, url: str, http: HttpClient | None = None, *, seconds: float = LONGEST_SECONDS) -> None:
        self.waits: list[float] = []
        self.told: list[object] = []
        self._seconds = seconds
        retries = Retries(sleep=self.waits.append, uniform=lambda _low, _high: 0.0)
        self._provider = OpenRouter(ProviderSettings(url=url), http=http, retries=retries)

    def failure(self, key: str = KEY) -> DarkroomError:
        with pytest.raises(DarkroomError) as raised:
            self._provider.generate(
                GenerationRequest(model="a/b", prompt="A flat red circle"),
                paid_call(
                    key,
                    seconds=self._seconds,
                    **dict.fromkeys(("on_dispatched", "on_generation_id", "on_answer"), self.told.append),
                ),
            )
        return raised.value


def _url(server: Server, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.port}"


def test_a_connection_that_never_opened_is_free_and_tried_again() -> None:
    painting = Painting(f"http://127.0.0.1:{unused_port()}")
    error = painting.failure()
    assert (error.code, error.charged, error.retryable) == ("NETWORK_ERROR", False, True)
    assert painting.waits == [1, 2]
    assert len(painting.told) == 3


def test_a_certificate_that_is_not_trusted_is_met_before_anything_is_sent(tmp_path: Path) -> None:
    context, _ = server_tls(tmp_path, "127.0.0.1")
    with serving(lambda _exchange: None, tls=context) as server:
        error = Painting(_url(server, "https")).failure()
        assert not server.heads
    assert (error.code, error.charged) == ("NETWORK_ERROR", False)


def test_a_trusted_certificate_will_do(tmp_path: Path) -> None:
    context, trusting = server_tls(tmp_path, "localhost")
    with serving(patiently(response(b"{}", "401 Unauthorized")), tls=context) as server:
        error = Painting(f"https://localhost:{server.port}", HttpClient(ssl_context=trusting)).failure()
    assert isinstance(error, InvalidApiKey)


def _silent(exchange: Exchange) -> None:
    exchange.hold()


def _closing(_exchange: Exchange) -> None:
    pass


_half = patiently(HEAD + b'{"data":[', seconds=0.2)


def _stalling(exchange: Exchange) -> None:
    exchange.send(HEAD + b'{"data":[')
    exchange.hold()


def _trickling(exchange: Exchange) -> None:
    exchange.send(HEAD)
    exchange.trickle(b" ", every=0.05)


def _trickling_head(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    exchange.trickle(b"a", every=0.05)


def _no_http(exchange: Exchange) -> None:
    exchange.send(b"SSH-2.0-OpenSSH_9.9\r\n")


@pytest.mark.parametrize(
    ("answer", "code", "knows_id", "seconds"),
    [
        (_silent, "TIMEOUT", False, 0.7),
        # Time enough for the headers, even on a busy machine.
        (_stalling, "TIMEOUT", True, 3),
        (_trickling, "TIMEOUT", True, 3),
        (_trickling_head, "TIMEOUT", False, 0.7),
        (_closing, "NETWORK_ERROR", False, LONGEST_SECONDS),
        (_half, "NETWORK_ERROR", True, LONGEST_SECONDS),
        (_no_http, "NETWORK_ERROR", False, LONGEST_SECONDS),
    ],
)
def test_what_may_have_arrived_is_not_sent_again(answer: Answer, code: str, knows_id: bool, seconds: float) -> None:
    with serving(answer) as server:
        painting = Painting(_url(server), seconds=seconds)
        began = time.monotonic()
        error = painting.failure()
        assert time.monotonic() - began < LONGEST_SECONDS
        assert server.accepted == 1
    assert (error.code, error.charged, error.retryable) == (code, "unknown", False)
    assert ("gen-img-1" in painting.told) is knows_id


def test_connecting_and_reading_have_time_outs_of_their_own() -> None:
    with serving(_silent) as server:
        painting = Painting(_url(server), HttpClient(Timeouts(connect=3, read=0.2)), seconds=60)
        began = time.monotonic()
        assert painting.failure().code == "TIMEOUT"
        assert time.monotonic() - began < LONGEST_SECONDS


def test_an_answer_that_is_too_large_is_broken_off() -> None:
    def endless(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while exchange.going_on:
            exchange.send(b" " * 65536)

    with serving(endless) as server:
        error = Painting(_url(server), HttpClient(max_answer_bytes=1_000_000)).failure()
    assert (error.code, error.charged) == ("NETWORK_ERROR", "unknown")


@pytest.mark.parametrize(
    ("status", "charged"), [("302 Found", False), ("307 Temporary Redirect", False), ("204 No Content", "unknown")]
)
def test_a_redirect_is_not_followed(status: str, charged: object) -> None:
    with serving(patiently(response(b"", status, {"Location": "http://127.0.0.1:1/"}))) as server:
        error = Painting(_url(server)).failure()
        assert server.accepted == 1
    assert (error.code, error.charged, error.retryable) == ("SERVICE_UNAVAILABLE", charged, False)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"text"', b"<html></html>", b"\xff\xfe", b"[" * 100_000, b'{"data": 1' + b"0" * 9000]
)
def test_an_answer_that_is_no_object_is_unusable_and_perhaps_paid(body: bytes) -> None:
    with serving(patiently(response(body))) as server:
        error = Painting(_url(server)).failure()
    assert (error.code, error.charged) == ("UNUSABLE_ANSWER", "unknown")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "NO_IMAGE"),
        (b'{"data":null}', "NO_IMAGE"),
        (b'{"data":{}}', "NO_IMAGE"),
        (b'{"data":[]}', "NO_IMAGE"),
        (b'{"data":[null,7]}', "UNUSABLE_ANSWER"),
        (b'{"data":[{"b64_json":null}]}', "UNUSABLE_ANSWER"),
        (b'{"data":[{"b64_json":"%b"}],"usage":7,"error":null}' % DOT, None),
        (b'{"data":[{"b64_json":"%b"}]}' % DOT.rstrip(b"="), None),  # without its padding
        (b'{"data":[{"b64_json":"iVBORw0KGgo="}]}', "UNUSABLE_ANSWER"),  # a beginning
        (b'{"data":[{"b64_json":"iVBO Rw0KGgo="}]}', "UNUSABLE_ANSWER"),
        ('{"data":[{"b64_json":"iVBORw0KGgö="}]}'.encode(), "UNUSABLE_ANSWER"),
        (b'{"data":[{"b64_json":"PGh0bWw+PHN2Zz48L3N2Zz48L2h0bWw+"}]}', "UNUSABLE_ANSWER"),  # HTML around a drawing
        (b'{"data":[{"b64_json":"SUkqAAAAAAA="}]}', "UNUSABLE_ANSWER"),  # TIFF
    ],
)
def test_bodies_of_any_shape_are_read_without_surprise(body: bytes, code: str | None) -> None:
    with serving(patiently(response(body))) as server:
        painting = Painting(_url(server))
        if code is None:
            with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
                painting.failure()
        else:
            error = painting.failure()
            assert (error.code, error.charged, error.upstream is not None) == (code, "unknown", True)


@pytest.mark.parametrize("key", ["sk-or-v1-abc\n", "sk or", "sk-or-v1-schlüssel", "a\r\nX-Injected: 1", "k" * 513])
def test_a_key_that_cannot_be_one_is_not_sent_and_not_shown(key: str) -> None:
    painting = Painting(f"http://127.0.0.1:{unused_port()}")
    error = painting.failure(key)
    assert (error.code, error.charged, painting.told) == ("INVALID_API_KEY", False, [])
    assert key not in repr(error) + repr(error.problem()) + repr(error.__cause__) + repr(error.__context__)


def test_the_id_is_known_and_the_bytes_are_kept_before_anything_is_understood(asking: Asking) -> None:
    asking.simulator.scenario("truncated_json")
    error = asking.failure()
    assert error.code == "UNUSABLE_ANSWER"
    assert asking.order == ["dispatched", "id", "answer"]
    assert asking.ids == list(asking.invoice)
    assert asking.answers[0].body.startswith(b'{"created"')
    assert asking.answers[0].complete


def test_the_id_comes_with_the_headers_and_leads_to_the_cost(asking: Asking) -> None:
    asking.seconds = 3
    asking.simulator.scenario("slow_body", seconds=LONGEST_SECONDS)
    error = asking.failure()
    assert (error.code, error.charged, asking.answers[0].complete) == ("TIMEOUT", "unknown", False)
    record = asking.provider.generation(asking.ids[0], key=asking.key)
    assert record is not None
    assert asking.invoice == {asking.ids[0]: record.cost}


def test_a_stream_that_is_left_early_is_looked_up_too(asking: Asking) -> None:
    asking.seconds = 3
    asking.simulator.scenario("slow_stream", seconds=LONGEST_SECONDS)
    error = asking.failure("images stream")
    assert (error.code, error.charged) == ("TIMEOUT", "unknown")
    assert _eventually(lambda: asking.provider.generation(asking.ids[0], key=asking.key)) is not None
    assert asking.invoice == {}


def _eventually(ask: Callable[[], object], seconds: float = LONGEST_SECONDS) -> object:
    ends = time.monotonic() + seconds
    while (found := ask()) is None and time.monotonic() < ends:
        time.sleep(0.02)
    return found
