"""MCP's messages: JSON-RPC over HTTP, in the versions of the protocol that begin with `initialize` and in the one that
has everything in each request.

There are no sessions. The id of one that `initialize` hands out is kept nowhere: with it and with a request's own id, a
request that is sent again is known from another one that only says the same.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response
from msgspec import Struct

from darkroom import __version__
from darkroom.application import Application
from darkroom.errors import ForeignOrigin, InvalidParameter
from darkroom.http.app import Api, json_response
from darkroom.http.body import json_value
from darkroom.http.doors import mcp_tools
from darkroom.http.doors.mcp_calls import Call

WITH_HANDSHAKE: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
WITHOUT: Final = ("2026-07-28",)
# Of a request that names none. https://modelcontextprotocol.io/specification/2025-06-18/basic/transports
_UNNAMED: Final = "2025-03-26"
MOST_IN_A_BATCH: Final = 20
PARSE_ERROR, INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
_STATUS: Final = {NO_SUCH_METHOD: 404}
_META: Final = "io.modelcontextprotocol/"
_SERVER: Final = {"name": "darkroom", "title": "Darkroom", "version": __version__}
_CAPABILITIES: Final = {"tools": {"listChanged": False}}
_INSTRUCTIONS: Final = (
    "Darkroom makes and edits pictures with the user's own account, and never charges without a limit: a tool that "
    "costs money answers with a quote until it is called with `max_cost_usd`. Tell the user what it costs. Pictures "
    "are named by job (`job_…` or `job_…/1`), upload (`upl_…`) or URL. If a job is not over yet, ask get_job."
)
# For which lists may be kept by clients; a new release may change them.
_KEPT: Final = {"ttlMs": 300_000, "cacheScope": "private"}

Message = Mapping[str, Any]


class Refused(Exception):
    """What is wrong with a message, in JSON-RPC's terms."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class _Exchange(Struct, frozen=True):
    """Args:
    version: of the protocol.
    together: how many requests share the time of this one.
    """

    api: Api
    app: Application
    version: str
    together: int = 1

    @property
    def is_stateless(self) -> bool:
        return self.version in WITHOUT


def answer(api: Api, app: Application) -> Response[Any]:
    """Raises ForeignOrigin, UnsupportedMediaType."""
    _require_known_origin(api)
    try:
        sent = json_value(api.app.current_event)
    except InvalidParameter as error:
        return _sent(_error(None, Refused(PARSE_ERROR, f"{error.detail} {error.fix}")), 400)
    version = api.headers.get("mcp-protocol-version") or _version_in(sent) or _UNNAMED
    if version not in (*WITH_HANDSHAKE, *WITHOUT):
        known = {"supported": [*WITH_HANDSHAKE, *WITHOUT], "requested": version[:40]}
        return _sent(_error(_id(sent), Refused(UNSUPPORTED_VERSION, "Unsupported protocol version", known)), 400)
    if isinstance(sent, list):
        return _batch(_Exchange(api, app, version, max(1, len(sent))), sent)
    found, status = _one(_Exchange(api, app, version), sent)
    if found is None:
        return Response(202, "application/json", "", headers={})
    # Only so can a client be told of a session.
    begins = isinstance(sent, dict) and sent.get("method") == "initialize" and "result" in found
    return _sent(found, status, {"mcp-session-id": secrets.token_urlsafe(18)} if begins else {})


def _batch(exchange: _Exchange, sent: Sequence[Any]) -> Response[Any]:
    if not 1 <= len(sent) <= MOST_IN_A_BATCH:
        wrong = Refused(INVALID_REQUEST, f"A batch has 1 to {MOST_IN_A_BATCH} messages.")
        return _sent(_error(None, wrong), 400)
    answers = [found for found, _ in (_one(exchange, each) for each in sent) if found is not None]
    return _sent(answers, 200) if answers else Response(202, "application/json", "", headers={})


def _one(exchange: _Exchange, sent: Any) -> tuple[dict[str, Any] | None, int]:
    """The answer and its status; None to what is to have none."""
    try:
        if not isinstance(sent, dict) or sent.get("jsonrpc") != "2.0":
            raise Refused(INVALID_REQUEST, "This is no message of JSON-RPC 2.0.")
        if "method" not in sent and ("result" in sent or "error" in sent):
            return None, 202
        if not isinstance(sent.get("method"), str):
            raise Refused(INVALID_REQUEST, "`method` is no text.")
        if "id" not in sent:
            return None, 202
        if _id(sent) is None:
            raise Refused(INVALID_REQUEST, "`id` is neither a whole number nor a text.")
        if exchange.is_stateless:
            _require_envelope(exchange, sent)
        return {"jsonrpc": "2.0", "id": sent["id"], "result": _result(exchange, sent)}, 200
    except Refused as refused:
        is_message = refused.code in (INVALID_REQUEST, PARSE_ERROR)
        status = _STATUS.get(refused.code, 400) if exchange.is_stateless or is_message else 200
        return _error(_id(sent), refused), status


