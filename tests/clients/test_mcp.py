"""The Model Context Protocol's own client, unmodified, at the stack: files, queues and rights are the real ones."""

from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from tests.conftest import ROOT
from tests.integration.users import KLEIN, People, User


@pytest.fixture
def user(people: People) -> User:
    return people.new("mcp")


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What came of it, when it is over."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, result.content
    made = result.structured_content or {}
    if made.get("status") in ("queued", "running"):
        return await done(client, "get_job", job_id=made["job_id"], wait_seconds=20)
    return made


async def everything(user: User, url: str) -> None:
    """A picture is made; an upload is cut out, talked about and run through a recipe."""
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {user.token}"}, timeout=90)
    async with http, Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client:
        painted = await done(client, "generate_image", prompt="A red fox", model=KLEIN, max_cost_usd=0.05)
        assert painted["charged"] is True
        assert httpx.get(painted["images"][0]["url"], timeout=30).is_success
        form = await done(client, "upload_url", media_type="image/jpeg")
        photo = (ROOT / "events" / "photo.jpg").read_bytes()
        assert httpx.post(form["url"], data=form["fields"], files={"file": photo}, timeout=30).is_success
        cut = await done(client, "remove_background", image=form["upload_id"])
        assert (cut["charged"], cut["cost_usd"], cut["images"][0]["media_type"]) == (False, 0, "image/png")
        talk = await done(client, "edit_in_chat", image=form["upload_id"], message="warmer", max_cost_usd=0.1)
        assert talk["version"] != "v1"
        recipe = {"steps": [{"op": "sepia"}]}
        baked = await done(client, "apply_recipe", recipe=recipe, images=[form["upload_id"]])
        assert (baked["status"], baked["image_count"]) == ("succeeded", 1)
        listed = await done(client, "list_images")
        assert baked["job_id"] in {each["job_id"] for each in listed["data"]}


@pytest.mark.parametrize("door", ["gateway", "live"])
def test_pictures_are_made_and_worked_on(user: User, door: str) -> None:
    assert user.stack.live is not None
    anyio.run(everything, user, user.stack.url if door == "gateway" else user.stack.live.url)
    assert len(user.charges()) == 2
    assert sum(user.charges()) == sum(receipt["actual_micro_usd"] for receipt in user.receipts())
