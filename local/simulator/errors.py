"""How the service says no: two shapes of body, and each refusal that has been seen or is documented.

The usual shape is `{"error": {"code", "message", "metadata"?, "availability"?}, "user_id"?}`. Requests that fail the
schema check of some routes get another one, in which `error.message` is a JSON document inside a string.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from local.simulator.delivery import Reply

Asked = ParamSpec("Asked")
Request = TypeVar("Request")

CREDITS_HINT = "Add credits at https://openrouter.ai/settings/credits."
KEY_HINT = "Raise or remove this API key's usage limit at https://openrouter.ai/settings/keys."
POLICY = "No endpoints found matching your data policy (Free model training). Configure: https://openrouter.ai/settings/privacy"


@dataclass
class Refusal(Exception):
    """An answer that is an error.

    Args:
        code: in the body, when it is not the status.
        anonymous: the body does not name the user, even when the key is known.
        body: in place of everything that would be said otherwise.
    """

    status: int
    message: str
    metadata: dict[str, Any] | None = None
    availability: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    code: int | str | None = None
    anonymous: bool = False
    body: Any = None

    def __post_init__(self) -> None:
        super().__init__(self.status, self.message)

    def error(self) -> dict[str, Any]:
        """The value of `error`."""
        error: dict[str, Any] = {"message": self.message, "code": self.status if self.code is None else self.code}
        if self.metadata is not None:
            error["metadata"] = self.metadata
        if self.availability is not None:
            error["availability"] = self.availability
        return error

    def to_reply(self, user_id: str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        headers = {**(headers or {}), **self.headers}
        if isinstance(self.body, str):
            return Reply(self.status, self.body.encode(), {"content-type": "text/html; charset=UTF-8", **headers})
        body = self.body if self.body is not None else {"error": self.error()}
        if user_id is not None and self.body is None and not self.anonymous:
            body["user_id"] = user_id
        return Reply.of_json(body, self.status, headers)

    def but(self, **changes: Any) -> "Refusal":
        return replace(self, **changes)


def zod(message: str, *path: str, code: str = "custom") -> Refusal:
    """The other shape."""
    issues = json.dumps([{"code": code, "message": message, "path": list(path)}], indent=2)
    return Refusal(400, message, body={"success": False, "error": {"name": "ZodError", "message": issues}})


def availability(code: str, *, retryable: bool = False, **more: Any) -> dict[str, Any]:
    return {"code": code, "retryable": retryable, **more}


def not_found() -> Refusal:
    return Refusal(404, "Not Found", anonymous=True)


def no_key() -> Refusal:
    return Refusal(401, "No cookie auth credentials found")


def unknown_key() -> Refusal:
    return Refusal(401, "User not found.")


def unknown_model(model: str) -> Refusal:
    return Refusal(400, f"{model} is not a valid model ID")


def gone_model(model: str, why: str, instead: tuple[str, ...]) -> Refusal:
    said = {"free_variant_ended": "The free variant of this model has ended", "model_deprecated": "is deprecated"}
    return Refusal(
        404,
        f"No endpoints found for {model}. {said.get(why, why)}.",
        availability=availability(why, requested_models=[model], fallback_models=list(instead)),
    )


def wrong_door(model: str) -> Refusal:
    return Refusal(
        400,
        f"`{model}` is a text-to-image model and cannot be used with the chat/completions endpoint. "
        "Use the /api/v1/images endpoint instead.",
        availability=availability("wrong_endpoint", requested_models=[model]),
    )


def no_such_output(modalities: str) -> Refusal:
    return Refusal(404, f"No endpoints found that support the requested output modalities: {modalities}")


def incapable(model: str, provider: str, parameter: str, value: object, reason: str) -> Refusal:
    """The model's endpoints cannot do what a parameter of an image request asks for."""
    return Refusal(
        400,
        f'No provider for {model} supports the requested parameter(s): {parameter} "{value}". '
        f"Provider rejections: {provider}: {parameter}: {reason}",
        metadata={
            "routing_funnel": [{"step": "Initial Endpoints", "endpoint_count": 1}],
            "failed_routing_step": "Filter by Image Capabilities",
        },
    )


def data_policy() -> Refusal:
    return Refusal(
        404,
        POLICY,
        metadata={
            "routing_funnel": [
                {"step": "Initial Endpoints", "endpoint_count": 1},
                {"step": "Filter by Data Policy", "endpoint_count": 0},
            ],
            "failed_routing_step": "Filter by Data Policy",
        },
    )


def out_of_credit() -> Refusal:
    return Refusal(
        402,
        "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
        metadata={"limit_source": "openrouter_credits", "remedy_hint": CREDITS_HINT},
    )


def key_limit() -> Refusal:
    return Refusal(
        402,
        "This API key has reached its usage limit.",
        metadata={"limit_source": "openrouter_key_limit", "remedy_hint": KEY_HINT, "provider_name": None},
    )


def reservation(wanted: int = 65536, affordable: int = 1200) -> Refusal:
    return Refusal(
        402,
        "This request requires more credits, or fewer max_tokens. You requested up to "
        f"{wanted} tokens, but can only afford {affordable}. To increase, visit "
        "https://openrouter.ai/settings/credits and add more credits",
        metadata={"provider_name": None},
    )


def in_flight(retry_after: int = 2, reason: str = "in_flight_budget_exhausted") -> Refusal:
    return Refusal(
        402,
        "This request would exceed your available credits given your current in-flight requests. "
        "Please retry after they complete.",
        metadata={"reason": reason, "limit_source": "openrouter_in_flight_budget"},
        headers={"retry-after": str(retry_after)},
    )


def image_floor() -> Refusal:
    message = "This request requires at least $1.00 in balance for image or video output"
    return Refusal(
        402,
        message,
        metadata={
            "limit_source": "openrouter_key_limit",
            "remedy_hint": KEY_HINT,
            "provider_name": None,
            "previous_errors": [{"code": 402, "message": message}],
        },
    )


def unknown_generation(generation_id: str) -> Refusal:
    return Refusal(404, f"Generation {generation_id} not found", anonymous=True)


def bad_image(error_type: str, message: str) -> Refusal:
    return Refusal(400, message, metadata={"error_type": error_type})


def checked(parse: Callable[Asked, Request]) -> Callable[Asked, Request]:
    """A reader that refuses what has another shape than it reads, as the service's check of its schema does."""

    @wraps(parse)
    def read(*args: Asked.args, **more: Asked.kwargs) -> Request:
        try:
            return parse(*args, **more)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise zod("Invalid input") from error

    return read