def _result(exchange: _Exchange, sent: Message) -> dict[str, Any]:
    params = sent.get("params", {})
    if not isinstance(params, dict):
        raise Refused(INVALID_PARAMS, "`params` is no object.")
    if not exchange.is_stateless:
        return _answered(exchange, sent["method"], sent, params)
    result = _answered_stateless(exchange, sent["method"], sent, params)
    return {**result, "resultType": "complete", "_meta": {f"{_META}serverInfo": _SERVER}}


def _answered(exchange: _Exchange, method: str, sent: Message, params: Message) -> dict[str, Any]:
    match method:
        case "initialize":
            return _agreed(params.get("protocolVersion"))
        case "ping":
            return {}
        case "tools/list":
            return {"tools": mcp_tools.listed()}
        case "tools/call":
            return _called(exchange, sent["id"], params)
    raise Refused(NO_SUCH_METHOD, "Method not found", method[:100])


def _answered_stateless(exchange: _Exchange, method: str, sent: Message, params: Message) -> dict[str, Any]:
    match method:
        case "server/discover":
            supported = {"supportedVersions": list(WITHOUT), "capabilities": _CAPABILITIES}
            return {**supported, "instructions": _INSTRUCTIONS, **_KEPT}
        case "tools/list":
            return {"tools": mcp_tools.listed(), **_KEPT}
        case "tools/call":
            return _called(exchange, sent["id"], params)
    raise Refused(NO_SUCH_METHOD, "Method not found", method[:100])


def _agreed(wanted: Any) -> dict[str, Any]:
    if not isinstance(wanted, str):
        raise Refused(INVALID_PARAMS, "`protocolVersion` is no text.")
    return {
        "protocolVersion": wanted if wanted in WITH_HANDSHAKE else WITH_HANDSHAKE[-1],
        "capabilities": _CAPABILITIES,
        "serverInfo": _SERVER,
        "instructions": _INSTRUCTIONS,
    }


def _called(exchange: _Exchange, request_id: Any, params: Message) -> dict[str, Any]:
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str) or name not in mcp_tools.TOOLS:
        raise Refused(INVALID_PARAMS, f"There is no tool {str(name)[:60]!r}; tools/list has them.")
    if arguments is not None and not isinstance(arguments, dict):
        raise Refused(INVALID_PARAMS, "`arguments` is no object.")
    call = Call(
        api=exchange.api,
        app=exchange.app,
        tool=name,
        mark=_mark(exchange.api, request_id),
        together=exchange.together,
        takes_links=exchange.version not in ("2024-11-05", "2025-03-26"),
    )
    return call.answered(lambda: mcp_tools.TOOLS[name].run(call, arguments or {}))


def _mark(api: Api, request_id: Any) -> str:
    """The same for a request that is sent again, and for no other of its session."""
    said = (api.headers.get("mcp-session-id", ""), repr(request_id))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _require_envelope(exchange: _Exchange, sent: Message) -> None:
    """What each request of the version without a handshake has to say, and its headers likewise."""
    params = sent.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    names = (f"{_META}protocolVersion", f"{_META}clientCapabilities")
    if not isinstance(meta, dict) or any(name not in meta for name in names):
        raise Refused(INVALID_PARAMS, f"`params._meta` has to have {' and '.join(names)}.")
    headers, name = exchange.api.headers, params.get("name") if isinstance(params, dict) else None
    if headers.get("mcp-protocol-version") != meta[names[0]]:
        raise Refused(HEADER_MISMATCH, "The header MCP-Protocol-Version is not the version in `_meta`.")
    if headers.get("mcp-method") != sent["method"]:
        raise Refused(HEADER_MISMATCH, "The header Mcp-Method is not the request's `method`.")
    if sent["method"] == "tools/call" and isinstance(name, str) and _decoded(headers.get("mcp-name", "")) != name:
        raise Refused(HEADER_MISMATCH, "The header Mcp-Name is not the tool's `name`.")


def _decoded(header: str) -> str | None:
    """A header's value, which is base64 where it would not fit into one."""
    if not (header.startswith("=?base64?") and header.endswith("?=")):
        return header
    try:
        return base64.b64decode(header[9:-2], validate=True).decode()
    except ValueError:
        return None


def _version_in(sent: Any) -> str | None:
    """As a request of the version without a handshake says it."""
    params = sent.get("params") if isinstance(sent, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    found = meta.get(f"{_META}protocolVersion") if isinstance(meta, dict) else None
    return found if isinstance(found, str) else None


def _require_known_origin(api: Api) -> None:
    """Refuses pages of other sites, one that has made its name lead to this machine among them.

    Programs send no origin. Pages on the caller's own machine, such as MCP's Inspector, are as good as programs.
    """
    origin = api.headers.get("origin")
    if origin is None or origin == api.visit.origin:
        return
    host = urlsplit(origin).hostname if origin != "null" else None
    if host not in ("localhost", "127.0.0.1", "::1"):
        raise ForeignOrigin(
            "The request comes from another site's page.",
            fix="Send it from a program, or from a page of this stack or of your own machine.",
        )


def _id(sent: Any) -> int | str | None:
    found = sent.get("id") if isinstance(sent, dict) else None
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


def _error(request_id: int | str | None, refused: Refused) -> dict[str, Any]:
    told = {"code": refused.code, "message": refused.message}
    error = told if refused.data is None else {**told, "data": refused.data}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def _sent(body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return json_response(body, status, headers)
