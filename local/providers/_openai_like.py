"""Simulators of providers that speak OpenAI's language: the list of models, and conversations.

The body is checked as the real ones check it: a field that is not known, a model that is not there, a picture where
none may stand are refused. Answers are those of the planner in OpenRouter's simulator; prices are the simulators' own.
"""

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from PIL import Image

from darkroom.models.catalogue import PriceLine, TokenPrices
from darkroom.models.rates import Rates
from darkroom.providers._http import EVENTS
from local.providers._base import Refused, Route, Simulator
from local.providers._server import Request
from local.simulator import errors, planner, tools
from local.simulator.chat_request import pictures_of, text_of
from local.simulator.delivery import DONE, Reply, event
from local.simulator.image_request import load_image

ZERO = Decimal(0)
THOUGHT_TOKENS = 200
_LOOKED_AT_TOKENS = 765
_ALWAYS = frozenset(
    {"model", "messages", "tools", "tool_choice", "temperature", "top_p", "stop", "stream", "stream_options", "n"}
)
_MILLION = Decimal(1_000_000)
_PIECE = 8


@dataclass(frozen=True)
class Prices:
    """Dollars per million tokens."""

    text_in: str
    text_out: str = "0"
    cached_in: str | None = None
    images_in: str | None = None
    images_out: str | None = None

    def of(self, name: str) -> Decimal:
        return Decimal(getattr(self, name) or self.text_in) / _MILLION


@dataclass(frozen=True)
class Model:
    """Args:
    id: as the catalogue calls it.
    """

    id: str
    prices: Prices
    has_eyes: bool = True
    follows_schemas: bool = True


@dataclass
class Said:
    """An answer: words, a call of tools, or a refusal."""

    text: str | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    refusal: str | None = None
    finish_reason: str = "stop"


