"""GET /openapi.json and GET /docs: for everybody, unless the stack's owner says otherwise."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from darkroom.http.route_table import ROUTES
from darkroom.http.routes.account import routes
from local.openapi.document import document
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled


def _get(studio: Studio, path: str, *, token: str | None = None, public: bool = True) -> dict[str, Any]:
    environ = {"DARKROOM_PUBLIC_DOCS": str(public)}
    owned = Studio(studio.simulator, studio.clock, token_store=studio.token_store, environ=environ)
    return handled(routes(owned.app).handle, http_event("GET", path, token=token), Context())


def test_the_document_is_served_to_everybody(studio: Studio) -> None:
    answer = _get(studio, "/openapi.json")
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/json")
    assert json.loads(answer["body"]) == document()


def test_the_page_has_every_route_and_runs_nothing(studio: Studio) -> None:
    answer = _get(studio, "/docs")
    assert answer["statusCode"] == 200
    policy = answer["headers"]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    page = _Page(answer["body"])
    assert page.unclosed == []
    assert "script" not in page.tags
    assert {url for url in page.urls if not url.startswith(("/", "#"))} == set()
    shown = {
        f"{method} {path}" for method, path in re.findall(r"<code>([A-Z]+) (/[^<]*)</code></summary>", answer["body"])
    }
    assert shown == {route.replace("{proxy+}", "{model_id}") for route in ROUTES}


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/v1/operations"])
def test_an_owner_may_keep_them_for_users(studio: Studio, path: str) -> None:
    assert _get(studio, path, public=False)["statusCode"] == 401
    assert _get(studio, path, public=False, token=studio.token("alice"))["statusCode"] == 200


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.urls: set[str] = set()
        self.unclosed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.urls |= {value or "" for name, value in attrs if name in ("href", "src", "action")}
        if tag not in ("meta", "br", "img", "input"):
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag
