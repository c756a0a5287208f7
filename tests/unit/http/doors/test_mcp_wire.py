"""MCP's wire: versions, batches, notifications, what is refused and how."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from darkroom.http.doors.mcp_wire import MOST_IN_A_BATCH
from tests.unit.http.doors.mcp_calls import FOX, MODERN, Door


class TestWire:
    @pytest.mark.parametrize(
        ("wanted", "given"),
        [("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"), ("2099-01-01", "2025-11-25")],
    )
    def test_a_version_is_agreed_on(self, door: Door, wanted: str, given: str) -> None:
        hello = {"protocolVersion": wanted, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
        status, found, headers = door.send(body, mcp_protocol_version="", mcp_session_id="")
        assert (status, found["result"]["protocolVersion"]) == (200, given)
        assert found["result"]["capabilities"] == {"tools": {"listChanged": False}}
        assert headers["mcp-session-id"]

    def test_the_version_without_a_handshake(self, door: Door) -> None:
        door.version, door.session = MODERN, ""
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }

        def asked(method: str, *, meta: Any = meta, **params: Any) -> dict[str, Any]:
            return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}

        status, body, _ = door.send(asked("server/discover"), mcp_method="server/discover")
        assert (status, body["result"]["supportedVersions"], body["result"]["resultType"]) == (
            200,
            [MODERN],
            "complete",
        )
        call = asked("tools/call", name="list_models", arguments={})
        assert door.send(call, mcp_method="tools/call", mcp_name="list_models")[0] == 200
        encoded = f"=?base64?{base64.b64encode(b'list_models').decode()}?="
        assert door.send(call, mcp_method="tools/call", mcp_name=encoded)[0] == 200
        wrong = [
            door.send(call, mcp_method="tools/call", mcp_name="get_job"),
            door.send(call, mcp_method="tools/list", mcp_name="list_models"),
            door.send(call, mcp_protocol_version="2025-06-18"),
            door.send(asked("tools/list", meta={}), mcp_method="tools/list"),
            door.send(asked("ping"), mcp_method="ping"),
        ]
        assert [(status, body.get("error", {}).get("code")) for status, body, _ in wrong] == [
            (400, -32020),
            (400, -32020),
            (200, None),
            (400, -32602),
            (404, -32601),
        ]

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ("{bad", 400, -32700),
            ("7", 400, -32600),
            ("[]", 400, -32600),
            (json.dumps([{"jsonrpc": "2.0", "id": 1, "method": "ping"}] * (MOST_IN_A_BATCH + 1)), 400, -32600),
            ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": null, "method": "ping"}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": true, "method": "ping"}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": 1, "method": 5}', 400, -32600),
            ('{"jsonrpc": "2.0", "id": 1, "method": "prompts/list"}', 200, -32601),
            ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "sing"}}', 200, -32602),
            ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}', 200, -32602),
            (
                '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_job", "arguments": 1}}',
                200,
                -32602,
            ),
        ],
    )
    def test_what_is_no_request(self, door: Door, body: str, status: int, code: int) -> None:
        found_status, found, _ = door.send(body)
        assert (found_status, found["error"]["code"]) == (status, code)

    def test_a_batch_is_answered_one_by_one(self, door: Door) -> None:
        calls = [
            {"jsonrpc": "2.0", "id": "a", "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {
                "jsonrpc": "2.0",
                "id": "b",
                "method": "tools/call",
                "params": {"name": "generate_image", "arguments": {**FOX, "max_cost_usd": 0.05}},
            },
            {"jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": {"name": "get_job", "arguments": {}}},
        ]
        status, body, _ = door.send(calls)
        assert (status, [each["id"] for each in body]) == (200, ["a", "b", "c"])
        assert (body[1]["result"]["isError"], body[2]["result"]["isError"]) == (False, True)
        assert body[2]["result"]["structuredContent"]["charged"] is False
        assert door.charges == [14_000]

    @pytest.mark.parametrize(
        "message",
        [
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
            {"jsonrpc": "2.0", "id": 1, "result": {}},
        ],
    )
    def test_what_wants_no_answer_gets_none(self, door: Door, message: dict[str, Any]) -> None:
        assert door.send(message)[:2] == (202, None)
        assert door.send([message])[:2] == (202, None)

    def test_a_version_that_is_not_known(self, door: Door) -> None:
        status, body, _ = door.send({"jsonrpc": "2.0", "id": 4, "method": "ping"}, mcp_protocol_version="1999-01-01")
        assert (status, body["id"], body["error"]["code"]) == (400, 4, -32022)
        assert MODERN in body["error"]["data"]["supported"]

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("http://evil.example", 403),
            ("null", 403),
            ("https://127.0.0.1", 200),
            ("http://localhost:6274", 200),
            ("", 200),
        ],
    )
    def test_pages_of_other_sites_are_refused(self, door: Door, origin: str, status: int) -> None:
        assert door.send({"jsonrpc": "2.0", "id": 1, "method": "ping"}, origin=origin)[0] == status

    def test_nobody_gets_in_without_a_token(self, door: Door) -> None:
        status, body, headers = door.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, token=None)
        assert (status, body["error"]["data"]["code"]) == (401, "UNAUTHENTICATED")
        assert headers["www-authenticate"].startswith("Bearer")

    def test_the_mark_is_forgotten_after_a_minute(self, door: Door) -> None:
        door.call("generate_image", request_id=1, **FOX, max_cost_usd=0.05)
        door.studio.clock.step(timedelta(minutes=2))
        door.call("generate_image", request_id=1, **FOX, max_cost_usd=0.05)
        assert door.charges == [14_000] * 2
