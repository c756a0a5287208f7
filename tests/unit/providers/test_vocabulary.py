"""What providers call it: each word of theirs, wherever it stands, is the one error that it means."""

import json
from typing import Any

import pytest

from darkroom.errors import DarkroomError
from darkroom.models.generation import Usage
from darkroom.net.http1 import Headers
from darkroom.providers import _openai_like_errors, _openrouter_errors
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer
from darkroom.providers._openrouter_complaint import Complaint
from darkroom.providers._vocabulary import DECIDED, PASSING, is_refusal, normal

OPENROUTER = Asked("openrouter", "OpenRouter", paid=True, model="m", status=200)
OPENAI = Asked("openai", "OpenAI", paid=True, model="m", status=200)

REFUSED, PURSE, KEY, MODEL, LONG, LIMIT = (
    ("CONTENT_REFUSED", 422),
    ("INSUFFICIENT_CREDITS", 402),
    ("INVALID_API_KEY", 401),
    ("UNSUPPORTED_MODEL", 400),
    ("INVALID_PROMPT", 400),
    ("RATE_LIMIT", 429),
)
# By hand, from the providers' documents and from reports of their users.
WORDS: list[tuple[str, tuple[str, int]]] = [
    # OpenRouter
    ("content_policy_violation", REFUSED),
    ("refusal", REFUSED),
    ("payment_required", PURSE),
    ("authentication", KEY),
    ("model_not_found", MODEL),
    ("model_deprecated", MODEL),
    ("context_length_exceeded", LONG),
    ("token_limit_exceeded", LONG),
    ("rate_limit_exceeded", LIMIT),
    # OpenAI, and Azure's copy of it
    ("moderation_blocked", REFUSED),
    ("content_filter", REFUSED),
    ("ResponsibleAIPolicyViolation", REFUSED),
    ("insufficient_quota", PURSE),
    ("billing_hard_limit_reached", PURSE),
    ("credit_balance_exhausted", PURSE),
    ("invalid_api_key", KEY),
    ("account_deactivated", KEY),
    ("DeploymentNotFound", MODEL),
    ("string_above_max_length", LONG),
    ("slow_down", LIMIT),
    # Google
    ("SAFETY", REFUSED),
    ("IMAGE_SAFETY", REFUSED),
    ("PROHIBITED_CONTENT", REFUSED),
    ("IMAGE_PROHIBITED_CONTENT", REFUSED),
    ("RECITATION", REFUSED),
    ("BLOCKLIST", REFUSED),
    ("SPII", REFUSED),
    ("BILLING_DISABLED", PURSE),
    ("API_KEY_INVALID", KEY),
    ("UNAUTHENTICATED", KEY),
    ("RESOURCE_EXHAUSTED", LIMIT),
    # BFL
    ("Request Moderated", REFUSED),
    ("Content Moderated", REFUSED),
    # Anthropic
    ("billing_error", PURSE),
    ("authentication_error", KEY),
    ("model_context_window_exceeded", LONG),
    ("rate_limit_error", LIMIT),
    # Groq
    ("model_decommissioned", MODEL),
    # ByteDance and Alibaba, behind OpenRouter
    ("InputTextSensitiveContentDetected", REFUSED),
    ("InternalError.Algo.DataInspectionFailed", REFUSED),
    ("Arrearage", PURSE),
]
PLACES: dict[str, Any] = {
    "code": lambda word: {"code": word, "message": "No."},
    "type": lambda word: {"type": word, "message": "No.", "code": None},
    "status": lambda word: {"code": 400, "message": "No.", "status": word},
    "error_type": lambda word: {"code": 502, "message": "Provider returned error", "metadata": {"error_type": word}},
    "raw": lambda word: {
        "code": 502,
        "message": "Provider returned error",
        "metadata": {"raw": json.dumps({"error": {"code": word, "message": "No."}}), "provider_name": "X"},
    },
    "raw object": lambda word: {"code": 502, "message": "x", "metadata": {"raw": {"error": {"type": word}}}},
    "details": lambda word: {"code": 400, "message": "No.", "details": [{"@type": "x.ErrorInfo", "reason": word}]},
    "innererror": lambda word: {"code": "BadRequest", "message": "No.", "innererror": {"code": word}},
    "the whole error": lambda word: word,
}


def answered(status: int, error: Any) -> Answer:
    return Answer(status, Headers({"content-type": "application/json"}), json.dumps({"error": error}).encode())


def of_openrouter(status: int, error: Any) -> DarkroomError:
    if status != 200:
        return _openrouter_errors.refused(answered(status, error), OPENROUTER)
    return _openrouter_errors.translate(Complaint.within(error), OPENROUTER, charged=False)


def of_openai(status: int, error: Any) -> DarkroomError:
    if status != 200:
        return _openai_like_errors.refused(answered(status, error), OPENAI)
    return _openai_like_errors.failed({"error": error}, OPENAI, Usage())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [200, 400, 422, 502])
