"""The live door on this machine: its function's process, and the way to it for what comes to the gateway."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from darkroom.http.route_table import LIVE_ROUTES, Matcher, own_path
from local.function_host import MAX_PAYLOAD
from local.launch import PYTHON
from local.ports import listen
from local.template import Function

logger = logging.getLogger(__name__)

_HOST = Path(__file__).with_name("live_host.py")
_READY_SECONDS: Final = 120.0
# Lambda is called with JSON, in which a body that is no text is base64.
MAX_BODY: Final = MAX_PAYLOAD * 3 // 4 - 30_000
# The gateway's own to say, on each of its connections.
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length", "date"})


class LiveServer:
    """The function's process, between entering and leaving. One that dies is started again when it is next called.

    Args:
        environment: its variables, all of them.
        log: gets what it prints.
    """

    def __init__(self, function: Function, environment: Mapping[str, str], log: Path) -> None:
        self._function = function
        self._environment = dict(environment)
        self._log = log
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._listener = listen(0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._listener.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def kill(self) -> None:
        """As the kernel would, in the middle of whatever it does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def require(self) -> None:
        """Has it run."""
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                logger.error("%s ended, and is started again; see %s", self._function.logical_id, self._log)
                self._end()
                self._start()

    def wait_until_ready(self) -> None:
        """Until it has answered once. Connections wait at the socket meanwhile."""
        ends = time.monotonic() + _READY_SECONDS
        while time.monotonic() < ends and self._process is not None and self._process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(self.url, timeout=_READY_SECONDS, trust_env=False)
                return

    def _start(self) -> None:
        self._link, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as output:
            descriptors = [self._listener.fileno(), theirs.fileno()]
            self._process = subprocess.Popen(
                [*PYTHON, str(_HOST), *map(str, descriptors), self._function.rights],
                cwd=self._function.code,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=descriptors,
                start_new_session=True,
            )

    def _end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._link is not None:
            self._link.close()


class LiveRoutes:
    """Hands on to the live door what comes to the gateway and is for it."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        self._match = Matcher(LIVE_ROUTES).match
        # No end but the function's, and as many as come. No connection is kept: one would outlive the gateway's loop.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=_READY_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
        )

    def has(self, method: str, path: str) -> bool:
        plain = own_path(path)
        return self._match(method, plain) is not None or plain != path

    async def answer(self, request: Request, body: bytes) -> Response:
        """Args: body: of the request, which was read."""
        await asyncio.to_thread(self._server.require)
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        query: bytes = request.scope["query_string"]
        target = raw + (b"?" + query if query else b"")
        asked = self._client.build_request(
            request.method,
            httpx.URL(self._server.url).copy_with(raw_path=target),
            headers=[*_kept(request.headers.raw), (b"host", request.headers["host"].encode())],
            content=body,
        )
        answer = await _unless_gone(request, self._client.send(asked, stream=True))
        if answer is None:
            return Response(status_code=499)
        response = StreamingResponse(_passed_on(answer), answer.status_code)
        response.raw_headers = [
            (name.lower(), value) for name, value in _kept(answer.headers.raw, also=b"content-length")
        ]
        return response


def _kept(headers: Any, also: bytes = b"") -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower().decode() not in _HOP or name.lower() == also]


async def _passed_on(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


async def _unless_gone(request: Request, sending: Any) -> httpx.Response | None:
    """The answer; None if the client hangs up before it has begun, and then the live door is hung up on, too."""
    task = asyncio.ensure_future(sending)
    listener = asyncio.ensure_future(_disconnected(request))
    done, _ = await asyncio.wait((task, listener), return_when=asyncio.FIRST_COMPLETED)
    listener.cancel()
    if task in done:
        found: httpx.Response = task.result()
        return found
    task.cancel()
    return None


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
