"""The table: every situation that the simulators of single providers know, and what their clients make of it.

Requests are counted, and money is summed up, at the simulators. The key stands in nothing that anybody is shown.
"""

import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from darkroom.errors import DarkroomError, RateLimited
from tests.contract.providing import Memory
from tests.unit.providers.direct import CLASSES, Direct, simulating

UNKNOWN = "unknown"
CANARY = "sk-proj-CANARY0123456789abcdefCANARY0123456789"


@dataclass(frozen=True)
class Row:
    """One situation.

    Args:
        attempts: requests that arrived.
        billed: whether there is something on the invoice.
    """

    provider: str
    wrong: str
    door: str
    code: str
    status: int
    attempts: int
    charged: bool | str
    billed: bool = False
    context: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.provider}-{self.wrong}-{self.options.get('status', '')}-{self.door}"


def _everywhere(wrong: str, code: str, status: int, charged: bool | str, **more: Any) -> list[Row]:
    doors = [("openai", "pictures"), ("gemini", "pictures"), *((name, "chat") for name in CLASSES)]
    return [Row(name, wrong, door, code, status, 1, charged, **more) for name, door in doors]


TABLE = [
    # Bodies that are not whole, and an edge in front: perhaps billed, and never sent again.
    *_everywhere("cut", "NETWORK_ERROR", 502, UNKNOWN, billed=True),
    *_everywhere("truncated", "UNUSABLE_ANSWER", 502, UNKNOWN, billed=True),
    *_everywhere("page", "SERVICE_UNAVAILABLE", 503, UNKNOWN),
    *_everywhere("error", "SERVICE_UNAVAILABLE", 503, UNKNOWN, billed=True, options={"status": 500, "billed": True}),
    *_everywhere("error", "SERVICE_UNAVAILABLE", 503, UNKNOWN, options={"status": 502, "body": {"error": "x"}}),
    *_everywhere("error", "SERVICE_UNAVAILABLE", 503, UNKNOWN, options={"status": 503, "body": []}),
    *_everywhere("error", "TIMEOUT", 504, UNKNOWN, options={"status": 408, "body": {"error": {"message": "x"}}}),
    *_everywhere("error", "NETWORK_ERROR", 502, UNKNOWN, options={"status": 499}),
    *_everywhere("error", "SERVICE_UNAVAILABLE", 503, False, options={"status": 302}),
    *_everywhere("error", "CONFLICT", 409, False, options={"status": 409, "body": {"error": {"message": "x"}}}),
    *_everywhere("error", "UNUSABLE_ANSWER", 502, UNKNOWN, options={"status": 200, "body": ["x"]}),
    # In place of an answer.
    *_everywhere("error", "SERVICE_UNAVAILABLE", 503, UNKNOWN,
                 options={"status": 200, "body": {"error": {"message": "x", "type": "overloaded_error"}}}),
    Row("openai", "error", "pictures", "NO_IMAGE", 422, 1, UNKNOWN, options={"status": 200, "body": {"data": []}}),
    Row("gemini", "error", "pictures", "NO_IMAGE", 422, 1, UNKNOWN, options={"status": 200, "body": {}}),
    Row("gemini", "error", "chat", "CONTENT_REFUSED", 422, 1, UNKNOWN, options={"status": 200, "body": {
        "choices": [{"finish_reason": "content_filter: PROHIBITED_CONTENT", "message": {"role": "assistant"}}]}}),
    *[Row(name, "no_choice", "chat", "UNUSABLE_ANSWER", 502, 1, True, True) for name in CLASSES],
    *[Row(name, "model_refuses", "chat", "CONTENT_REFUSED", 422, 1, True, True) for name in CLASSES],
    # OpenAI.
    Row("openai", "refused", "pictures", "CONTENT_REFUSED", 422, 1, False),
    Row("openai", "refused_late", "pictures", "CONTENT_REFUSED", 422, 1, UNKNOWN),
    Row("openai", "busy", "pictures", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("openai", "busy", "chat", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("openai", "limited", "pictures", "RATE_LIMIT", 429, 3, False),
    Row("openai", "out_of_quota", "pictures", "INSUFFICIENT_CREDITS", 402, 1, False, context={"reason": "credits"}),
    Row("openai", "hard_limit", "pictures", "INSUFFICIENT_CREDITS", 402, 1, False),
    Row("openai", "unverified", "pictures", "FORBIDDEN", 403, 1, False, context={"reason": "verification"}),
    Row("openai", "internal", "pictures", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN),
    Row("openai", "internal", "completions", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN),
    Row("openai", "bad_gateway", "pictures", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN),
    Row("openai", "context_length", "chat", "INVALID_PROMPT", 400, 1, False),
    Row("openai", "no_picture", "pictures", "NO_IMAGE", 422, 1, True, True),
    Row("openai", "not_base64", "pictures", "UNUSABLE_ANSWER", 502, 1, True, True),
    Row("openai", "not_a_picture", "pictures", "UNUSABLE_ANSWER", 502, 1, True, True),
    # Gemini.
    Row("gemini", "refused", "pictures", "CONTENT_REFUSED", 422, 1, False,
        context={"finish_reason": "PROHIBITED_CONTENT"}),
    Row("gemini", "refused", "chat", "INVALID_PROMPT", 400, 1, False),
    Row("gemini", "busy", "pictures", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("gemini", "busy", "completions", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("gemini", "limited", "pictures", "RATE_LIMIT", 429, 3, False),
    Row("gemini", "limited", "chat", "RATE_LIMIT", 429, 3, False),
    Row("gemini", "without_billing", "pictures", "INSUFFICIENT_CREDITS", 402, 1, False),
    Row("gemini", "elsewhere", "chat", "FORBIDDEN", 403, 1, False, context={"reason": "region"}),
    Row("gemini", "forbidden", "pictures", "FORBIDDEN", 403, 1, False, context={"reason": "permission"}),
    Row("gemini", "internal", "pictures", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN),
    Row("gemini", "timed_out", "chat", "TIMEOUT", 504, 1, UNKNOWN),
    Row("gemini", "image_safety", "pictures", "CONTENT_REFUSED", 422, 1, True, True,
        context={"finish_reason": "IMAGE_SAFETY"}),
    Row("gemini", "no_picture", "pictures", "NO_IMAGE", 422, 1, True, True,
        context={"finish_reason": "NO_IMAGE", "text": "I would rather not."}),
    Row("gemini", "not_base64", "pictures", "UNUSABLE_ANSWER", 502, 1, True, True),
    Row("gemini", "not_a_picture", "pictures", "UNUSABLE_ANSWER", 502, 1, True, True),
    # Anthropic.
    Row("anthropic", "refused", "chat", "INVALID_PROMPT", 400, 1, False),
    Row("anthropic", "busy", "chat", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("anthropic", "limited", "chat", "RATE_LIMIT", 429, 3, False),
    Row("anthropic", "internal", "chat", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN),
    Row("anthropic", "timed_out", "completions", "TIMEOUT", 504, 1, UNKNOWN),
    Row("anthropic", "out_of_credit", "chat", "INSUFFICIENT_CREDITS", 402, 1, False),
    Row("anthropic", "forbidden", "chat", "FORBIDDEN", 403, 1, False),
    Row("anthropic", "too_large", "chat", "PAYLOAD_TOO_LARGE", 413, 1, False),
    Row("anthropic", "blocked", "chat", "CONTENT_REFUSED", 422, 1, UNKNOWN),
    # Groq.
    Row("groq", "refused", "chat", "INVALID_PROMPT", 400, 1, False),
    Row("groq", "busy", "chat", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("groq", "no_room", "chat", "SERVICE_UNAVAILABLE", 503, 3, False),
    Row("groq", "limited", "chat", "RATE_LIMIT", 429, 3, False),
    Row("groq", "internal", "chat", "SERVICE_UNAVAILABLE", 503, 1, UNKNOWN),
    Row("groq", "decommissioned", "chat", "UNSUPPORTED_MODEL", 400, 1, False),
    Row("groq", "tool_use_failed", "chat", "UNUSABLE_ANSWER", 502, 1, UNKNOWN),
    Row("groq", "restricted", "completions", "FORBIDDEN", 403, 1, False),
]  # fmt: skip
# What goes well all the same: it is in test_token_costs. What breaks a stream is below.
ELSEWHERE = {"slow", "no_usage", "cached", "thinking", "no_details", "no_picture", "stream_breaks"}


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Direct]]:
    with simulating(*CLASSES, key=CANARY) as running:
        yield running


@pytest.fixture
def asking(row: Row, running: dict[str, Direct], caplog: pytest.LogCaptureFixture) -> Direct:
    caplog.set_level(logging.DEBUG)
    direct = running[row.provider]
    direct.world.reset()
    direct.waits.clear()
    direct.memory = Memory()
    return direct


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_what_goes_wrong_and_what_it_costs(row: Row, asking: Direct, caplog: pytest.LogCaptureFixture) -> None:
    asking.world.go_wrong(row.wrong, **row.options)
    error = asking.failure(row.door)
    invoice = asking.world.invoice()
    found = (error.code, error.status, asking.world.requests(), error.charged, invoice > 0)
    assert found == (row.code, row.status, row.attempts, row.charged, row.billed)
    assert row.context.items() <= error.context.items()
    assert error.upstream is not None
    assert error.upstream.attempts == len(asking.memory.dispatches) == row.attempts
    # What was charged is said to the micro-dollar, or it is not said.
    if error.charged is True:
        assert error.upstream.cost_micro_usd == invoice
    if error.charged is not False:
        assert not error.retryable
    if row.wrong == "limited":
        # The provider's own wait, where it is longer than ours.
        assert asking.waits[0] >= 2
    assert error.detail
    assert error.fix
    _assert_clean(error, caplog.text)


def _assert_clean(error: DarkroomError, logged: str) -> None:
    shown = [*traceback.format_exception(error), logged, repr(error.problem()), repr(vars(error))]
    cause: BaseException | None = error
    while cause is not None:
        shown += [repr(cause), repr(vars(cause))]
        cause = cause.__cause__ or cause.__context__
    assert not [text for text in shown if CANARY in text or CANARY[8:] in text]


def test_the_table_has_every_situation_of_the_simulators(running: dict[str, Direct]) -> None:
    for name, direct in running.items():
        known = {*direct.simulator.refusals(), *direct.simulator.quirks, "cut", "truncated", "slow", "page", "error"}
        assert {row.wrong for row in TABLE if row.provider == name} | ELSEWHERE >= known


@pytest.mark.parametrize("name", CLASSES)
def test_a_refusal_behind_a_part_of_the_answer_may_have_been_paid_for_and_is_final(
    name: str, running: dict[str, Direct]
) -> None:
    direct = running[name]
    direct.world.reset()
    direct.world.go_wrong("stream_breaks")
    with pytest.raises(RateLimited) as raised:
        direct.complete(stream=True)
    assert (raised.value.charged, raised.value.retryable, direct.world.requests()) == ("unknown", False, 1)


@pytest.mark.parametrize("name", CLASSES)
def test_a_provider_that_repeats_the_key_is_not_repeated(name: str, running: dict[str, Direct]) -> None:
    direct = running[name]
    direct.world.reset()
    said = f"Key {CANARY} is bad,\n\x1b[31m Bearer {CANARY}"
    for body in ({"error": {"message": said, "type": CANARY}}, [{"error": {"message": said}}], {"error": said}):
        direct.world.go_wrong("error", status=400, body=body)
        error = direct.failure("chat")
        _assert_clean(error, "")
        assert "Key … is bad" in error.detail
        assert "\x1b" not in error.detail


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_printed_of_a_provider_has_no_key(name: str, running: dict[str, Direct]) -> None:
    direct = running[name]
    direct.world.reset()
    result = direct.talk()
    printed = f"{result!r} {direct.provider!r} {vars(direct.provider)!r} {direct.memory!r} {direct.simulator.log!r}"
    assert CANARY not in printed
