"""Groq on this machine: conversations, of up to four megabytes, and models with and without eyes."""

from collections.abc import Mapping
from typing import Any

from local.providers._base import Refused
from local.providers._openai_like import Model, OpenAiLikeSimulator, Prices
from local.providers._server import Request
from local.simulator.delivery import Reply

_MOST = 4 * 1024 * 1024

_MODELS = {
    "openai/gpt-oss-20b": Model("openai/gpt-oss-20b", Prices("0.10", "0.50", cached_in="0.05"), has_eyes=False),
    "qwen/qwen3.6-27b": Model("qwen/qwen3.6-27b", Prices("0.29", "0.59"), follows_schemas=False),
    "llama-3.3-70b-versatile": Model("meta-llama/llama-3.3-70b-instruct", Prices("0.59", "0.79"), has_eyes=False),
}


class Simulator(OpenAiLikeSimulator):
    name = "groq"
    key_prefix = "gsk_"
    path = "/openai/v1"
    talker = "qwen/qwen3.6-27b"
    fields = frozenset({"seed", "user", "response_format", "parallel_tool_calls", "reasoning_effort"})
    models = _MODELS

    def json_of(self, request: Request) -> dict[str, Any]:
        if len(request.body) > _MOST:
            raise Refused(self.error(413, "Request Entity Too Large", code="request_too_large"))
        return super().json_of(request)

    def unauthorised(self) -> Reply:
        return self.error(401, "Invalid API Key", code="invalid_api_key")

    def unknown_field(self, name: str) -> str:
        return f"property '{name}' is unsupported"

    def refusals(self) -> Mapping[str, Reply]:
        limited = self.error(
            429, "Rate limit reached for model. Please try again in 2s.", type="tokens", code="rate_limit_exceeded"
        )
        limited.headers["retry-after"] = "2"
        return {
            "refused": self.error(400, "Please reduce the length of the messages.", code="context_length_exceeded"),
            "busy": self.error(503, "Service Unavailable", type="internal_server_error"),
            "no_room": self.error(498, "Flex tier capacity exceeded.", code="capacity_exceeded"),
            "limited": limited,
            "internal": self.error(500, "Internal Server Error", type="internal_server_error"),
            "decommissioned": self.error(400, "The model has been decommissioned.", code="model_decommissioned"),
            "tool_use_failed": self.error(
                400, "Failed to call a function.", code="tool_use_failed", failed_generation="<function=plan>"
            ),
            "restricted": self.error(403, "The model is blocked at the organization level.", code="permissions_error"),
        }
