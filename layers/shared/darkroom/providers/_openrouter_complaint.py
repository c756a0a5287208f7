"""An error as OpenRouter put it. It comes in two shapes:

    {"error": {"code": 402, "message": "…", "metadata": {"limit_source": "openrouter_key_limit"}, "availability": {…}}}
    {"success": false, "error": {"name": "ZodError", "message": "[{\\"path\\": [\\"prompt\\"], …}]"}}

`code` is the status, except within a 200 or a stream, where it may be a word. What a source of OpenRouter's answered
stands in `metadata.raw`. `_said` reads the words and the sentences of them all.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from darkroom.providers import _wire
from darkroom.providers._http import Answer
from darkroom.providers._said import MAX_SENTENCE, Said, error_within, said_in

_REQUESTED = re.compile(r"requested parameter\(s\): (.*?)\. Provider rejections")
_MAX_PARAMS = 10


class Complaint(Struct, frozen=True):
    """An error as OpenRouter put it, from whichever shape."""

    status: int
    message: str = ""
    said: Said = field(default_factory=Said)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    availability: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    param: str | None = None
    is_structured: bool = True

    @classmethod
    def of_answer(cls, answer: Answer) -> "Complaint":
        try:
            error = error_within(_wire.parse_json(answer.body))
        except ValueError:
            error = None
        if not error:
            return cls(answer.status, headers=answer.headers, is_structured=False)
        if _wire.mapping(error).get("name") == "ZodError":
            message, param = _zod(_wire.mapping(error))
            return cls(answer.status, message, headers=answer.headers, param=param)
        return cls._of_error(error, answer.status, answer.headers)

    @classmethod
    def within(cls, error: Any) -> "Complaint":
        """An `error` that came within a 200."""
        return cls._of_error(error, 200, {})

    @classmethod
    def _of_error(cls, error: Any, status: int, headers: Mapping[str, str]) -> "Complaint":
        found, said = _wire.mapping(error), said_in(error)
        return cls(
            said.status_with(status),
            (_wire.text(found.get("message")) or next(iter(said.sentences), ""))[:MAX_SENTENCE],
            said,
            _wire.mapping(found.get("metadata")),
            _wire.mapping(found.get("availability")),
            headers,
            _wire.label(found.get("param")),
        )

    @property
    def error_type(self) -> str | None:
        own = (self.metadata.get("error_type"), self.availability.get("code"), *self.said.words)
        return next(filter(None, map(_wire.label, own)), None)

    @property
    def params(self) -> tuple[str, ...]:
        """The parameters that are complained of."""
        requested = _REQUESTED.search(self.message)
        found = re.findall(r'(\w+) "', requested[1])[:_MAX_PARAMS] if requested else []
        constraint = _wire.label(_wire.mapping(self.availability.get("constraint")).get("field"))
        return tuple(name for name in (self.param, *found, constraint) if name)


def _zod(error: Mapping[str, Any]) -> tuple[str, str | None]:
    """Message, and the first parameter at fault, of a document within a string."""
    try:
        issues = _wire.sequence(_wire.parse_json(str(error.get("message"))))
    except ValueError:
        issues = ()
    first = _wire.mapping(issues[0]) if issues else {}
    path = [str(step) for step in _wire.sequence(first.get("path"))]
    return (_wire.text(first.get("message")) or "")[:MAX_SENTENCE], _wire.label(path[0]) if path else None
