"""A canary for a key, and one for a picture: neither is found in any error, text, log or chain of causes."""

import base64
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from darkroom.errors import DarkroomError
from darkroom.models.generation import Reference
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouterAuth
from local.simulator import Simulator
from tests.servers import unused_port
from tests.unit.providers.asking import TALKING_PAINTER, Asking

CANARY = "sk-or-v1-CANARY0123456789abcdef0123456789abcdef0123456789abcdef01234567"
PICTURE = b"\x89PNG\r\n\x1a\nCANARYPICTURE" * 50
FRAGMENTS = (
    CANARY,
    CANARY[9:],
    base64.b64encode(CANARY.encode()).decode()[4:-4],
    "CANARYPICTURE",
    base64.b64encode(PICTURE).decode()[40:80],
)


@pytest.fixture
def asking(simulator: Simulator) -> Asking:
    simulator.state.mint("canary", secret=CANARY)
    return Asking(simulator, CANARY)


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        for name in ("darkroom_calls", "httpx", "httpcore", "darkroom"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield


def _shown(error: BaseException) -> str:
    """All that a log, a debugger's summary or a crash report would print of an error and its causes."""
    parts = [*traceback.format_exception(error)]
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        parts += [repr(current), str(current), repr(vars(current)), repr(current.args)]
        parts += [repr(value) for value in vars(current).values()]
        current = current.__cause__ or current.__context__
    if isinstance(error, DarkroomError):
        parts.append(repr(error.problem()))
    return "\n".join(parts)


def _assert_clean(text: str) -> None:
    for fragment in FRAGMENTS:
        assert fragment not in text


def _errors(asking: Asking) -> Iterator[DarkroomError]:
    for scenario in ("unknown_key", "moderation", "provider_failed", "internal", "cut_body", "truncated_json", "zod"):
        asking.simulator.reset()
        asking.simulator.scenario(scenario)
        yield asking.failure()
        yield asking.failure("painting")


def test_errors_and_their_causes_show_neither(asking: Asking, caplog: pytest.LogCaptureFixture) -> None:
    for error in _errors(asking):
        _assert_clean(_shown(error))
    _assert_clean(caplog.text)
    assert "HTTP Request: POST" in caplog.text
    assert "Connected to 127.0.0.1" in caplog.text


@pytest.mark.parametrize("door", ["images", "chat stream", "painting"])
def test_a_provider_that_repeats_them_is_not_repeated(
    door: str, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    encoded = base64.b64encode(PICTURE).decode()
    said = f"Key {CANARY} (Bearer {CANARY}) is bad, and so is\n\x1b[31m data:image/png;base64,{encoded} or {encoded}"
    metadata = {"error_type": CANARY, "raw": said, "provider_name": CANARY}
    asking.simulator.scenario("error", parameters={"status": 400, "message": said, "metadata": metadata})
    error = asking.failure(door)
    _assert_clean(_shown(error))
    _assert_clean(caplog.text)
    assert error.upstream is not None
    assert "\x1b" not in (error.upstream.message or "")
    assert len(error.detail) < 600
    assert error.detail.startswith("OpenRouter refused the request: Key … (Bearer …")


def test_a_model_that_repeats_them_in_place_of_a_picture_is_not_repeated(asking: Asking) -> None:
    asking.simulator.scenario("text_answer", parameters={"text": f"Your key is {CANARY}"})
    with pytest.raises(DarkroomError) as raised:
        asking.chat(TALKING_PAINTER, text=f"say {CANARY}", paints="also")
    _assert_clean(_shown(raised.value))


def test_requests_and_answers_do_not_show_pictures_when_they_are_printed(asking: Asking) -> None:
    reference = Reference(data=PICTURE)
    result = asking.generate(references=())
    printed = f"{reference!r} {result!r} {asking.answers!r} {asking.provider!r} {vars(asking.provider)!r}"
    _assert_clean(printed)
    assert base64.b64encode(result.images[0].data).decode()[:60] not in printed
    assert len(printed) < 6000


def test_what_is_not_sent_shows_neither(caplog: pytest.LogCaptureFixture) -> None:
    asking = Asking(Simulator(port=unused_port(), key=CANARY), CANARY)
    _assert_clean(_shown(asking.failure()))
    _assert_clean(caplog.text)


@pytest.mark.parametrize("scenario", ["invalid_code", "wrong_verifier", "expired_code", "internal", "error"])
def test_signing_in_shows_neither_code_nor_verifier(
    scenario: str, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {"message": f"bad {CANARY} and {CANARY[9:]}"} if scenario == "error" else {}
    simulator.scenario(scenario, path="/auth/keys", parameters=options)
    with pytest.raises(DarkroomError) as raised:
        OpenRouterAuth(ProviderSettings(url=simulator.url)).exchange(code=CANARY, code_verifier=CANARY[9:])
    _assert_clean(_shown(raised.value))
    _assert_clean(caplog.text)
