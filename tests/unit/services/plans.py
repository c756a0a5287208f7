"""Answers of a planner, and how they are read."""

import json
from collections.abc import Iterable
from typing import Any

from darkroom.models.plan import Plan
from darkroom.services.conversations.planner import Method, Planner

PLANNER = Planner()


def read(text: str, *, may_paint: bool = True, method: Method = "hybrid", has_picture: bool = True) -> Plan:
    return PLANNER.read(text, may_paint=may_paint, method=method, has_picture=has_picture)


def operating(*given: Any, reply: str = "Done.") -> str:
    action = {"kind": "operations", "operations": list(given)}
    return json.dumps({"reply": reply, "type": "technical", "actions": [action]})


def painting(prompt: str = "A hat", *, times: int = 1, before: Iterable[Any] = ()) -> str:
    actions = [*before, *({"kind": "paint", "prompt": prompt} for _ in range(times))]
    return json.dumps({"reply": "Done.", "type": "artistic", "actions": actions})


WARMER = {"op": "color_temperature", "temperature": 20}
