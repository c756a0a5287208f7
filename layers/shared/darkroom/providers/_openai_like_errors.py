"""What the refusals of providers mean that speak OpenAI's language, or nearly, and whether they cost anything.

    {"error": {"message": "…", "type": "invalid_request_error", "param": "size", "code": "invalid_value"}}  OpenAI, Groq
    {"type": "error", "error": {"type": "overloaded_error", "message": "…"}, "request_id": "req_…"}  Anthropic
    [{"error": {"code": 429, "message": "…", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "….RetryInfo", "retryDelay": "34s"}, {"@type": "….ErrorInfo", "reason": "API_KEY_INVALID"}]}}]  Gemini

(Gemini's comes with and without the list around it.) The words in it are the finest there is; then what the message
says; then the status.

What is proven to have cost nothing: every refusal with a 4xx but 408 and 499, and a 503 or 529 with an error in JSON,
which is said before the work. A 500, 502 or 504 proves nothing, nor does a page of the edge in front. A picture that
was refused once it was there (OpenAI's moderation of the output), and an answer that does not follow its schema or that
was blocked on its way out (Groq, Anthropic), may have been billed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from darkroom.errors import (
    AccessForbidden,
    Charged,
    Conflict,
    ContentRefused,
    DarkroomError,
    InsufficientCredits,
    InvalidApiKey,
    InvalidDimensions,
    InvalidParameter,
    InvalidPrompt,
    NetworkError,
    PayloadTooLarge,
    ProviderTimeout,
    RateLimited,
    ServiceUnavailable,
    UnsupportedModel,
    UnusableAnswer,
)
from darkroom.models.generation import Usage
from darkroom.providers import _wire
from darkroom.providers._errors import Asked, charged_by, fix_for, plain, retry_after
from darkroom.providers._http import Answer

Kind = type[DarkroomError]
Words = tuple[str, str, dict[str, Any]]

_UNBILLED_IF_SAID = frozenset({503, 529})
_UNCLEAR_4XX = frozenset({408, 499})
_BY_WORD: dict[str, Kind] = {
    "invalid_api_key": InvalidApiKey,
    "api_key_invalid": InvalidApiKey,
    "authentication_error": InvalidApiKey,
    "unauthenticated": InvalidApiKey,
    "insufficient_quota": InsufficientCredits,
    "billing_hard_limit_reached": InsufficientCredits,
    "billing_not_active": InsufficientCredits,
    "billing_error": InsufficientCredits,
    "moderation_blocked": ContentRefused,
    "content_policy_violation": ContentRefused,
    "content_filter": ContentRefused,
    "model_not_found": UnsupportedModel,
    "model_decommissioned": UnsupportedModel,
    "context_length_exceeded": InvalidPrompt,
    "string_above_max_length": InvalidPrompt,
    "request_too_large": PayloadTooLarge,
    "permission_error": AccessForbidden,
    "permission_denied": AccessForbidden,
    "overloaded_error": ServiceUnavailable,
    "tool_use_failed": UnusableAnswer,
    "json_validate_failed": UnusableAnswer,
    "output_parse_failed": UnusableAnswer,
}
_BLOCKED: Final = re.compile(r"output blocked by content filtering", re.IGNORECASE)
_BY_MESSAGE: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"api key (?:not valid|expired|not found)|invalid api key", re.IGNORECASE), InvalidApiKey),
    # A quota of nothing is what an account without billing has.
    (
        re.compile(r"credit balance is too low|exceeded your current quota.*\blimit: 0\b", re.DOTALL),
        InsufficientCredits,
    ),
    (_BLOCKED, ContentRefused),
    (re.compile(r"location is not supported"), AccessForbidden),
    (re.compile(r"prompt is too long|maximum context length|exceeds the maximum number of tokens"), InvalidPrompt),
)
_BY_STATUS: dict[int, Kind] = {
    401: InvalidApiKey,
    402: InsufficientCredits,
    403: AccessForbidden,
    408: ProviderTimeout,
    409: Conflict,
    413: PayloadTooLarge,
    429: RateLimited,
    498: ServiceUnavailable,  # Groq has no room for this tier of service
    499: NetworkError,
    504: ProviderTimeout,
    524: ProviderTimeout,
}
_DIMENSIONS = frozenset({"size", "aspect_ratio", "resolution"})
_PROMPT = ("prompt", "messages", "contents")


@dataclass(frozen=True)
class Complaint:
    """An error as a provider put it, from whichever shape.

    Args:
        words: what it calls itself, in small letters.
        delay: seconds to wait, as the body has them.
        is_moderated_late: whether it is about what was made, not about what was asked for.
    """

    status: int
    message: str = ""
    words: tuple[str, ...] = ()
    param: str | None = None
    delay: str | None = None
    is_moderated_late: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    is_structured: bool = True

    @property
    def is_late(self) -> bool:
        """Whether the work was done when it came."""
        made = any(_BY_WORD.get(word) is UnusableAnswer for word in self.words)
        return self.is_moderated_late or made or bool(_BLOCKED.search(self.message))

    @classmethod
    def of_answer(cls, answer: Answer) -> "Complaint":
        try:
            value = _wire.parse_json(answer.body)
        except ValueError:
            value = None
        return cls.of_value(value, answer.status, answer.headers)

    @classmethod
    def of_value(cls, value: Any, status: int, headers: Mapping[str, str]) -> "Complaint":
        first = value[0] if isinstance(value, list) and value else value
        said = _wire.mapping(first).get("error")
        if isinstance(said, str):
            return cls(status, said, headers=headers)
        error = _wire.mapping(said)
        if not error:
            return cls(status, headers=headers, is_structured=False)
        details = [_wire.mapping(each) for each in _wire.sequence(error.get("details"))]
        named = [error.get(name) for name in ("code", "type", "status")] + [each.get("reason") for each in details]
        delays = (_wire.text(each.get("retryDelay")) for each in details)
        return cls(
            status,
            _wire.text(error.get("message")) or "",
            tuple(word.lower() for word in named if isinstance(word, str) and word),
            _wire.text(error.get("param")),
            next((delay.removesuffix("s") for delay in delays if delay), None),
            _wire.mapping(error.get("moderation_details")).get("moderation_stage") == "output",
            headers,
        )


def charged_for(complaint: Complaint) -> Charged:
    """Whether a call that was answered with this may have been billed."""
    status = complaint.status
    if status in _UNCLEAR_4XX or complaint.is_late:
        return "unknown"
    unbilled = 300 <= status < 500 or (status in _UNBILLED_IF_SAID and complaint.is_structured)
    return False if unbilled else "unknown"


def refused(answer: Answer, asked: Asked) -> DarkroomError:
    """The error that an answer other than a 200 stands for."""
    complaint = Complaint.of_answer(answer)
    return translate(complaint, asked, charged=charged_for(complaint) if asked.paid else False)


def failed(value: Any, asked: Asked, usage: Usage) -> DarkroomError:
    """The error that came in place of an answer, within a 200: unless its counts tell, nobody says what that cost."""
    return translate(Complaint.of_value(value, 502, {}), asked, charged=charged_by(usage), cost=usage.cost)


def translate(complaint: Complaint, asked: Asked, *, charged: Charged, cost: int | None = None) -> DarkroomError:
    """Our error for a complaint."""
    kind = _kind(complaint)
    detail, fix, context = _words(kind, complaint, asked)
    may_pass = not (kind is ServiceUnavailable and (complaint.status < 400 or complaint.status in (404, 405)))
    return kind(
        detail,
        fix=fix_for(charged, fix),
        param="model" if kind is UnsupportedModel else complaint.param,
        retry_after=retry_after(complaint.headers, {"delay": complaint.delay}, asked.now()),
        charged=charged,
        context=context,
        retryable=kind.retryable and may_pass,
        upstream=asked.upstream(error_type=next(iter(complaint.words), None), message=complaint.message, cost=cost),
    )


def _kind(complaint: Complaint) -> Kind:
    for word in complaint.words:
        if word in _BY_WORD:
            return _BY_WORD[word]
    for pattern, kind in _BY_MESSAGE:
        if pattern.search(complaint.message):
            return kind
    if complaint.status == 404:
        # Otherwise it is the address that is wrong.
        return UnsupportedModel if "model" in complaint.message.lower() else ServiceUnavailable
    if complaint.status in _BY_STATUS:
        return _BY_STATUS[complaint.status]
    if not 400 <= complaint.status < 500 or complaint.status == 405:
        return ServiceUnavailable
    param = complaint.param or ""
    if param in _DIMENSIONS:
        return InvalidDimensions
    return InvalidPrompt if param.startswith(_PROMPT) else InvalidParameter


def _words(kind: Kind, complaint: Complaint, asked: Asked) -> Words:
    """Detail, fix and context for an error of this kind."""
    said = plain(complaint.message, asked.secrets)
    because = f": {said.rstrip('.')}." if said else "."
    if kind is AccessForbidden:
        reason = _reason_of_403(complaint.message)
        return f"{asked.title} does not allow it{because}", _FORBIDDEN[reason], {"reason": reason}
    if kind is InsufficientCredits:
        return f"The account at {asked.title} is out of credit.", "Add credit there.", {"reason": "credits"}
    if kind is ServiceUnavailable and complaint.status in (404, 405):
        return f"{asked.title} does not know this route.", "Check the address that is configured for it.", {}
    detail, fix = _OTHERS.get(kind, ("{} refused the request" + because, "Change the request."))
    return detail.replace("{}", asked.title).replace("{because}", because), fix, {}


def _reason_of_403(message: str) -> str:
    if "verif" in message.lower():
        return "verification"
    return "region" if "location" in message or "region" in message else "permission"


_FORBIDDEN = {
    "verification": "Have the organization verified in the provider's settings, or choose another model.",
    "region": "Choose another provider: this one is not offered in the region.",
    "permission": "Use a key that may do this.",
}
_OTHERS: dict[Kind, tuple[str, str]] = {
    InvalidApiKey: ("{} does not accept the API key.", "Store another key."),
    UnsupportedModel: ("{} does not offer this model{because}", "Choose another model."),
    ContentRefused: ("The content was refused.", "Ask for something else."),
    UnusableAnswer: ("The model's answer at {} does not have the shape that was asked for.", "Choose another model."),
    RateLimited: ("{} takes no more requests for now.", "Try again later."),
    PayloadTooLarge: ("The request is larger than {} takes.", "Send fewer or smaller pictures."),
    ServiceUnavailable: ("{} cannot serve the request at the moment.", "Try again in a moment."),
    ProviderTimeout: ("{} did not finish in time.", "Try again in a moment."),
    NetworkError: ("{} broke off the request.", "Try again in a moment."),
    Conflict: ("{} has a conflicting request at the same time.", "Try again in a moment."),
}
