"""What OpenRouter's refusals mean, and whether they cost anything.

The words in it are the finest there is (`_vocabulary`), wherever they stand, down to what a source of OpenRouter's
said; then its sentences; then the status.

What is proven to have cost nothing: every refusal with a 4xx but 408 and 499; a 502, 503 or 529 with an error in JSON
(a failed or cancelled picture is a 502 that is not billed; the others are said before the work). A page of the edge in
front (502, 524) proves nothing, and neither do 500 and 504: the work may go on behind them.
"""

import re
from collections.abc import Mapping
from typing import Any

from darkroom import errors
from darkroom.errors import Charged, DarkroomError
from darkroom.providers import _wire
from darkroom.providers._errors import Asked, fix_for, listed, plain, retry_after, until_midnight
from darkroom.providers._http import Answer
from darkroom.providers._openrouter_complaint import Complaint
from darkroom.providers._openrouter_words import words
from darkroom.providers._vocabulary import is_about_limits

Kind = type[DarkroomError]

_UNBILLED_IF_SAID = frozenset({502, 503, 529})
_UNCLEAR_4XX = frozenset({408, 499})

_BY_STATUS: dict[int, Kind] = {**listed("any", "statuses"), **listed("openrouter", "statuses")}
_DIMENSIONS = frozenset({"aspect_ratio", "resolution", "size", "image_size"})
_PROMPT = frozenset({"prompt", "messages", "input"})


def charged_for(status: int, *, is_structured: bool) -> Charged:
    """Whether a call that was answered with this status may have been billed."""
    if status in _UNCLEAR_4XX:
        return "unknown"
    unbilled = 300 <= status < 500 or (status in _UNBILLED_IF_SAID and is_structured)
    return False if unbilled else "unknown"


def refused(answer: Answer, asked: Asked) -> DarkroomError:
    """The error that an answer other than a 200 stands for."""
    complaint = Complaint.of_answer(answer)
    charged = charged_for(answer.status, is_structured=complaint.is_structured) if asked.paid else False
    return translate(complaint, asked, charged=charged)


def translate(complaint: Complaint, asked: Asked, *, charged: Charged, cost: int | None = None) -> DarkroomError:
    """Our error for a complaint."""
    kind = _kind(complaint)
    told = complaint.said.message or complaint.message
    detail, fix, param, context = words(kind, complaint, asked, plain(told, asked.secrets))
    return kind(
        detail,
        fix=fix_for(charged, fix),
        param=param,
        retry_after=_wait(complaint, asked),
        charged=charged,
        context=context,
        retryable=_is_retryable(kind, complaint, context),
        upstream=asked.upstream(error_type=complaint.error_type, message=told, cost=cost),
    )


def _is_retryable(kind: Kind, complaint: Complaint, context: Mapping[str, Any]) -> bool:
    if kind is errors.InsufficientCredits:
        return bool(context["reason"] == "in_flight")
    if kind is errors.ServiceUnavailable and (complaint.status < 400 or complaint.status in (404, 405)):
        return False
    said = complaint.availability.get("retryable")
    # It knows better than the status, but not that a bad key or a bad request will do the next time.
    may_pass = kind.retryable or kind is errors.UnsupportedModel
    return said if may_pass and isinstance(said, bool) else kind.retryable


def _kind(complaint: Complaint) -> Kind:
    if found := complaint.said.kind(passing=True):
        return found
    if complaint.status == 404:
        return _kind_of_404(complaint)
    if found := _BY_STATUS.get(complaint.status):
        return found
    if complaint.said.status is None and complaint.status >= 500 and is_about_limits(complaint.said.message):
        return errors.RateLimited
    is_complaint = 400 <= complaint.status < 500 and complaint.status != 405
    return _kind_of_400(complaint) if is_complaint else errors.ServiceUnavailable


def _kind_of_404(complaint: Complaint) -> Kind:
    """No source for this model; or no such path, and then the address is wrong."""
    is_routing = "failed_routing_step" in complaint.metadata or "endpoints found" in complaint.message
    return errors.UnsupportedModel if is_routing else errors.ServiceUnavailable


def _kind_of_400(complaint: Complaint) -> Kind:
    message = complaint.message.lower()
    if "invalid_prompt" in complaint.said.words:
        return errors.InvalidPrompt
    named = set(complaint.params)
    if named & _DIMENSIONS or (not named and re.search(r"\b(aspect_ratio|resolution|size)\b", message)):
        return errors.InvalidDimensions
    if named & _PROMPT or "input required" in message or "at least 1 token" in message:
        return errors.InvalidPrompt
    return errors.InvalidParameter


def _wait(complaint: Complaint, asked: Asked) -> int | None:
    now = asked.now()
    if complaint.status == 429 and "per-day" in complaint.message:
        return until_midnight(now)
    said = {
        "availability": complaint.availability.get("retry_after"),
        "seconds": complaint.metadata.get("retry_after_seconds"),
        "header": _wire.mapping(complaint.metadata.get("headers")).get("Retry-After"),
    }
    return retry_after(complaint.headers, said, now)
