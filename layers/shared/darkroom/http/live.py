"""The live door: the routes that clients of OpenAI's API call, as an ASGI application.

Each request is handed to the same `Api` as one that comes through API Gateway, in a thread, for routes wait. What is
different is the transport: no end after 30 s, no 6 MB, and a job is carried out by this process.

An answer in JSON that takes long is begun before it is there: blanks, which JSON allows before its value, keep
everything between here and the client from taking the connection for dead. Its status is 200 then, whatever comes; an
error stands in the body as always, with its own `status` there.

An answer that is a stream of events is begun with the first of them, or when it takes as long as that, and its error is
an event then.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from darkroom.errors import DarkroomError, NoSuchRoute, PayloadTooLarge
from darkroom.http.app import HEADERS, Api, refusal
from darkroom.http.asgi_events import Invocation, event_of
from darkroom.http.followers import Followers
from darkroom.http.live_outlet import LiveOutlet, Work, body_of
from darkroom.http.route_table import DEFAULT, ROUTES, Matcher, own_path
from darkroom.http.transport import Transport
from darkroom.models.door import LIVE

# Proxies that cut silent connections do so after 30 s at the earliest. Nearly every refusal has come by then.
BEGINS_AFTER: Final = 25.0
BLANK_EVERY: Final = 10.0
LOOK_EVERY: Final = 1.0
# Of a request, as API Gateway takes it.
MAX_BODY: Final = 10 * 1024 * 1024
_CONCURRENCY: Final = 64
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# For the log, as nginx has it: the client is gone.
_CLIENT_CLOSED: Final = 499

Make = Callable[[], Api]


class Pace(Struct, frozen=True):
    """Seconds: from when on an answer is begun before it is there; between two blanks, and two looks of a follower."""

    begins_after: float = BEGINS_AFTER
    blank_every: float = BLANK_EVERY
    look_every: float = LOOK_EVERY


class _Apis:
    """The APIs of one set of routes, each for one request at a time."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._idle: list[Api] = []

    def handle(self, event: dict[str, Any], invocation: Invocation, transport: Transport) -> dict[str, Any]:
        try:
            api = self._idle.pop()
        except IndexError:
            api = self._make()
        try:
            return api.handle(event, invocation, transport)  # type: ignore[arg-type]
        finally:
            self._idle.append(api)


class Live:
    """Args:
    makers: by route key (`POST /v1/images/edits`), what makes an API with that route.
    api_url: where all other routes are.
    seconds: how long a request has where Lambda does not say.
    """

    def __init__(
        self,
        makers: Mapping[str, Make],
        *,
        clock: Callable[[], datetime],
        api_url: str,
        seconds: float,
        pace: Pace | None = None,
    ) -> None:
        shared: dict[Make, _Apis] = {}
        self._apis = {route: shared.setdefault(make, _Apis(make)) for route, make in makers.items()}
        self._match, self._match_elsewhere = Matcher(makers).match, Matcher(ROUTES).match
        self._clock = clock
        self._api_url = api_url
        self._seconds = seconds
        self._pace = pace or Pace()
        self._followers = Followers(self._pace.look_every)
        self._threads = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="live")

    @property
    def application(self) -> ASGIApp:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. There is one route, so nothing is routed."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive, send)
        if request.method in _METHODS:
            response = await self._answer(request)
        else:
            response = Response("Method Not Allowed", 405, {"allow": ", ".join(_METHODS)}, "text/plain")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=_CLIENT_CLOSED)
        path = own_path(request.scope["path"])
        route = self._match(request.method, path)
        event = event_of(request.scope, body or b"", route or DEFAULT, path, now=self._clock())
        refused = self._refused(request.method, path, route, body)
        if refused is not None:
            return _response(refusal(refused, event["requestContext"]["requestId"]))
        return await self._carried_out(request, event, self._apis[route] if route else self._any)

    @property
    def _any(self) -> _Apis:
        """Says what is wrong with a path, too."""
        return next(iter(self._apis.values()))

    def _refused(self, method: str, path: str, route: str | None, body: bytes | None) -> DarkroomError | None:
        if route is None and (known := self._match_elsewhere(method, path)):
            return NoSuchRoute(
                f"{known} is not at this address.",
                fix=f"Send it to {self._api_url}{path}, with the same token.",
                context={"nearest": [known]},
            )
        if body is None:
            return PayloadTooLarge(
                f"The request is larger than {MAX_BODY // 1024 // 1024} MB.",
                fix="Upload the picture by itself (POST /v1/uploads), and name it by `upload_id`.",
            )
        return None

    async def _carried_out(self, request: Request, event: dict[str, Any], apis: _Apis) -> Response:
        invocation = Invocation.of(event["headers"], otherwise=self._seconds, now=self._clock())
        gone = threading.Event()
        loop = asyncio.get_running_loop()
        outlet = LiveOutlet(loop)
        transport = Transport(LIVE, gone.is_set, outlet)
        work = loop.run_in_executor(self._threads, apis.handle, event, invocation, transport)
        listener = asyncio.ensure_future(_listen(request, gone))
        try:
            # Nothing but a POST works for long without saying so.
            await outlet.until_news(work, self._pace.begins_after if request.method == "POST" else None)
            if work.done() and not outlet.has_events:
                answer, following = work.result(), outlet.following
                pieces = self._followers.pieces(body_of(answer), following) if following else None
                return _response(answer, pieces)
        finally:
            if work.done():
                listener.cancel()
        headers = {**HEADERS, **outlet.begin(), "x-request-id": event["requestContext"]["requestId"]}
        return StreamingResponse(self._going_out(outlet, work, listener, gone), 200, headers)

    async def _going_out(
        self, outlet: LiveOutlet, work: Work, listener: "asyncio.Future[None]", gone: threading.Event
    ) -> AsyncIterator[bytes]:
        try:
            async for piece in outlet.pieces(work, self._pace.blank_every):
                yield piece
        finally:
            listener.cancel()
            outlet.close()
            if not work.done():
                gone.set()


async def _read(request: Request) -> bytes | None:
    """The body; None where it is larger than MAX_BODY."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size <= MAX_BODY:
            pieces.append(piece)
    return b"".join(pieces) if size <= MAX_BODY else None


async def _listen(request: Request, gone: threading.Event) -> None:
    """Once the body is read, all that can come from the client is that it has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()


def _response(answer: Mapping[str, Any], pieces: AsyncIterator[bytes] | None = None) -> Response:
    """Args: pieces: of the body, where the answer has only the beginning of it."""
    status = int(answer["statusCode"])
    response = Response(body_of(answer), status) if pieces is None else StreamingResponse(pieces, status)
    for name, value in answer["headers"].items():
        response.headers[name] = str(value)
    for cookie in answer.get("cookies", ()):
        response.headers.append("set-cookie", str(cookie))
    return response
