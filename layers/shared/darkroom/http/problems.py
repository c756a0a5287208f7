"""Errors as they go out: problem details (RFC 9457) that carry OpenAI's `error`, and the headers beside them."""

import json
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any, Final

from darkroom.errors import DarkroomError, InternalError, InvalidParameter, InvalidPrompt
from darkroom.errors.names import shown_name
from darkroom.models.caller import Caller
from darkroom.models.form_values import is_prompt_fault

_MOST_FAULTS: Final = 20
_DEEPEST_PLACE: Final = 12
_WORDS: Final = {
    "tuple_type": "A list is expected.",
    "list_type": "A list is expected.",
    "dict_type": "An object is expected.",
    "model_type": "An object is expected.",
    "model_attributes_type": "An object is expected.",
    "extra_forbidden": "There is no such field.",
}


def unknown_error() -> InternalError:
    return InternalError("Something went wrong here, not with your request.", fix="Try again; the log has it.")


def problem_answer(error: DarkroomError, request_id: str) -> dict[str, Any]:
    headers = {"content-type": "application/problem+json", **retry_header(retryable=error.retryable)}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    job = error.context.get("job")
    if isinstance(job, dict) and "urls" in job:
        headers["location"] = job["urls"]["get"]
    if "allowed" in error.context:
        headers["allow"] = ", ".join(error.context["allowed"])
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = json.dumps(error.problem(instance=f"urn:darkroom:request:{request_id}" if request_id else None))
    return {"statusCode": error.status, "headers": headers, "body": body, "isBase64Encoded": False}


def retry_header(*, retryable: bool) -> dict[str, str]:
    """What the openai SDK obeys before its own rules, which would send again what may have been paid for."""
    return {"x-should-retry": "true" if retryable else "false"}


def invalid_parameter(faults: Any, fields: Collection[str] = ()) -> InvalidParameter | InvalidPrompt:
    """One error for pydantic's list of faults, which names the first field at fault and lists the first twenty.

    It is InvalidPrompt where the first of them is that the prompt says nothing, or too much.

    Args:
        faults: as from `ValidationError.errors()`.
        fields: that there are; the one that a wrong name is like is told.
    """
    named = [(_place(fault["loc"]), fault) for fault in faults[:_MOST_FAULTS]]
    param, first = named[0]
    kind = InvalidPrompt if is_prompt_fault(first) else InvalidParameter
    return kind(
        f"`{param}`: {_sentence(first)}" if param else _sentence(first),
        fix=f"{_meant(first, fields)}Correct the named field; docs/api.md says what each one takes.",
        param=param or None,
        context={
            "faults": [{"param": name or None, "message": _sentence(fault)} for name, fault in named],
            "fault_count": len(faults),
        },
    )


def _meant(fault: Any, fields: Collection[str]) -> str:
    if fault["type"] != "extra_forbidden" or len(fault["loc"]) != 1:
        return ""
    near = get_close_matches(str(fault["loc"][0]).lower(), fields, n=1)
    return f"Did you mean `{near[0]}`? " if near else ""


def _place(parts: Sequence[str | int]) -> str:
    """Where a fault is. Names of fields are callers' own where they are wrong."""
    return ".".join(shown_name(str(part)) for part in parts[:_DEEPEST_PLACE] if part not in ("body", "query"))


def _sentence(fault: Any) -> str:
    """Pydantic's message without what it puts before those of our own, and without Python's words."""
    kind = str(fault.get("type", ""))
    if kind in _WORDS:
        return _WORDS[kind]
    return (
        f"{str(fault['msg']).removeprefix('Value error, ').replace(' after validation', '').replace('Tuple', 'List')}."
    )


def advise(error: DarkroomError, caller: Caller | None) -> None:
    """Has the way to connect OpenRouter be one that this caller can go."""
    if "connect" not in error.context or caller is None:
        return
    if caller.is_restricted:
        error.fix = (
            "This API token has spending limits, so it cannot connect a key. Use a token without limits, or ask for it "
            f"the person whose account {caller.user} is."
        )
    elif caller.session is not None:
        error.fix = f"Open {error.context['connect']} in this browser, which is signed in as {caller.user}."