class OpenAiLikeSimulator(Simulator):
    """Args of the class:
    models: by the provider's own names.
    fields: of a conversation's request that it knows beside those that all do; None: it looks over the others.
    limits: how the answer's largest number of tokens may be called.
    """

    path = "/v1"
    models: Mapping[str, Model]
    fields: frozenset[str] | None = frozenset()
    limits: tuple[str, ...] = ("max_completion_tokens", "max_tokens")
    quirks = frozenset({"no_picture", "no_usage", "no_choice", "cached", "thinking", "model_refuses", "stream_breaks"})
    thinks_within = True
    """Whether thinking is among `completion_tokens`."""

    def routes(self) -> Sequence[Route]:
        return [
            ("GET", f"{self.path}/models", self._list),
            ("POST", f"{self.path}/chat/completions", self._complete),
        ]

    def key_of(self, request: Request) -> str | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return key if scheme == "Bearer" else None

    def error(self, status: int, message: str, **more: Any) -> Reply:
        body = {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}
        return Reply.of_json({"error": body}, status, {"x-request-id": f"req_{secrets.token_hex(12)}"})

    def rates(self, model: str) -> Rates | None:
        prices = next((known.prices for known in self.models.values() if known.id == model), None)
        if prices is None:
            return None
        lines = {"input_text": "text_in", "input_image": "images_in", "output_image": "images_out"}
        return Rates(
            lines=tuple(
                PriceLine(billable=billable, unit="token", usd=prices.of(name))
                for billable, name in lines.items()
                if prices.images_out is not None
            ),
            tokens=TokenPrices(prompt=prices.of("text_in"), completion=prices.of("text_out")),
        )

    def withdraw(self, *names: str) -> None:
        """These models are there no more, until `reset`."""
        self.models = {name: model for name, model in self.models.items() if name not in names}

    def reset(self) -> None:
        super().reset()
        self.models = type(self).models

    def known(self, name: object, *, paints: bool) -> Model:
        model = self.models.get(str(name))
        if model is None or paints is not (model.prices.images_out is not None):
            message = f"The model `{name}` does not exist or you do not have access to it."
            raise Refused(self.error(404, message, code="model_not_found", param="model"))
        return model

    def _list(self, _: Request) -> Reply:
        listed = [{"id": name, "object": "model", "created": 1, "owned_by": self.name} for name in self.models]
        return Reply.of_json({"object": "list", "data": listed})

    def _complete(self, request: Request) -> Reply:
        data = self.json_of(request)
        model = self.known(data.get("model"), paints=False)
        self._check(data)
        looked_at = self._pictures(data, model)
        said = Said(refusal="I cannot help with that.") if request.wrong == "model_refuses" else self._say(data, model)
        written = (said.text or said.refusal or "") + "".join(str(call["function"]) for call in said.calls)
        thought = THOUGHT_TOKENS if request.wrong == "thinking" else 0
        prompt = tokens("".join(text_of(each) for each in data["messages"])) + _LOOKED_AT_TOKENS * len(looked_at)
        cached = prompt // 2 if request.wrong == "cached" else 0
        usage = self._usage(prompt, cached, tokens(written), thought)
        self.charge(
            str(data["model"]),
            (prompt - cached) * model.prices.of("text_in")
            + cached * model.prices.of("cached_in")
            + (tokens(written) + thought) * model.prices.of("text_out"),
        )
        message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": said.refusal}
        choice = {"index": 0, "message": message, "finish_reason": said.finish_reason, "logprobs": None}
        if said.calls:
            message["tool_calls"] = said.calls
        body = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion",
            "created": 1,
            "model": f"{data['model']}-2026-01-01",
            "choices": [] if request.wrong == "no_choice" else [choice],
            **({} if request.wrong == "no_usage" else {"usage": usage}),
        }
        headers = {"x-request-id": f"req_{secrets.token_hex(12)}"}
        if data.get("stream"):
            return Reply(200, self._events(body, data, request), {"content-type": EVENTS, **headers})
        return Reply.of_json(body, headers=headers)

    def _events(self, body: Mapping[str, Any], data: Mapping[str, Any], request: Request) -> bytes:
        """The same answer as a stream."""
        around = {"id": body["id"], "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        deltas = [delta for choice in body["choices"] for delta in _deltas(choice["message"])]
        if request.wrong == "stream_breaks":
            failure = {"message": "Rate limit reached.", "type": "rate_limit_exceeded", "code": "rate_limit_exceeded"}
            return b"".join(map(event, (*_chunks(around, deltas[:2]), {"error": failure})))
        chunks = _chunks(around, deltas)
        chunks += [
            {**around, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
            for choice in body["choices"]
        ]
        if data.get("stream_options", {}).get("include_usage") and "usage" in body:
            chunks.append({**around, "choices": [], "usage": body["usage"]})
        return b"".join(map(event, chunks)) + DONE

    def json_of(self, request: Request) -> dict[str, Any]:

        try:
            data = json.loads(request.body)
        except ValueError:
            data = None
        if not isinstance(data, dict) or request.headers.get("content-type") != "application/json":
            raise Refused(self.error(400, "We could not parse the JSON body of your request."))
        return data

    def _check(self, data: Mapping[str, Any]) -> None:
        if self.fields is not None and (unknown := sorted(data.keys() - _ALWAYS - self.fields - {*self.limits})):
            raise Refused(self.error(400, self.unknown_field(unknown[0]), param=unknown[0]))
        if not any(isinstance(data.get(name), int) for name in self.limits):
            raise Refused(self.error(400, "The answer's limit is missing.", param=self.limits[0]))
        messages = data.get("messages")
        if not isinstance(messages, list) or not messages:
            raise Refused(self.error(400, "Invalid 'messages': empty array.", param="messages"))

    def unknown_field(self, name: str) -> str:
        return f"Unrecognized request argument supplied: {name}"

    def _pictures(self, data: Mapping[str, Any], model: Model) -> list[Image.Image]:
        try:
            urls = [url for message in data["messages"] for url in pictures_of(message)]
            looked_at = [load_image(url) for url in urls]
        except (errors.Refusal, KeyError, TypeError) as error:
            raise Refused(self.error(400, f"Invalid image: {error}.", param="messages")) from None
        if urls and not model.has_eyes:
            raise Refused(self.error(400, "This model does not support image input.", param="messages"))
        return looked_at

    def _say(self, data: Mapping[str, Any], model: Model) -> Said:
        try:
            calls = tools.calls(data, tools.functions(data))
        except errors.Refusal as refusal:
            raise Refused(self.error(400, str(refusal), param="tools")) from None
        if calls:
            return Said(calls=calls, finish_reason="tool_calls")
        form = data.get("response_format") or {}
        if form.get("type") == "json_schema" and model.follows_schemas:
            plan = planner.plan(data["messages"], form["json_schema"]["schema"])
            return Said(json.dumps(plan, ensure_ascii=False))
        return Said(tools.told(data["messages"]) or planner.reply(data["messages"], self._pictures(data, model)))

    def _usage(self, prompt: int, cached: int, written: int, thought: int) -> dict[str, Any]:
        return {
            "prompt_tokens": prompt,
            "completion_tokens": written + (thought if self.thinks_within else 0),
            "total_tokens": prompt + written + thought,
            "prompt_tokens_details": {"cached_tokens": cached},
            **({"completion_tokens_details": {"reasoning_tokens": thought}} if self.thinks_within else {}),
        }


def _deltas(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message in pieces: its role, then some letters at a time, then the calls of tools."""
    said: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    for name in ("content", "refusal"):
        text = message.get(name) or ""
        said += [{name: text[at : at + _PIECE]} for at in range(0, len(text), _PIECE)]
    for number, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        said.append({"tool_calls": [{**call, "index": number, "function": {**function, "arguments": ""}}]})
        said.append({"tool_calls": [{"index": number, "function": {"arguments": function["arguments"]}}]})
    return said


def _chunks(around: Mapping[str, Any], deltas: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**around, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]


def tokens(text: str) -> int:
    return max(1, math.ceil(len(text) / 4))
