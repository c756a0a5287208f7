"""What to tell the reader of a refusal of OpenRouter's: what is wrong, what to do, the parameter at fault, and more."""

import re
from typing import Any, Final

from darkroom import errors
from darkroom.errors import DarkroomError
from darkroom.providers import _wire
from darkroom.providers._errors import REFUSALS, Asked, by_kind, plain
from darkroom.providers._openrouter_complaint import Complaint

Kind = type[DarkroomError]
Words = tuple[str, str, str | None, dict[str, Any]]

_MAX_ACCEPTED = 50
_MAX_REASONS = 10
_ACCEPTED = re.compile(r"Accepted: (.+?)(?:\. [A-Z][\w .]*:|;|$)")


def words(kind: Kind, complaint: Complaint, asked: Asked, said: str | None) -> Words:
    """Detail, fix, parameter and context for an error of this kind."""
    because = f": {said.rstrip('.')}." if said else "."
    if kind in _OF_SOURCES and complaint.said.is_about_source:
        detail, fix = _OF_SOURCES[kind]
        return (f"{detail}{because}", fix, None, {"reason": "source"})
    if kind is errors.UnsupportedModel:
        return _words_of_model(complaint, asked, because)
    if kind is errors.InsufficientCredits:
        return _words_of_credit(complaint)
    if kind in (errors.InvalidDimensions, errors.InvalidParameter, errors.InvalidPrompt):
        param = next(iter(complaint.params), "prompt" if kind is errors.InvalidPrompt else None)
        accepted = _ACCEPTED.search(complaint.message)
        context = {"accepted": [each.strip() for each in accepted[1].split(",")][:_MAX_ACCEPTED]} if accepted else {}
        return (f"{asked.title} refused the request{because}", "Change the request.", param, context)
    if kind is errors.AccessForbidden:
        reason = _reason_of_403(complaint)
        return (f"{asked.title} does not allow it{because}", _FORBIDDEN[reason], None, {"reason": reason})
    if kind is errors.ContentRefused:
        told = _wire.labels(complaint.metadata.get("reasons"), _MAX_REASONS)
        reasons = [shown for each in told if (shown := plain(each, asked.secrets))]
        return ("The content was refused.", "Ask for something else.", None, {"reasons": reasons} if reasons else {})
    if kind is errors.RateLimited:
        return (f"{asked.title} takes no more requests for now.", "Try again later.", None, _limits(complaint))
    detail, fix = _OTHERS.get(kind, (f"{{}} refused the request{because}", "Change the request."))
    if kind is errors.ServiceUnavailable and complaint.status in (404, 405):
        detail, fix = "{} does not know this route.", "Check the address that is configured for it."
    return (detail.replace("{}", asked.title), fix, None, {})


def _words_of_model(complaint: Complaint, asked: Asked, because: str) -> Words:
    suggestions = list(_wire.labels(complaint.availability.get("fallback_models"), _MAX_REASONS))
    fix = f"Use {' or '.join(suggestions[:3])}." if suggestions else "Choose another model."
    context: dict[str, Any] = {"suggestions": suggestions}
    if complaint.metadata.get("failed_routing_step") == "Filter by Data Policy" or complaint.error_type in (
        "privacy_restricted",
    ):
        fix = "Change the privacy settings at https://openrouter.ai/settings/privacy, or choose another model."
    return (f"{asked.title} does not offer this model here{because}", fix, "model", context)


def _words_of_credit(complaint: Complaint) -> Words:
    reason = _reason_of_402(complaint)
    detail, fix = _CREDIT[reason]
    return (detail, fix, None, {"reason": reason})


def _reason_of_402(complaint: Complaint) -> str:
    """Which of the purses is empty. Two of the five name the same source, and only the message tells them apart."""
    message = complaint.message
    if "in balance for image" in message:
        return "image_balance_floor"
    if "fewer max_tokens" in message:
        return "reservation"
    source = complaint.metadata.get("limit_source")
    reasons = {"openrouter_key_limit": "key_limit", "openrouter_in_flight_budget": "in_flight"}
    if "key limit exceeded" in message.lower():
        return "key_limit"
    return reasons.get(str(source), "in_flight" if "in-flight" in message else "credits")


def _reason_of_403(complaint: Complaint) -> str:
    if complaint.availability.get("code") == "region_restricted":
        return "region"
    if "patterns" in complaint.metadata or "guardrail" in complaint.message.lower():
        return "guardrail"
    return "budget" if "budget" in complaint.message.lower() else "permission"


def _limits(complaint: Complaint) -> dict[str, Any]:
    """How many requests there are, which is said of OpenRouter's own limits alone."""
    found = {
        name: complaint.headers[f"x-ratelimit-{name}"]
        for name in ("limit", "remaining", "reset")
        if re.fullmatch(r"\d{1,20}", complaint.headers.get(f"x-ratelimit-{name}", ""))
    }
    return {"rate_limit": found} if found else {}


# A source of OpenRouter's says so of the account that it is called with: the user's own if they keep a key of theirs at
# OpenRouter for it, OpenRouter's if not.
_OF_SOURCES: Final = by_kind("openrouter", "of_sources")
_CREDIT: Final = REFUSALS["openrouter"]["reasons_402"]
_FORBIDDEN: Final = REFUSALS["openrouter"]["reasons_403"]
_OTHERS: Final = {**by_kind("any"), **by_kind("openrouter")}
