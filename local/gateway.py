"""API Gateway's part: HTTP in, events to the functions, HTTP out. On loopback only."""

import asyncio
import base64
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from darkroom.errors import PayloadTooLarge
from local.functions import EventTooLarge, FunctionPool, Throttled
from local.http_events import HttpRequest, HttpResponse, MalformedResponse, from_result, to_event
from local.live import MAX_BODY as MAX_BODY_OF_LIVE
from local.live import LiveRoutes
from local.routes import Match, Routes
from local.template import Cors

logger = logging.getLogger(__name__)

MAX_BODY = 10 * 1024 * 1024
TIMEOUT = 30.0
# Enough of an oversized body is read that a client which sends first and listens afterwards hears the 413.
_DRAIN = 100 * 1024 * 1024
_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
_CONCURRENCY = 64


class Gateway:
    """An ASGI application that answers as an HTTP API of API Gateway does.

    Args:
        routes: the API's.
        pools: a pool per function's logical id.
        cors: what browsers of other origins may do; None for nothing.
        timeout: seconds after which the caller is told 503. The function goes on.
        live: has the routes that are not API Gateway's to answer.
    """

    def __init__(
        self,
        routes: Routes,
        pools: Mapping[str, FunctionPool],
        cors: Cors | None = None,
        timeout: float = TIMEOUT,
        live: LiveRoutes | None = None,
    ) -> None:
        self._live = live
        self._routes = routes
        self._pools = pools
        self._cors = cors
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="gateway")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        begun = time.monotonic()
        request_id = base64.b64encode(os.urandom(11)).decode()
        try:
            response = await self._answer(request, request_id)
        except ClientDisconnect:
            return
        except Exception:
            logger.exception("The gateway failed")
            response = _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
        response.headers["apigw-requestid"] = request_id
        # No query string: it can carry what should not be kept.
        took = (time.monotonic() - begun) * 1000
        # Encoded, for a decoded path can hold a line break, and with it a line of the log that never was.
        path = quote(request.scope["path"], safe="/{}")
        logger.info("%s %s → %d, %.0f ms", request.method, path, response.status_code, took)
        await response(scope, receive, send)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, request: Request, request_id: str) -> Response:
        # A page on the web can point a name of its own at 127.0.0.1 and then talk to this server as to its own origin
        # (DNS rebinding). The name is all that tells such a request from an honest one.
        if not _LOCAL_HOST.fullmatch(request.headers.get("host", "")):
            return _message(HTTPStatus.FORBIDDEN, "Forbidden")
        if request.method == "OPTIONS" and self._cors is not None:
            return self._preflight(request)
        response = await self._call(request, request_id)
        self._allow_origin(request, response)
        return response

    async def _call(self, request: Request, request_id: str) -> Response:
        if self._live and self._live.has(request.method, request.scope["path"]):
            body = await _read(request)
            if body is None or len(body) > MAX_BODY_OF_LIVE:
                return _too_large()
            return await self._live.answer(request, body)
        match = self._routes.match(request.method, request.scope["path"])
        if match is None:
            return _message(HTTPStatus.NOT_FOUND, "Not Found")
        body = await _read(request)
        if body is None:
            return _too_large()
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, self._invoke, request, body, match, request_id)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._timeout)
        except TimeoutError:
            return _message(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable")

    def _invoke(self, request: Request, body: bytes, match: Match, request_id: str) -> Response:
        http = HttpRequest(
            method=request.method,
            path=request.scope["path"],
            query=request.scope["query_string"].decode("latin-1"),
            headers=request.headers.items(),
            body=body,
            client=request.client.host if request.client else "127.0.0.1",
        )
        event = to_event(http, match, request_id, datetime.now(UTC))
        try:
            outcome = self._pools[match.route.function].call(event, patience=self._timeout)
            if outcome.is_error:
                return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
            return _response(from_result(outcome.value))
        except EventTooLarge:
            return _too_large()
        except Throttled:
            return _message(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable")
        except MalformedResponse as error:
            logger.error("%s answered what API Gateway cannot send: %s", match.route.function, error)
            return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")

    def _preflight(self, request: Request) -> Response:
        response = Response(status_code=HTTPStatus.NO_CONTENT)
        self._allow_origin(request, response)
        cors = self._cors
        if cors is not None and "access-control-allow-origin" in response.headers:
            response.headers["access-control-allow-methods"] = ",".join(cors.methods)
            response.headers["access-control-allow-headers"] = ",".join(cors.headers)
            if cors.max_age is not None:
                response.headers["access-control-max-age"] = str(cors.max_age)
        return response

    def _allow_origin(self, request: Request, response: Response) -> None:
        """Puts the template's CORS headers in the place of whatever the handler said about it."""
        cors, origin = self._cors, request.headers.get("origin")
        if cors is None:
            return
        for name in [name for name in response.headers if name.startswith("access-control-")]:
            del response.headers[name]
        if origin is None or not {origin, "*"} & set(cors.origins):
            return
        response.headers["access-control-allow-origin"] = "*" if "*" in cors.origins else origin
        if cors.expose:
            response.headers["access-control-expose-headers"] = ",".join(cors.expose)
        if cors.credentials:
            response.headers["access-control-allow-credentials"] = "true"


class GatewayServer:
    """A gateway on a socket, in a thread of its own, between entering and leaving."""

    def __init__(self, gateway: Gateway, listener: socket.socket) -> None:
        self._gateway = gateway
        self._listener = listener
        config = uvicorn.Config(
            gateway, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="gateway", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._gateway.close()
        self._thread.join(timeout=3)
        self._listener.close()


async def _read(request: Request) -> bytes | None:
    """The request's body, or None when it is larger than API Gateway takes."""
    declared = int(request.headers.get("content-length", "0"))
    if declared > MAX_BODY and "expect" in request.headers:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
        elif size > _DRAIN:
            break
    return b"".join(chunks) if size <= MAX_BODY else None


class _JsonLine(JSONResponse):
    """Ends as the functions' JSON does."""

    def render(self, content: Any) -> bytes:
        return super().render(content) + b"\n"


def _message(status: HTTPStatus, text: str) -> Response:
    return _JsonLine({"message": text}, status)


def _too_large() -> Response:
    """As API Gateway's own 413, which has `message` alone; here there is room to say what to do."""
    error = PayloadTooLarge(
        "The request is larger than 10 MB, or than the 6 MB that Lambda takes, of which base64 makes 4.5 MB of a file.",
        fix='Send the picture by itself: POST /v1/uploads gives a form for up to 50 MB; then name it by "upload_id".',
    )
    return _JsonLine(
        {"message": "Request Entity Too Large", **error.problem()}, error.status, media_type="application/problem+json"
    )


def _response(response: HttpResponse) -> Response:
    answer = Response(response.body, response.status)
    for name, value in response.headers:
        answer.headers.append(name, value)
    return answer
