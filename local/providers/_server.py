"""A simulator on a socket of its own, on loopback only."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import Receive, Scope, Send

from local.ports import listen
from local.simulator.delivery import Cut, Reply, read

MAX_BODY = 64 * 1024 * 1024
# Names can be made to lead here by somebody else (DNS rebinding); addresses, and Docker's name for us, cannot.
_LOCAL_HOST = re.compile(r"(\d+\.\d+\.\d+\.\d+|localhost|host\.docker\.internal|\[::1\])(:\d+)?", re.IGNORECASE)
_THREADS = 16


@dataclass
class Request:
    """One request as it arrived. `headers` have small letters; `body` is b"" where there was none.

    Args:
        parameters: the named groups of its route's pattern.
        wrong: what is to go wrong with it beside a refusal, and with what options.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    wrong: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


Handler = Callable[[Request, bool], Reply]
"""(the request, whether it was larger than MAX_BODY) -> what is answered"""


class _Application:
    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="simulator")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not _LOCAL_HOST.fullmatch(headers.get("host", "")):
            await Reply.of_json({"error": {"message": "Forbidden"}}, 403).deliver(receive, send)
            return
        body = await read(receive, MAX_BODY)
        request = Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body or b"")
        loop = asyncio.get_running_loop()
        # Pictures take processor time, and others should not wait for them.
        reply = await loop.run_in_executor(self._threads, self._handle, request, body is None)
        await reply.deliver(receive, send)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


@contextmanager
def serving(handle: Handler, port: int) -> Iterator[int]:
    """Answers on the port, or with 0 on a free one, until the block ends; gives the port.

    Raises:
        PortInUse
    """
    listener = listen(port)
    application = _Application(handle)
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    thread = threading.Thread(target=server.run, args=([listener],), name="provider simulator", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        application.close()
        thread.join(timeout=3)
        listener.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Whether the web server's complaint is about anything but a connection that was cut on purpose."""
    return not (record.exc_info and isinstance(record.exc_info[1], Cut))
