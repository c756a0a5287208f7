"""What the refusals of providers mean that speak OpenAI's language, or nearly, and whether they cost anything.

    {"error": {"message": "…", "type": "invalid_request_error", "param": "size", "code": "invalid_value"}}  OpenAI, Groq
    {"type": "error", "error": {"type": "overloaded_error", "message": "…"}, "request_id": "req_…"}  Anthropic
    [{"error": {"code": 429, "message": "…", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "….RetryInfo", "retryDelay": "34s"}, {"@type": "….ErrorInfo", "reason": "API_KEY_INVALID"}]}}]  Gemini

(Gemini's comes with and without the list around it.) The words in it are the finest there is (`_vocabulary`); then what
the message says; then the status.

What is proven to have cost nothing: every refusal with a 4xx but 408 and 499, and a 503 or 529 with an error in JSON,
which is said before the work. A 500, 502 or 504 proves nothing, nor does a page of the edge in front. A picture that
was refused once it was there (OpenAI's moderation of the output), and an answer that does not follow its schema or that
was blocked on its way out (Groq, Anthropic), may have been billed.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field

from darkroom import errors
from darkroom.errors import Charged, DarkroomError
from darkroom.models.generation import Usage
from darkroom.providers import _wire
from darkroom.providers._errors import REFUSALS, Asked, by_kind, fix_for, listed, plain, retry_after
from darkroom.providers._http import Answer
from darkroom.providers._said import MAX_SENTENCE, Said, error_within, said_in

Kind = type[DarkroomError]
Words = tuple[str, str, dict[str, Any]]

_UNBILLED_IF_SAID = frozenset({503, 529})
_UNCLEAR_4XX = frozenset({408, 499})
_BLOCKED: Final = re.compile(r"output blocked by content filtering", re.IGNORECASE)
# Said before any work is begun: these cost nothing, whatever they come in.
_BEFOREHAND: Final = (
    errors.InvalidApiKey,
    errors.InsufficientCredits,
    errors.UnsupportedModel,
    errors.AccessForbidden,
    errors.RateLimited,
)
# 498: Groq has no room for a tier of service.
_BY_STATUS: dict[int, Kind] = {**listed("any", "statuses"), **listed("openai_like", "statuses")}
_MAX_DETAILS: Final = 20
_DIMENSIONS = frozenset({"size", "aspect_ratio", "resolution"})
_PROMPT = ("prompt", "messages", "contents")


class Complaint(Struct, frozen=True):
    """An error as a provider put it, from whichever shape.

    Args:
        delay: seconds to wait, as the body has them.
        is_moderated_late: whether it is about what was made, not about what was asked for.
    """

    status: int
    message: str = ""
    said: Said = field(default_factory=Said)
    param: str | None = None
    delay: str | None = None
    is_moderated_late: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    is_structured: bool = True

    @property
    def is_late(self) -> bool:
        """Whether the work was done when it came."""
        made = self.said.kind(passing=False) is errors.UnusableAnswer
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
        error = error_within(value)
        if not error:
            return cls(status, headers=headers, is_structured=False)
        said, found = said_in(error), _wire.mapping(error)
        status = said.status_with(status)
        details = [_wire.mapping(each) for each in _wire.sequence(found.get("details"))[:_MAX_DETAILS]]
        delays = (_wire.label(each.get("retryDelay")) for each in details)
        return cls(
            status,
            (_wire.text(found.get("message")) or said.message)[:MAX_SENTENCE],
            said,
            _wire.label(found.get("param")),
            next((delay.removesuffix("s") for delay in delays if delay), None),
            _wire.mapping(found.get("moderation_details")).get("moderation_stage") == "output",
            headers,
        )


def charged_for(complaint: Complaint, status: int) -> Charged:
    """Whether a call that was answered with this status, and this error, may have been billed."""
    if status in _UNCLEAR_4XX or complaint.is_late:
        return "unknown"
    unbilled = 300 <= status < 500 or (status in _UNBILLED_IF_SAID and complaint.is_structured)
    return False if unbilled else "unknown"


def refused(answer: Answer, asked: Asked) -> DarkroomError:
    """The error that an answer other than a 200 stands for."""
    complaint = Complaint.of_answer(answer)
    return translate(complaint, asked, charged=charged_for(complaint, answer.status) if asked.paid else False)


def failed(value: Any, asked: Asked, usage: Usage, *, is_begun: bool = False) -> DarkroomError:
    """The error that came in place of an answer, within a 200: what it cost is unknown unless its counts tell.

    Args: is_begun: whether it came behind a part of the answer.
    """
    complaint = Complaint.of_value(value, 200, {})
    charged = usage.charged
    if charged == "unknown" and not is_begun and issubclass(_kind(complaint), _BEFOREHAND):
        charged = False
    return translate(complaint, asked, charged=charged, cost=usage.cost)


def translate(complaint: Complaint, asked: Asked, *, charged: Charged, cost: int | None = None) -> DarkroomError:
    """Our error for a complaint."""
    kind = _kind(complaint)
    detail, fix, context = _words(kind, complaint, asked)
    may_pass = not (kind is errors.ServiceUnavailable and (complaint.status < 400 or complaint.status in (404, 405)))
    return kind(
        detail,
        fix=fix_for(charged, fix),
        param="model" if kind is errors.UnsupportedModel else complaint.param,
        retry_after=retry_after(complaint.headers, {"delay": complaint.delay}, asked.now()),
        charged=charged,
        context=context,
        retryable=kind.retryable and may_pass,
        upstream=asked.upstream(
            error_type=next(iter(complaint.said.words), None), message=complaint.message, cost=cost
        ),
    )


def _kind(complaint: Complaint) -> Kind:
    if found := complaint.said.kind(passing=True):
        return found
    if complaint.status == 404:
        # Otherwise it is the address that is wrong.
        return errors.UnsupportedModel if "model" in complaint.message.lower() else errors.ServiceUnavailable
    if complaint.status in _BY_STATUS:
        return _BY_STATUS[complaint.status]
    if not 400 <= complaint.status < 500 or complaint.status == 405:
        return errors.ServiceUnavailable
    if "invalid_prompt" in complaint.said.words:
        return errors.InvalidPrompt
    param = complaint.param or ""
    if param in _DIMENSIONS:
        return errors.InvalidDimensions
    return errors.InvalidPrompt if param.startswith(_PROMPT) else errors.InvalidParameter


def _words(kind: Kind, complaint: Complaint, asked: Asked) -> Words:
    """Detail, fix and context for an error of this kind."""
    said = plain(complaint.message, asked.secrets)
    because = f": {said.rstrip('.')}." if said else "."
    if kind is errors.AccessForbidden:
        reason = _reason_of_403(complaint.message)
        return f"{asked.title} does not allow it{because}", _FORBIDDEN[reason], {"reason": reason}
    if kind is errors.InsufficientCredits:
        return f"The account at {asked.title} is out of credit.", "Add credit there.", {"reason": "credits"}
    if kind is errors.ServiceUnavailable and complaint.status in (404, 405):
        return f"{asked.title} does not know this route.", "Check the address that is configured for it.", {}
    detail, fix = _OTHERS.get(kind, ("{} refused the request" + because, "Change the request."))
    return detail.replace("{}", asked.title).replace("{because}", because), fix, {}


def _reason_of_403(message: str) -> str:
    if "verif" in message.lower():
        return "verification"
    return "region" if "location" in message or "region" in message else "permission"


_FORBIDDEN: Final = REFUSALS["openai_like"]["reasons_403"]
_OTHERS: Final = {**by_kind("any"), **by_kind("openai_like")}
