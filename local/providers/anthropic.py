"""Anthropic on this machine: conversations through the door that speaks OpenAI's language, models through its own."""

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from darkroom.images.sniff import sniff
from local.providers._base import Refused
from local.providers._openai_like import Model, OpenAiLikeSimulator, Prices
from local.providers._server import Request
from local.simulator.chat_request import pictures_of
from local.simulator.delivery import Reply

_MODELS = {
    "claude-opus-4-6": Model("anthropic/claude-opus-4.6", Prices("5", "25"), follows_schemas=False),
    "claude-haiku-4-5": Model("anthropic/claude-haiku-4.5", Prices("1", "5"), follows_schemas=False),
}


class Simulator(OpenAiLikeSimulator):
    name = "anthropic"
    key_prefix = "sk-ant-api03-"
    talker = "anthropic/claude-opus-4.6"
    # What it does not know, it looks over: a schema for the answer, for one.
    fields = None
    models = _MODELS

    def key_of(self, request: Request) -> str | None:
        if request.method == "GET":
            return request.headers.get("x-api-key") if "anthropic-version" in request.headers else None
        return super().key_of(request)

    def error(self, status: int, message: str, **more: Any) -> Reply:
        given = str(more.get("type", "invalid_request_error"))
        identifier = f"req_{secrets.token_hex(12)}"
        body = {"type": "error", "error": {"type": given, "message": message}, "request_id": identifier}
        return Reply.of_json(body, status, {"request-id": identifier})

    def unauthorised(self) -> Reply:
        return self.error(401, "invalid x-api-key", type="authentication_error")

    def known(self, name: object, *, paints: bool) -> Model:
        if str(name) not in self.models:
            raise Refused(self.error(404, f"model: {name}", type="not_found_error"))
        return super().known(name, paints=paints)

    def _check(self, data: Mapping[str, Any]) -> None:
        super()._check(data)
        if data.get("n", 1) != 1:
            raise Refused(self.error(400, "n: must be 1"))
        for url in (url for message in data["messages"] for url in pictures_of(message)):
            label, _, encoded = url.removeprefix("data:").partition(";base64,")
            if encoded and label != f"image/{sniff(base64.b64decode(encoded)).lower()}":
                raise Refused(self.error(400, f"Image does not match the provided media type {label}"))

    def refusals(self) -> Mapping[str, Reply]:
        limited = self.error(429, "This request would exceed the rate limit.", type="rate_limit_error")
        limited.headers["retry-after"] = "3"
        return {
            "refused": self.error(400, "prompt is too long: 210000 tokens > 200000 maximum"),
            "busy": self.error(529, "Overloaded", type="overloaded_error"),
            "limited": limited,
            "internal": self.error(500, "Internal server error", type="api_error"),
            "timed_out": self.error(504, "Request timed out", type="timeout_error"),
            "out_of_credit": self.error(400, "Your credit balance is too low to access the Anthropic API."),
            "forbidden": self.error(403, "Your API key does not have permission.", type="permission_error"),
            "too_large": self.error(413, "Request exceeds the maximum size", type="request_too_large"),
            "blocked": self.error(400, "Output blocked by content filtering policy"),
        }
