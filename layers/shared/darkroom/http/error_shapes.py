"""Errors in the shape of the API that a request was meant for: problems, reshaped at the edge."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from darkroom.http.route_table import DEFAULT

PROBLEM: Final = "application/problem+json"
OPENROUTER_ROUTES: Final = frozenset(
    (
        "POST /v1/images",
        "GET /v1/images/models",
        "GET /v1/images/models/{proxy+}",
        "GET /v1/key",
        "GET /v1/credits",
        "GET /v1/generation",
    )
)
"""Those that only OpenRouter's API has."""
REMOVEBG_ROUTES: Final = ("/v1.0/removebg", "/v1.0/account", "/v1.0/improve")
REMBG_ROUTE: Final = "/api/remove"
MCP_ROUTE: Final = "POST /mcp"
_OPENROUTER: Final = "/api/v1/"
_AGENTS: Final = re.compile(r"\bopenrouter\b", re.IGNORECASE)


def is_openrouters(event: Mapping[str, Any]) -> bool:
    """Whether a client of OpenRouter asks: one of its SDKs, or a client that has `…/api/v1` for a base URL."""
    return str(event["requestContext"]["http"]["path"]).startswith(_OPENROUTER) or _is_its_sdk(event)


def _is_its_sdk(event: Mapping[str, Any]) -> bool:
    return bool(_AGENTS.search(str(event.get("headers", {}).get("user-agent", ""))))


def in_own_shape(event: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A problem as the API that was called has its errors; every other answer is returned unchanged."""
    answer = {**answer, "headers": {name.lower(): value for name, value in answer.get("headers", {}).items()}}
    if not _first(answer["headers"].get("content-type", "")).startswith(PROBLEM):
        return answer
    route = event["routeKey"]
    if route.endswith(REMOVEBG_ROUTES):
        return _changed(answer, *removebg_error(json.loads(answer["body"])))
    if route.endswith(REMBG_ROUTE):
        problem = json.loads(answer["body"])
        return _changed(answer, {**problem, "detail": problem["error"]["message"]})
    if route == MCP_ROUTE:
        return _changed(answer, mcp_error(json.loads(answer["body"])))
    # Of a path that no route has, its prefix says nothing of who asks.
    if route in OPENROUTER_ROUTES or (_is_its_sdk(event) if route == DEFAULT else is_openrouters(event)):
        return _changed(answer, openrouter_error(json.loads(answer["body"])))
    return answer


def openrouter_error(problem: Mapping[str, Any]) -> dict[str, Any]:
    """OpenRouter's form: its code is the status. https://openrouter.ai/docs/api-reference/errors"""
    told = {name: problem.get(name) for name in ("code", "param", "fix", "charged", "retryable")}
    message = problem.get("error", {}).get("message") or problem.get("detail", "")
    return {**problem, "error": {"code": problem.get("status", 500), "message": message, "metadata": told}}


def mcp_error(problem: Mapping[str, Any]) -> dict[str, Any]:
    """JSON-RPC's form, of a request that was refused before it was read, so that it has no id."""
    message = " ".join(str(problem[name]) for name in ("detail", "fix") if problem.get(name))
    return {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": message, "data": dict(problem)}}


def removebg_error(problem: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """remove.bg's form, and the status that it has for such an error. https://www.remove.bg/api"""
    told, status = str(problem.get("code", "")), int(problem.get("status", 500))
    if status == 401:
        status = 403
    title, code = _REMOVEBG.get(told, (problem.get("detail", ""), told.lower()))
    if told in _REMOVEBG and status not in (402, 403, 429):
        status = 400
    if told == "INVALID_PARAMETER":
        title = problem.get("detail", "")
        param = str(problem.get("param") or "parameter")
        code = problem.get("removebg_code") or _BY_FIELD.get(param, f"invalid_{param}")
    error = {"title": title, "code": code, "detail": problem.get("fix") or problem.get("detail", "")}
    return {"errors": [error]}, status


_REMOVEBG: Final[Mapping[str, tuple[str, str]]] = {
    "UNAUTHENTICATED": ("Missing API Key", "auth_failed"),
    "INVALID_TOKEN": ("API Key invalid", "auth_failed"),
    "TOO_MANY_REQUESTS": ("Rate limit exceeded", "rate_limit_exceeded"),
    "INVALID_PARAMETER": ("A parameter is invalid", "invalid_parameter"),
    "NO_FOREGROUND": ("Could not identify foreground in image", "unknown_foreground"),
    "EMPTY_IMAGE": ("The image is empty", "failed_to_read_image"),
    "UNREADABLE_IMAGE": ("Failed to read the image", "failed_to_read_image"),
    "UNSUPPORTED_IMAGE": ("File type not supported", "invalid_file_type"),
    "UNSUPPORTED_MEDIA_TYPE": ("File type not supported", "invalid_file_type"),
    "IMAGE_TOO_LARGE": ("Input image has too many pixels", "resolution_too_high"),
    "PAYLOAD_TOO_LARGE": ("File too large", "file_too_large"),
    "URL_REFUSED": ("The URL is not valid", "invalid_image_url"),
    "URL_UNREACHABLE": ("Failed to download image", "failed_image_download"),
}
_BY_FIELD: Final = {
    "image": "missing_source",
    "image_b64": "failed_to_read_image",
    "image_url": "invalid_image_url",
    "image_file": "missing_source",
}


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _changed(answer: dict[str, Any], body: Mapping[str, Any], status: int | None = None) -> dict[str, Any]:
    headers = {**answer["headers"], "content-type": "application/json"}
    told = {"statusCode": status or answer["statusCode"]}
    return {**answer, **told, "headers": headers, "body": json.dumps(body)}
