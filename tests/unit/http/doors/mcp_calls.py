"""Calls of MCP's door, as its clients send them."""

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs

from darkroom.http.doors import mcp
from darkroom.models.deadline import Deadline
from tests.application import KLEIN, LONG, Studio
from tests.events import Context, http_event
from tests.fakes.recipes import MemoryRenderQueue
from tests.openapi import handled
from tests.photos import photo, save

PHOTO = f"data:image/png;base64,{base64.b64encode(save(photo('chelsea').resize((96, 64)), 'PNG')).decode()}"
MODERN = "2026-07-28"
FOX = {"prompt": "A red fox", "model": KLEIN}


class PictureQueue(MemoryRenderQueue):
    """The image function, as prompt as can be, while `studio` is set."""

    studio: Studio | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        super().send(user, job_id, delay_seconds=delay_seconds)
        if self.studio is None:
            return
        app = self.studio.app
        if not app.turn_render.run(user, job_id) and not app.postponed.run(user, job_id, Deadline(LONG)):
            app.recipe_worker.run(user, job_id, Deadline(50))


@dataclass
class Door:
    studio: Studio
    token: str
    session: str = "one"
    version: str = "2025-06-18"
    requests: int = 0

    def send(self, body: Any, *, token: str | None = "", **headers: str) -> tuple[int, Any, dict[str, str]]:
        sent = {"mcp-protocol-version": self.version, "mcp-session-id": self.session, **headers}
        text = body if isinstance(body, bytes | str) else json.dumps(body)
        event = http_event(
            "POST",
            "/mcp",
            token=self.token if token == "" else token,
            headers={name.replace("_", "-"): value for name, value in sent.items() if value},
            body=text,
            content_type="application/json",
        )
        answer = handled(mcp.routes(self.studio.app).handle, event, Context())
        found = {name.lower(): value for name, value in answer["headers"].items()}
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None, found

    def ask(self, method: str, *, request_id: Any = None, **params: Any) -> Any:
        self.requests += 1
        asked = {"jsonrpc": "2.0", "id": self.requests if request_id is None else request_id, "method": method}
        status, body, _ = self.send({**asked, "params": params})
        assert (status, body["id"]) == (200, asked["id"]), body
        return body

    def call(self, tool: str, *, request_id: Any = None, **arguments: Any) -> dict[str, Any]:
        body = self.ask("tools/call", request_id=request_id, name=tool, arguments=arguments)
        result: dict[str, Any] = body["result"]
        jsonschema_rs.validate(self.schemas[tool], result["structuredContent"])
        return result

    @cached_property
    def schemas(self) -> dict[str, Any]:
        return {each["name"]: each["outputSchema"] for each in self.ask("tools/list")["result"]["tools"]}

    @property
    def charges(self) -> list[int]:
        return self.studio.charged("alice")


def told(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["structuredContent"]
    return found


def text(result: dict[str, Any]) -> str:
    return str(result["content"][0]["text"])
