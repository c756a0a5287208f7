"""A response as OpenAI's API has it, and the stream of events that tells of one while it is made."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from darkroom.http.doors.responses_output import Output
from darkroom.http.doors.responses_request import Asked
from darkroom.http.server_events import event

# How a choice ended that is not complete.
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Draft:
    """A response that is being made.

    Args:
        suffix: of its id and those of its items.
        created: seconds since the epoch.
        send: takes each event of a stream, as it is written; None where nothing is streamed.
    """

    def __init__(self, asked: Asked, suffix: str, created: int, send: Callable[[str], None] | None) -> None:
        self._asked = asked
        self._suffix = suffix
        self._created = created
        self._send = send
        self._number = 0
        name = asked.picture.name if asked.picture else None
        self.output = Output(suffix, name, self._tell, seals=asked.wants_reasoning_back)
        self._model = asked.order.model or ""
        self._has_begun = False

    @property
    def has_words(self) -> bool:
        return self.output.has_begun

    def __call__(self, data: str) -> bool:
        """Passes on a chunk of the provider's. Implements ports.OnEvent."""
        try:
            frame = json.loads(data, parse_constant=lambda _name: None)
        except (ValueError, RecursionError):
            frame = None
        if isinstance(frame, dict) and not frame.get("error"):
            self._model = str(frame.get("model") or self._model)
            for choice in _objects(frame.get("choices"))[:1]:
                self.output.feed(_object(choice.get("delta")), choice.get("logprobs"))
        return self.output.has_begun

    def take(self, completion: Mapping[str, Any]) -> str | None:
        """All that a model said, where it was not passed on; why it is not complete, if it is not."""
        choice = next(iter(_objects(completion.get("choices"))), {})
        if not self.output.has_begun:
            self.output.feed(_object(choice.get("message")), choice.get("logprobs"))
        reason = _INCOMPLETE.get(str(choice.get("finish_reason")))
        self.output.end_words(status="incomplete" if reason else "completed")
        return reason

    def whole(
        self, *, model: str, usage: Any, reason: str | None, ended: int, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The response as it is in the end; a stream's last event is told with it.

        Args:
            usage: as chat tells it.
            reason: why it is incomplete.
        """
        status = "incomplete" if reason else "completed"
        response = {
            **self._around(status, model or self._model, self.output.value),
            "completed_at": None if reason else ended,
            "incomplete_details": {"reason": reason} if reason else None,
            "usage": _usage(usage, facts),
            "darkroom": facts,
        }
        self._tell(f"response.{status}", {"response": response})
        return response

    def _tell(self, kind: str, told: Mapping[str, Any]) -> None:
        if self._send is None:
            return
        if not self._has_begun:
            self._has_begun = True
            begun = self._around("in_progress", self._model, [])
            self._tell("response.created", {"response": begun})
            self._tell("response.in_progress", {"response": begun})
        data = {"type": kind, "sequence_number": self._number, **told}
        self._number += 1
        self._send(event(data, kind))

    def _around(self, status: str, model: str, output: Sequence[Any]) -> dict[str, Any]:
        order = self._asked.order
        reasoning, text = order.reasoning or {}, order.text or {}
        extra = order.model_extra or {}
        known = ("prompt_cache_key", "safety_identifier", "user")
        return {
            "id": f"resp_{self._suffix}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "completed_at": None,
            "error": None,
            "frequency_penalty": extra.get("frequency_penalty"),
            "incomplete_details": None,
            "instructions": order.instructions,
            "max_output_tokens": order.max_output_tokens,
            "max_tool_calls": order.max_tool_calls,
            "metadata": order.metadata or {},
            "model": model,
            "output": list(output),
            "parallel_tool_calls": order.parallel_tool_calls is not False,
            "presence_penalty": extra.get("presence_penalty"),
            "previous_response_id": None,
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "service_tier": extra.get("service_tier") or "default",
            "store": False,
            "temperature": 1.0 if order.temperature is None else order.temperature,
            "text": {"format": {"type": "text"}, **{name: value for name, value in text.items() if value is not None}},
            "tool_choice": "auto" if order.tool_choice is None else order.tool_choice,
            "tools": [_tool(each) for each in order.tools or ()],
            "top_logprobs": order.top_logprobs or 0,
            "top_p": 1.0 if order.top_p is None else order.top_p,
            "truncation": order.truncation or "disabled",
            "usage": None,
            **{name: extra[name] for name in known if extra.get(name) is not None},
        }


def _tool(given: Mapping[str, Any]) -> dict[str, Any]:
    """As OpenAI's answers have it: of a function, all fields that its schema requires."""
    required = {"parameters": None, "strict": None} if given.get("type") == "function" else {}
    return {**required, **given}


def _usage(given: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    told = _object(given)
    read, written = _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))
    inside, outside = _object(told.get("prompt_tokens_details")), _object(told.get("completion_tokens_details"))
    return {
        "input_tokens": read,
        "input_tokens_details": {
            "cached_tokens": _count(inside.get("cached_tokens")),
            "cache_write_tokens": _count(inside.get("cache_write_tokens")),
        },
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": _count(outside.get("reasoning_tokens"))},
        "total_tokens": read + written,
        "cost": facts["cost_usd"],
    }


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
