"""Runs the emulator for as long as the process that started it lives: the end of our stdin is the end of us.

The emulator asks nobody who they are and lets every web page read its answers. So that a page cannot reach it by way of
a browser on this machine, it is put behind a door: a Host that is a name other than this machine's (DNS rebinding) and
an Origin that is not this machine's are turned away, and no answer says that other sites may read it.
"""

import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]

_HERE = rb"(\d+\.\d+\.\d+\.\d+|localhost|host\.docker\.internal|\[::1\])(:\d+)?"
_HOST = re.compile(_HERE)
_ORIGIN = re.compile(rb"https?://" + _HERE)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def guarded(inner: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def app(scope: Message, receive: Any, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and not _is_from_here(headers):
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"This emulator serves its own machine alone.\n"})
            return

        async def send_without_cors(message: Message) -> None:
            if message["type"] == "http.response.start" and b"origin" not in headers:
                kept = [(n, v) for n, v in message["headers"] if not n.lower().startswith(b"access-control-")]
                message = {**message, "headers": kept}
            await send(message)

        await inner(scope, receive, send_without_cors)

    return app


def _is_from_here(headers: dict[bytes, bytes]) -> bool:
    origin = headers.get(b"origin")
    return bool(_HOST.fullmatch(headers.get(b"host", b""))) and (origin is None or bool(_ORIGIN.fullmatch(origin)))


def main() -> None:
    # Before the emulator is loaded, which takes a moment in which the parent may go.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ministack import app as emulator

    emulator.app = guarded(emulator.app)
    emulator.main()


if __name__ == "__main__":
    main()
