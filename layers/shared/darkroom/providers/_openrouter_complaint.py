"""An error as OpenRouter put it. It comes in two shapes:

    {"error": {"code": 402, "message": "…", "metadata": {"limit_source": "openrouter_key_limit"}, "availability": {…}}}
    {"success": false, "error": {"name": "ZodError", "message": "[{\\"path\\": [\\"prompt\\"], …}]"}}

`code` is the status, except within a 200 or a stream, where it may be a word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from darkroom.providers import _wire
from darkroom.providers._http import Answer

# The words that stand for a status within a 200.
_WORDS = {"server_error": 502, "upstream_error": 502, "rate_limit_exceeded": 429, "invalid_request_error": 400}
_REQUESTED = re.compile(r"requested parameter\(s\): (.*?)\. Provider rejections")


@dataclass(frozen=True)
class Complaint:
    """An error as OpenRouter put it, from whichever shape."""

    status: int
    message: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    availability: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    param: str | None = None
    is_structured: bool = True

    @classmethod
    def of_answer(cls, answer: Answer) -> "Complaint":
        try:
            error = _wire.mapping(_wire.mapping(_wire.parse_json(answer.body)).get("error"))
        except ValueError:
            error = {}
        if not error:
            return cls(answer.status, headers=answer.headers, is_structured=False)
        if error.get("name") == "ZodError":
            message, param = _zod(error)
            return cls(answer.status, message, headers=answer.headers, param=param)
        return cls._of_error(error, answer.status, answer.headers)

    @classmethod
    def within(cls, error: Any) -> "Complaint":
        """An `error` that came within a 200."""
        found = _wire.mapping(error)
        code = found.get("code")
        if isinstance(code, str) and re.fullmatch(r"[45][0-9]{2}", code):
            code = int(code)
        status = code if isinstance(code, int) else _WORDS.get(str(code), 502)
        return cls._of_error(found, status if 400 <= status < 600 else 502, {})

    @classmethod
    def _of_error(cls, error: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> "Complaint":
        return cls(
            status,
            _wire.text(error.get("message")) or "",
            _wire.mapping(error.get("metadata")),
            _wire.mapping(error.get("availability")),
            headers,
            _wire.text(error.get("param")),
        )

    @property
    def error_type(self) -> str | None:
        return _wire.text(self.metadata.get("error_type")) or _wire.text(self.availability.get("code"))

    @property
    def params(self) -> tuple[str, ...]:
        """The parameters that are complained of."""
        requested = _REQUESTED.search(self.message)
        found = re.findall(r'(\w+) "', requested[1]) if requested else []
        constraint = _wire.text(_wire.mapping(self.availability.get("constraint")).get("field"))
        return tuple(name for name in (self.param, *found, constraint) if name)


def _zod(error: Mapping[str, Any]) -> tuple[str, str | None]:
    """Message, and the first parameter at fault, of a document within a string."""
    try:
        issues = _wire.sequence(_wire.parse_json(str(error.get("message"))))
    except ValueError:
        issues = ()
    first = _wire.mapping(issues[0]) if issues else {}
    path = [str(step) for step in _wire.sequence(first.get("path"))]
    return _wire.text(first.get("message")) or "", path[0] if path else None