@pytest.mark.parametrize("make", [of_openrouter, of_openai])
def test_each_word_is_one_error_wherever_it_stands(make: Any, status: int, place: str) -> None:
    for word, (code, wanted) in WORDS:
        if place == "the whole error" and " " in word:
            continue
        error = make(status, PLACES[place](word))
        assert (error.code, error.status) == (code, wanted), word
        # Only what may have passed in a moment is worth another try, and only if it has cost nothing.
        assert error.retryable is (code == "RATE_LIMIT" and error.charged is False), word


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Your request was rejected by the safety system", "CONTENT_REFUSED"),
        ("The prompt triggered Azure OpenAI's content management policy", "CONTENT_REFUSED"),
        ("Invalid prompt: your prompt was flagged as potentially violating our usage policy", "CONTENT_REFUSED"),
        ("Input data may contain inappropriate content.", "CONTENT_REFUSED"),
        ("Your credit balance is too low to access the API", "INSUFFICIENT_CREDITS"),
        ("Key limit exceeded (monthly limit). Manage it at OpenRouter", "INSUFFICIENT_CREDITS"),
        ("Incorrect API key provided: sk-…", "INVALID_API_KEY"),
        ("nobody/nothing is not a valid model ID", "UNSUPPORTED_MODEL"),
        ("The model `gpt-9.1` does not exist or you do not have access to it.", "UNSUPPORTED_MODEL"),
        ("This model's maximum context length is 8192 tokens.", "INVALID_PROMPT"),
        ("Rate limit exceeded", "RATE_LIMIT"),
        ("Internal error", "SERVICE_UNAVAILABLE"),
    ],
)  # fmt: skip
def test_a_sentence_tells_where_no_word_does(said: str, code: str) -> None:
    for error in (said, {"message": said}, {"code": "novelty", "message": said}):
        found = of_openrouter(200, error)
        assert found.code == code
        assert found.upstream is not None
        assert said.split(":")[0] in (found.upstream.message or "")


@pytest.mark.parametrize(
    "word",
    ["sexual_content_blocked", "SensitiveContentDetected", "violence-detected", "image_flagged", "PROMPT_FILTERED",
     "nsfw.content", "safety_check_violation", "OutputImageBlocked", "harmful_content"],
)  # fmt: skip
def test_a_verdict_is_a_refusal_in_words_that_the_table_lacks(word: str) -> None:
    assert is_refusal(word)
    for status in (200, 400, 502):
        error = of_openrouter(status, {"code": word, "message": "No."})
        assert (error.code, error.status, error.retryable) == ("CONTENT_REFUSED", 422, False)


@pytest.mark.parametrize(
    "word",
    ["moderation_unavailable", "safety_timeout", "image_rejected", "content_length_required", "no_image_detected",
     "ip_blocked", "data_policy_violation", "invalid_prompt", "image_generation_failed", "case_sensitive_model"],
)  # fmt: skip
def test_a_word_without_a_verdict_is_none(word: str) -> None:
    assert not is_refusal(word)
    assert of_openrouter(200, {"code": word, "message": "No."}).code != "CONTENT_REFUSED"


def test_an_unknown_word_is_told_with_its_text_and_retried_only_where_it_is_free() -> None:
    error = {"code": "quantum_flux", "message": "The flux is quantum."}
    free, unclear = of_openrouter(200, error), of_openrouter(500, error)
    assert (free.code, free.retryable, free.charged) == ("SERVICE_UNAVAILABLE", True, False)
    assert (unclear.code, unclear.retryable, unclear.charged) == ("SERVICE_UNAVAILABLE", False, "unknown")
    for each in (free, unclear):
        assert each.upstream is not None
        assert (each.upstream.error_type, each.upstream.message) == ("quantum_flux", "The flux is quantum.")


@pytest.mark.parametrize(
    ("code", "name"), [("429", "RATE_LIMIT"), (429, "RATE_LIMIT"), ("402", "INSUFFICIENT_CREDITS")]
)
def test_a_number_is_a_number_in_quotes_too(code: Any, name: str) -> None:
    assert of_openrouter(200, {"code": code, "message": "x"}).code == name
    assert of_openrouter(500, {"code": code, "message": "x"}).code == name


def test_what_a_source_says_of_its_account_is_not_said_of_the_users() -> None:
    raw = json.dumps({"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}})
    error = of_openrouter(429, {"code": 429, "message": "Provider returned error", "metadata": {"raw": raw}})
    assert (error.status, error.context["reason"], error.retryable) == (402, "source", False)
    assert "source at OpenRouter" in error.detail


def test_flagged_input_is_a_refusal_with_its_reasons_whatever_the_status() -> None:
    metadata = {"reasons": ["violence", "x" * 900, *["more"] * 90], "flagged_input": "…"}
    for status in (200, 400, 403, 502):
        error = of_openrouter(status, {"code": 403, "message": "Your input was flagged", "metadata": metadata})
        assert error.code == "CONTENT_REFUSED"
        assert error.context["reasons"][0] == "violence"
        assert len(json.dumps(error.problem())) < 4000


@pytest.mark.parametrize(
    "reason",
    ["content_filter", "content_filter: PROHIBITED_CONTENT", "SAFETY", "FINISH_REASON_SAFETY", "refusal", "RECITATION"],
)  # fmt: skip
def test_reasons_to_end_that_are_refusals(reason: str) -> None:
    assert is_refusal(reason)


@pytest.mark.parametrize("reason", ["stop", "STOP", "length", "NO_IMAGE", "tool_calls", "OTHER", "", None])
def test_reasons_to_end_that_are_none(reason: str | None) -> None:
    assert not is_refusal(reason)


def test_the_table_is_written_as_words_are_compared() -> None:
    for word in (*DECIDED, *PASSING):
        assert normal(word) == word
    assert not DECIDED.keys() & PASSING.keys()
