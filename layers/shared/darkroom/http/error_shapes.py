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
    # Of a path that no route has, its prefix says nothing of who asks.
    if route in OPENROUTER_ROUTES or (_is_its_sdk(event) if route == DEFAULT else is_openrouters(event)):
        return _changed(answer, openrouter_error(json.loads(answer["body"])))
    return answer


def openrouter_error(problem: Mapping[str, Any]) -> dict[str, Any]:
    """OpenRouter's form: its code is the status. https://openrouter.ai/docs/api-reference/errors"""
    told = {name: problem.get(name) for name in ("code", "param", "fix", "charged", "retryable")}
    message = problem.get("error", {}).get("message") or problem.get("detail", "")
    return {**problem, "error": {"code": problem.get("status", 500), "message": message, "metadata": told}}


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _changed(answer: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {**answer["headers"], "content-type": "application/json"}
    return {**answer, "headers": headers, "body": json.dumps(body)}
