"""The table: every situation at remove.bg that its simulator knows, what the client makes of it, and what it costs."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from darkroom.errors import DarkroomError, InvalidParameter
from darkroom.models.chat import ChatMessage, ChatRequest, CompletionRequest
from darkroom.models.generation import Dispatch, GenerationRequest, GenerationResult, RawAnswer, Reference, Routing
from darkroom.models.rates import Rates
from darkroom.net.http1 import Headers
from darkroom.providers import ProviderSettings
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer, BrokenOff
from darkroom.providers._removebg_wire import MOST_BYTES, kept, unkept
from darkroom.providers._retry import Retries
from darkroom.providers.removebg import RemoveBg
from local.providers.removebg import CREDIT_USD, Simulator
from tests.paid_calls import paid_call
from tests.servers import response, serving, unused_port
from tests.unit.providers.asking import patiently

UNKNOWN = "unknown"
CREDIT = 200_000


@dataclass
class Asking:
    """A client of the simulator that keeps what it was told, and does not wait between attempts."""

    simulator: Simulator
    key: str
    url: str = ""
    credit: Decimal | None = CREDIT_USD
    waits: list[float] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)
    answers: list[RawAnswer] = field(default_factory=list)

    @property
    def provider(self) -> RemoveBg:
        settings = ProviderSettings(url=self.url or self.simulator.url, credit_usd=self.credit)
        return RemoveBg(settings, retries=Retries(sleep=self.waits.append, uniform=lambda _low, _high: 0.0))

    def request(self, *, options: dict[str, Any] | None = None, **more: Any) -> GenerationRequest:
        routing = {"routing": Routing(options={"removebg": options})} if options else {}
        return self.simulator.picture(**{"rates": {}, **routing, **more})

    def cut_out(self, seconds: float = 20.0, **more: Any) -> GenerationResult:
        return self.provider.generate(
            self.request(**more),
            paid_call(
                self.key,
                seconds=seconds,
                on_dispatched=self.dispatches.append,
                on_generation_id=lambda _id: pytest.fail("there are no ids"),
                on_answer=self.answers.append,
                on_event=lambda _data: pytest.fail("there are no events"),
            ),
        )

    def failure(self, **more: Any) -> DarkroomError:
        with pytest.raises(DarkroomError) as raised:
            self.cut_out(**more)
        return raised.value


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(key="CANARYremovebgkey0123456789") as simulator:
        yield simulator


@pytest.fixture
def asking(running: Simulator) -> Asking:
    running.reset()
    return Asking(running, running.key)


def _said(status: int, title: str = "No", *, billed: bool = False, headers: Any = None, **more: str) -> dict[str, Any]:
    return {"status": status, "body": {"errors": [{"title": title, **more}]}, "billed": billed, "headers": headers}


@pytest.mark.parametrize(
    ("what", "options", "code", "status", "attempts", "charged", "billed"),
    [
        ("refused", {}, "NO_FOREGROUND", 422, 1, False, 0),
        ("no_foreground", {}, "NO_FOREGROUND", 422, 1, False, 0),
        ("no_credits", {}, "INSUFFICIENT_CREDITS", 402, 1, False, 0),
        ("unreadable", {}, "UNREADABLE_IMAGE", 400, 1, False, 0),
        ("busy", {}, "RATE_LIMIT", 429, 3, False, 0),
        ("error", _said(429, headers={"retry-after": "300"}), "RATE_LIMIT", 429, 1, False, 0),
        ("error", _said(400, code="file_too_large"), "PAYLOAD_TOO_LARGE", 413, 1, False, 0),
        ("error", _said(400, code="resolution_too_high"), "IMAGE_TOO_LARGE", 400, 1, False, 0),
        ("error", _said(400, code="invalid_file_type"), "UNREADABLE_IMAGE", 400, 1, False, 0),
        ("error", _said(400, code="invalid_bg_color"), "INVALID_PARAMETER", 400, 1, False, 0),
        ("error", _said(400, code="roi_region_empty"), "INVALID_PARAMETER", 400, 1, False, 0),
        ("error", _said(400), "INVALID_PARAMETER", 400, 1, False, 0),
        ("error", {"status": 400, "body": ["what"]}, "INVALID_PARAMETER", 400, 1, False, 0),
        ("error", _said(401), "INVALID_API_KEY", 401, 1, False, 0),
        ("error", _said(403, "Missing API Key"), "INVALID_API_KEY", 401, 1, False, 0),
        ("error", _said(404), "SERVICE_UNAVAILABLE", 503, 1, False, 0),
        ("error", _said(413), "PAYLOAD_TOO_LARGE", 413, 1, False, 0),
        # What may have been worked on is not sent again.
        ("error", _said(408), "TIMEOUT", 504, 1, UNKNOWN, 0),
        ("error", _said(499), "NETWORK_ERROR", 502, 1, UNKNOWN, 0),
        ("error", _said(500), "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, 0),
        ("error", _said(500, billed=True), "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, 1),
        ("error", _said(502), "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, 0),
        ("error", _said(503), "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, 0),
        ("error", _said(504), "TIMEOUT", 504, 1, UNKNOWN, 0),
        ("error", _said(524), "TIMEOUT", 504, 1, UNKNOWN, 0),
        ("page", {}, "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN, 0),
        ("cut", {}, "NETWORK_ERROR", 502, 1, UNKNOWN, 1),
        ("not_a_picture", {}, "UNUSABLE_ANSWER", 502, 1, True, 1),
    ],
)
def test_what_goes_wrong_and_what_it_costs(
    asking: Asking,
    what: str,
    options: dict[str, Any],
    code: str,
    status: int,
    attempts: int,
    charged: bool | str,
    billed: int,
) -> None:
    asking.simulator.go_wrong(what, **options)
    error = asking.failure()
    found = (error.code, error.status, asking.simulator.requests(), error.charged, len(asking.simulator.charges))
    assert found == (code, status, attempts, charged, billed)
    assert len(asking.dispatches) == attempts
    assert error.retryable is (charged is False and code == "RATE_LIMIT")
    assert error.upstream is not None
    if charged is True:
        assert error.upstream.cost_micro_usd == asking.simulator.invoice()
    assert asking.key not in f"{error.problem()} {error!r} {error.upstream}"


def test_a_busy_service_is_asked_again_after_as_long_as_it_says(asking: Asking) -> None:
    asking.simulator.go_wrong("error", **_said(429, headers={"retry-after": "7"}))
    error = asking.failure()
    assert asking.waits == [7.0, 7.0]
    assert (error.retry_after, asking.simulator.invoice()) == (7, 0)


def test_a_parameter_is_called_by_the_name_it_has_here(asking: Asking) -> None:
    asking.simulator.go_wrong("error", **_said(400, code="invalid_bg_color"))
    assert asking.failure().param == "background"


def test_a_key_that_is_not_good_is_repeated_nowhere(asking: Asking) -> None:
    asking.simulator.go_wrong("error", **_said(403, f"API Key {asking.key} invalid"))
    error = asking.failure()
    assert error.code == "INVALID_API_KEY"
    assert asking.key not in str(error.problem())


class TestMoney:
    @pytest.mark.parametrize(("size", "cost"), [(None, CREDIT), ("full", CREDIT), ("preview", CREDIT // 4)])
    def test_the_cost_is_what_the_invoice_has(self, asking: Asking, size: str | None, cost: int) -> None:
        result = asking.cut_out(options={"size": size} if size else None)
        assert result.usage.cost == asking.simulator.invoice() == cost
        assert (result.call.provider, result.call.model_used, result.call.attempts) == ("removebg", "removebg", 1)

    def test_two_readings_of_the_account_differ_by_what_was_charged(self, asking: Asking) -> None:
        before = asking.provider.inspect(asking.key)
        asking.cut_out(options={"size": "preview"})
        after = asking.provider.inspect(asking.key)
        assert before.used is not None
        assert after.used is not None
        assert (after.used - before.used) * 1_000_000 == asking.simulator.invoice() == CREDIT // 4
        assert before.limit_remaining == 100 * CREDIT

    def test_the_price_is_that_of_the_admission(self, asking: Asking) -> None:
        assert asking.cut_out(rates={"removebg": Rates(credit=Decimal("0.09"))}).usage.cost == 90_000

    @given(charged=st.decimals("0", "8", places=2), credit=st.decimals("0", "2", places=7))
    def test_a_cost_is_never_below_the_truth_and_less_than_a_micro_dollar_above(
        self, charged: Decimal, credit: Decimal
    ) -> None:
        raw = RawAnswer(body=_message(charged), media_type="message/http", complete=True)
        request = GenerationRequest(model="removebg", prompt="x", rates={"removebg": Rates(credit=credit)})
        cost = RemoveBg().reread(request, raw).usage.cost
        assert cost is not None
        assert 0 <= cost - charged * credit * 1_000_000 < 1

    @pytest.mark.parametrize("credit", [None, CREDIT_USD])
    def test_a_cost_that_is_not_told_is_unknown_and_not_nothing(self, asking: Asking, credit: Decimal | None) -> None:
        asking.credit = credit
        if credit is not None:
            asking.simulator.go_wrong("untold")
        assert asking.cut_out().usage.cost is None
        assert asking.simulator.invoice() > 0

    def test_without_a_price_nothing_is_said_of_what_was_used(self, asking: Asking) -> None:
        asking.credit = None
        assert asking.provider.inspect(asking.key).used is None

    def test_credits_that_are_used_up_are_said_to_be(self, asking: Asking) -> None:
        asking.simulator.bought = Decimal("0.5")
        error = asking.failure()
        assert (error.code, error.context, asking.simulator.invoice()) == (
            "INSUFFICIENT_CREDITS",
            {"reason": "credits"},
            0,
        )
        assert asking.cut_out(options={"size": "preview"}).usage.cost == CREDIT // 4


class TestWhatIsSent:
    def test_the_key_goes_where_remove_bg_looks_for_it_and_nowhere_else(self, asking: Asking) -> None:
        asking.cut_out()
        (sent,) = asking.simulator.log
        assert sent.headers["x-api-key"] == "…"
        assert "authorization" not in sent.headers

    def test_options_come_out_in_the_picture(self, asking: Asking) -> None:
        result = asking.cut_out(options={"size": "full", "crop": True, "format": "png"})
        cut = Image.open(io.BytesIO(result.images[0].data))
        assert (cut.size, cut.mode, result.images[0].media_type) == ((32, 32), "RGBA", "image/png")
        assert Image.open(io.BytesIO(asking.cut_out().images[0].data)).getpixel((0, 0))[3] == 0  # type: ignore[index]
        jpeg = asking.cut_out(options={"format": "jpg", "bg_color": "0000ff"}).images[0]
        assert jpeg.media_type == "image/jpeg"

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"references": ()}, "INVALID_PARAMETER"),
            ({"references": (Reference(url="https://x.example/a.png"),)}, "INVALID_PARAMETER"),
            ({"references": (Reference(data=b"x"), Reference(data=b"y"))}, "INVALID_PARAMETER"),
            ({"n": 2}, "INVALID_PARAMETER"),
            ({"references": (Reference(data=b"\x89PNG\r\n\x1a\n" + b"0" * MOST_BYTES),)}, "PAYLOAD_TOO_LARGE"),
            ({"references": (Reference(data=b"GIF89a" + b"0" * 64),)}, "INVALID_PARAMETER"),
            ({"references": (Reference(data=b"nothing of the kind"),)}, "UNSUPPORTED_MEDIA_TYPE"),
            ({"options": {"bg_image_url": "http://169.254.169.254/"}}, "INVALID_PARAMETER"),
            ({"zdr": True}, "INVALID_PARAMETER"),
        ],
    )  # fmt: skip
    def test_what_would_be_refused_there_is_not_sent(self, asking: Asking, more: dict[str, Any], code: str) -> None:
        error = asking.failure(**more)
        assert (error.code, error.charged) == (code, False)
        assert (asking.simulator.log, asking.dispatches) == ([], [])

    def test_more_pixels_than_are_taken_are_counted_by_the_header(self, asking: Asking) -> None:
        error = asking.failure(references=(Reference(data=_huge()),))
        assert (error.code, error.param, asking.simulator.log) == ("IMAGE_TOO_LARGE", "image", [])

    def test_nothing_is_sent_without_a_connection(self, asking: Asking) -> None:
        asking.url = f"http://127.0.0.1:{unused_port()}"
        error = asking.failure()
        assert (error.code, error.charged, error.retryable) == ("NETWORK_ERROR", False, True)


class TestWhatIsKept:
    def test_an_answer_that_was_kept_is_as_good_as_the_answer(self, asking: Asking) -> None:
        result = asking.cut_out(options={"size": "preview"})
        (raw,) = asking.answers
        again = asking.provider.reread(asking.request(), raw)
        assert (again.images, again.usage) == (result.images, result.usage)
        assert again.usage.cost == asking.simulator.invoice()
        assert asking.simulator.requests() == 1

    def test_half_an_answer_is_kept_as_half(self, asking: Asking) -> None:
        asking.simulator.go_wrong("cut")
        asking.failure()
        (raw,) = asking.answers
        assert not raw.complete
        with pytest.raises(DarkroomError) as raised:
            asking.provider.reread(asking.request(), raw)
        assert raised.value.charged == UNKNOWN

    @given(
        body=st.binary(max_size=64),
        headers=st.dictionaries(
            st.from_regex(r"x-[a-z]{1,9}", fullmatch=True), st.from_regex(r"[!-~]{0,9}", fullmatch=True), max_size=4
        ),
        whole=st.booleans(),
    )
    def test_keeping_loses_nothing(self, body: bytes, headers: dict[str, str], whole: bool) -> None:
        answer = Answer(200, Headers(headers), body, None if whole else BrokenOff("cut", sent=True))
        again = unkept(kept(answer, Asked("removebg", "remove.bg", paid=True)))
        assert (again.body, again.headers, again.broken is None) == (body, answer.headers, whole)


def test_what_it_cannot_do_is_refused_without_a_word_to_anybody(asking: Asking) -> None:
    told: dict[str, Any] = dict.fromkeys(("on_dispatched", "on_generation_id", "on_answer", "on_event"), pytest.fail)
    call = paid_call(asking.key, seconds=1, **told)
    messages = (ChatMessage(role="user", text="x"),)
    chat = ChatRequest(model="removebg", messages=messages, max_completion_tokens=1)
    plain = CompletionRequest(model="removebg", body={}, max_completion_tokens=1)
    raw = RawAnswer(body=b"", media_type="", complete=True)
    for ask in (
        lambda: asking.provider.chat(chat, call),
        lambda: asking.provider.complete(plain, call),
        lambda: asking.provider.reread_chat(chat, raw),
        lambda: asking.provider.reread_completion(plain, raw),
    ):
        with pytest.raises(InvalidParameter) as raised:
            ask()
        assert raised.value.param == "provider"
    assert asking.simulator.log == []


def test_it_serves_one_model_and_cuts_out_alone(asking: Asking) -> None:
    provider = asking.provider
    assert (provider.serves("removebg"), provider.serves("openai/gpt-image-2")) == ("removebg", None)
    assert (provider.skills, provider.models(asking.key)) == (frozenset({"cutout"}), ("removebg",))
    assert provider.generation("any", key=asking.key) is None


def test_an_account_that_cannot_be_read_is_an_error(asking: Asking) -> None:
    bodies: list[dict[str, Any]] = [{}, {"data": {"attributes": {"credits": {"total": None}}}}, {"data": []}]
    for body in bodies:
        with serving(patiently(response(json.dumps(body).encode()))) as server:
            asking.url = f"http://127.0.0.1:{server.port}"
            with pytest.raises(DarkroomError) as raised:
                asking.provider.inspect(asking.key)
            assert (raised.value.code, raised.value.charged) == ("UNUSABLE_ANSWER", False)


def _message(charged: Decimal) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    head = f"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\nx-credits-charged: {charged:f}\r\n\r\n"
    return head.encode() + picture.getvalue()


def _huge() -> bytes:
    """Few bytes, and more pixels than are taken."""
    picture = io.BytesIO()
    Image.new("1", (8000, 6400)).save(picture, "PNG")
    return picture.getvalue()
