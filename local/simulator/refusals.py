"""The refusals that a scenario can ask for, by name: every row of the status table, and the five kinds of 402."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from local.simulator import errors
from local.simulator.errors import Refusal, availability

Options = Mapping[str, Any]
_PAID = ("/images", "/images/generations", "/chat/completions")


@dataclass(frozen=True)
class Named:
    """A refusal, and the paths that it is for unless the rule says otherwise."""

    make: Callable[[Options], Refusal]
    paths: tuple[str, ...] = _PAID


def _waiting(refusal: Refusal, options: Options, default: float | None = None) -> Refusal:
    """With a `Retry-After`: `retry_after` seconds, as an HTTP date when `retry_after_form` is "date"."""
    seconds = options.get("retry_after", default)
    if seconds is None:
        return refusal
    value = str(seconds)
    if options.get("retry_after_form") == "date":
        value = format_datetime(datetime.now(UTC) + timedelta(seconds=float(seconds)), usegmt=True)
    return refusal.but(headers={**refusal.headers, "retry-after": value})


def _plain(status: int, message: str, error_type: str | None = None, **metadata: Any) -> Callable[[Options], Refusal]:
    if error_type is not None:
        metadata["error_type"] = error_type

    def make(options: Options) -> Refusal:
        return _waiting(Refusal(status, message, metadata=dict(metadata) or None), options)

    return make


def _available(
    status: int, message: str, code: str, *, retryable: bool = False, **more: Any
) -> Callable[[Options], Refusal]:
    def make(options: Options) -> Refusal:
        details = availability(code, retryable=retryable, **more)
        if retryable:
            details["retry_after"] = options.get("retry_after", 1)
        refusal = Refusal(status, message, availability=details)
        # What tells when to come back is in the body; the header is an extra that may be missing.
        return refusal if options.get("retry_after_form") == "body" else _waiting(refusal, options)

    return make


def _rate_limited(options: Options) -> Refusal:
    reset = str(int(datetime.now(UTC).timestamp() * 1000) + 1000)
    headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    metadata = {"error_type": "rate_limit_exceeded", "headers": headers}
    refusal = Refusal(429, "Rate limit exceeded: limit_rpm. ", metadata=metadata, headers=headers)
    return _waiting(refusal, options, 1)


def _upstream_limited(options: Options) -> Refusal:
    provider = options.get("provider", "Google AI Studio")
    metadata: dict[str, Any] = {
        "raw": f"{options.get('model_name', 'the model')} is temporarily rate-limited upstream. Please retry shortly.",
        "provider_name": provider,
        "is_byok": False,
        "provider_error_code": "429",
        "limit_source": "upstream_provider_shared_pool",
        "remedy_hint": "Retry shortly, or add your own key to accumulate your rate limits.",
    }
    refusal = Refusal(429, "Provider returned error", metadata=metadata)
    if "retry_after" not in options:
        return refusal
    seconds = options["retry_after"]
    metadata |= {"retry_after_seconds": seconds, "retry_after_seconds_raw": seconds}
    metadata["headers"] = {"Retry-After": str(seconds)}
    return _waiting(refusal, options)


def _moderation(options: Options) -> Refusal:
    return Refusal(
        403,
        "Your input was flagged",
        metadata={
            "reasons": ["violence"],
            "flagged_input": str(options.get("flagged_input", "a prompt that was flagged"))[:100],
            "provider_name": options.get("provider", "OpenAI"),
            "model_slug": options.get("model_name", "openai/gpt-image-2"),
        },
    )


def _page(status: int) -> Callable[[Options], Refusal]:
    page = f"<!DOCTYPE html><html><head><title>Error {status}</title></head><body>cloudflare</body></html>"
    return lambda options: Refusal(int(options.get("status", status)), "", body=page)


def _any(options: Options) -> Refusal:
    """Whatever the options say."""
    refusal = Refusal(
        int(options.get("status", 500)),
        str(options.get("message", "Simulated")),
        metadata=options.get("metadata"),
        availability=options.get("availability"),
        headers=dict(options.get("headers", {})),
        code=options.get("code"),
        body=options.get("body"),
    )
    return _waiting(refusal, options)


_400: dict[str, Callable[[Options], Refusal]] = {
    "bad_request": _plain(400, "Invalid request parameters", "invalid_request"),
    "invalid_prompt": _plain(400, "The prompt is not valid", "invalid_prompt"),
    "unknown_model": lambda options: errors.unknown_model(options.get("model_name", "nobody/nothing")),
    "model_not_found": _available(400, "No such model", "model_not_found", requested_models=["nobody/nothing"]),
    "no_messages": _plain(400, 'Input required: specify "prompt" or "messages"'),
    "malformed_json": lambda _: Refusal(400, "Input must have at least 1 token.", metadata={"provider_name": None}),
    "incapable": lambda _: errors.incapable(
        "openai/gpt-image-1-mini", "OpenAI", "aspect_ratio", "21:9", "not supported. Accepted: 1:1, 3:2, 2:3, auto"
    ),
    "too_many_images": lambda _: errors.incapable(
        "black-forest-labs/flux.2-klein-4b", "Black Forest Labs", "n", 5, "must be exactly 1"
    ),
    "option_refused": _plain(400, "Invalid style 'not_a_real_style'", provider_name="Recraft"),
    "wrong_endpoint": lambda options: errors.wrong_door(options.get("model_name", "qwen/qwen-image-3")),
    "zod": lambda _: errors.zod("Invalid input: expected string, received undefined", "prompt", code="invalid_type"),
    "content_policy": _plain(400, "The request was refused by the content policy", "content_policy_violation"),
    "refusal": _plain(400, "The model refused this request", "refusal"),
    "context_length": _plain(400, "This endpoint's maximum context length is exceeded", "context_length_exceeded"),
    "invalid_image": _plain(400, "The image could not be read", "invalid_image"),
    "image_too_large": _plain(400, "The image is too large", "image_too_large"),
    "image_download_failed": _plain(400, "The image could not be downloaded", "image_download_failed"),
}

_401_402: dict[str, Callable[[Options], Refusal]] = {
    "no_key": lambda _: errors.no_key(),
    "unknown_key": lambda _: errors.unknown_key(),
    "out_of_credit": lambda _: errors.out_of_credit(),
    "key_limit": lambda _: errors.key_limit(),
    "reservation": lambda options: errors.reservation(options.get("wanted", 65536), options.get("affordable", 1200)),
    "in_flight": lambda options: _waiting(
        errors.in_flight(reason=options.get("reason", "in_flight_budget_exhausted")), options
    ),
    "image_floor": lambda _: errors.image_floor(),
}

_403_404: dict[str, Callable[[Options], Refusal]] = {
    "forbidden": _plain(403, "Only management keys can perform this operation"),
    "moderation": _moderation,
    "guardrail": _plain(403, "Request blocked by guardrail", patterns=["card-number"]),
    "workspace_budget": _plain(403, "Workspace monthly budget of $500.00 exceeded. Contact your administrator."),
    "region_restricted": _available(403, "Not available in your region", "region_restricted"),
    "data_policy": lambda _: errors.data_policy(),
    "no_endpoints": _available(404, "No endpoints found for this model", "no_endpoints"),
    "model_deprecated": _available(
        404, "This model is deprecated", "model_deprecated", fallback_models=["google/gemini-3.1-flash-image"]
    ),
    "model_unavailable": _available(404, "The provider has taken this model away", "model_unavailable_upstream"),
    "privacy_restricted": _available(404, errors.POLICY, "privacy_restricted"),
    "constraint_filtered": _available(
        404,
        "No endpoints found that match your request",
        "constraint_filtered",
        constraint={"field": "provider.only", "detail": "no such provider"},
    ),
    "free_variant_ended": _available(404, "The free variant of this model has ended", "free_variant_ended"),
    "not_found": lambda _: errors.not_found(),
}

_OTHER_4XX: dict[str, Callable[[Options], Refusal]] = {
    "method_not_allowed": _plain(405, "Method Not Allowed"),
    "request_timeout": _plain(408, "Request timed out", "timeout"),
    "conflict": _plain(409, "Conflict"),
    "gone": _plain(410, "Gone"),
    "precondition_failed": _plain(412, "Precondition failed", "precondition_failed"),
    "too_large": _plain(413, "Request payload too large", "payload_too_large"),
    "unprocessable": _plain(422, "Unprocessable entity", "unprocessable"),
    "rate_limited": _rate_limited,
    "free_per_day": _plain(429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 requests"),
    "upstream_limited": _upstream_limited,
    "capacity_exhausted": _available(429, "Capacity is exhausted", "capacity_exhausted", retryable=True),
    "client_closed": _plain(499, "Client closed request"),
}

_5XX: dict[str, Callable[[Options], Refusal]] = {
    "internal": _plain(500, "Internal Server Error", "server"),
    "provider_failed": _plain(
        502,
        "Provider returned error",
        "provider_unavailable",
        provider_name="Black Forest Labs",
        raw="upstream connect error",
    ),
    "overloaded": _plain(503, "Provider is overloaded", "provider_overloaded"),
    "temporarily_unavailable": _available(503, "Temporarily unavailable", "temporarily_unavailable", retryable=True),
    "gateway_timeout": _plain(504, "The provider did not answer in time", "timeout"),
    "edge_timeout": _plain(524, "A timeout occurred", "timeout"),
    "edge_timeout_page": _page(524),
    "bad_gateway_page": _page(502),
    "provider_overloaded": _plain(529, "Provider is temporarily overloaded", "provider_overloaded"),
    "error": _any,
}

_ELSEWHERE: dict[str, Named] = {
    "invalid_code": Named(lambda _: Refusal(400, "Invalid code", anonymous=True), ("/auth/keys",)),
    "invalid_method": Named(lambda _: Refusal(400, "Invalid code_challenge_method", anonymous=True), ("/auth/keys",)),
    "wrong_verifier": Named(lambda _: Refusal(403, "Invalid code or code_verifier", anonymous=True), ("/auth/keys",)),
    "expired_code": Named(lambda _: Refusal(403, "Authorization code expired", anonymous=True), ("/auth/keys",)),
}

REFUSALS: dict[str, Named] = {
    **{name: Named(make) for part in (_400, _401_402, _403_404, _OTHER_4XX, _5XX) for name, make in part.items()},
    **_ELSEWHERE,
}

OF_A_MODEL = frozenset(
    {
        *("unknown_model", "model_not_found", "wrong_endpoint", "content_policy", "refusal", "context_length"),
        *("moderation", "region_restricted", "data_policy", "no_endpoints", "model_deprecated", "model_unavailable"),
        *("privacy_restricted", "constraint_filtered", "free_variant_ended", "gone"),
        *("rate_limited", "free_per_day", "upstream_limited", "capacity_exhausted"),
        *("provider_failed", "overloaded", "temporarily_unavailable", "provider_overloaded"),
    }
)
"""After which a chat's next model is asked: it is gone, busy, down, or will not. Want of credit, an unknown key and a
body that cannot be read are the same for each of them."""
