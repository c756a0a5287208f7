"""The Model Context Protocol's own clients, unmodified, over a socket: address and token alone are set.

Each thing that is made is quoted first, and paid once.
"""

import base64
import io
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent
from PIL import Image

from darkroom.application.live import LiveApplication
from darkroom.http.live_door import live
from local.examples import DOCUMENTS, blocks_of
from tests.application import KLEIN, Studio
from tests.asgi_server import serving
from tests.conftest import ROOT

FOX = {"prompt": "A red fox", "model": KLEIN}
JAVASCRIPT = ROOT / "tests" / "clients" / "javascript"


@dataclass(frozen=True)
class Site:
    studio: Studio
    url: str
    token: str


@pytest.fixture
def site(studio: Studio) -> Iterator[Site]:
    studio.job_queue.works = studio.app.worker
    with serving(live(LiveApplication(studio.deployment, studio)).application) as url:
        yield Site(studio, url, studio.token("alice"))


@asynccontextmanager
async def connected(url: str, token: str, mode: str = "auto") -> AsyncIterator[Client]:
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=90)
    async with http, Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert result.structured_content is not None
    return result


async def everything(site: Site, mode: str, version: str) -> None:
    async with connected(f"{site.url}/mcp", site.token, mode) as client:
        assert client.protocol_version == version
        assert client.server_info is not None
        assert client.server_info.title == "Darkroom"
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"generate_image", "edit_in_chat", "upload_url"} <= tools

        quoted = (await called(client, "generate_image", **FOX)).structured_content or {}
        assert (quoted["status"], quoted["charged"], site.studio.charged("alice")) == ("quoted", False, [])
        made = await called(client, "generate_image", **FOX, max_cost_usd=quoted["max_cost_usd"])
        assert [type(each) for each in made.content] == [TextContent, ImageContent, ResourceLink]
        image = made.content[1]
        assert isinstance(image, ImageContent)
        assert max(Image.open(io.BytesIO(base64.b64decode(image.data))).size) == 512

        refused = await called(client, "edit_image", image="job_none", prompt="bluer", max_cost_usd=0.05)
        assert refused.is_error
        assert (refused.structured_content or {})["charged"] is False
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("sing", {})


@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
def test_the_python_client(site: Site, mode: str, version: str) -> None:
    anyio.run(everything, site, mode, version)
    assert site.studio.charged("alice") == [14_000]


def test_there_is_nothing_to_listen_to(site: Site) -> None:
    for method in ("GET", "DELETE"):
        answer = httpx.request(method, f"{site.url}/mcp", headers={"accept": "text/event-stream"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_settings_of_docs_mcp(site: Site) -> None:
    """Each is JSON that names the address and the token; a client that is set so gets in."""
    blocks = [block for block in blocks_of(DOCUMENTS["mcp"].read_text()) if block.tried_by]
    assert [block.language for block in blocks] == ["json"] * 4
    for block in blocks:
        text = re.sub(r"\$\{(env:|input:)?[A-Za-z_-]+\}|Bearer dk_\w+", site.token, block.text)
        found = json.loads(text.replace("http://127.0.0.1:3000", site.url))
        (server,) = (found.get("mcpServers") or found["servers"]).values()
        url = server.get("url") or server["args"][2]
        said = server["headers"]["Authorization"] if "headers" in server else f"Bearer {server['env']['AUTHORIZATION']}"
        anyio.run(gets_in, url, said.removeprefix("Bearer "))


async def gets_in(url: str, token: str) -> None:
    async with connected(url, token) as client:
        assert (await client.list_tools()).tools


@pytest.mark.skipif(
    not (JAVASCRIPT / "node_modules" / "@modelcontextprotocol").is_dir(),
    reason="SKIPPED FOR WANT OF NODE.JS: MCP's client for JavaScript is not installed: `make test` does it",
)
def test_the_typescript_client(site: Site) -> None:
    environment = {"PATH": os.environ["PATH"], "BASE_URL": site.url, "API_KEY": site.token}
    command = ["node", str(JAVASCRIPT / "calls.mjs"), "mcp"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"generate_image", "remove_background"} <= set(found["tools"])
    assert found["quoted"] == {"status": "quoted", "charged": False}
    assert found["kinds"] == ["text", "image", "resource_link"]
    assert found["refused"] == {"isError": True, "charged": False}
    assert found["cost_usd"] == 0.014
    assert site.studio.charged("alice") == [14_000]
