"""Runs the emulator for as long as the process that started it lives: the end of our stdin is the end of us.

The emulator asks nobody who they are and lets every web page read its answers. So that a page cannot reach it by way of
a browser on this machine, it is put behind a door: a Host that is a name other than this machine's (DNS rebinding) and
an Origin that is not this machine's are turned away, and no answer says that other sites may read it.

With the variable DARKROOM_STATE, a folder, it keeps there what it holds (`local/emulator_keeping.py`).
"""

import json
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from local.emulator_keeping import Keeper

CANNOT_KEEP = 78
"""Exit code: the state cannot be used; the last line of the log says why."""

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]

_HERE = rb"(\d+\.\d+\.\d+\.\d+|localhost|host\.docker\.internal|\[::1\])(:\d+)?"
_HOST = re.compile(_HERE)
_ORIGIN = re.compile(rb"https?://" + _HERE)


# What is to be done before the end.
_ending = ExitStack()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    with suppress(Exception):
        _ending.close()
    os._exit(0)


def guarded(inner: Application) -> Application:
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


def keeping(inner: Application, keeper: "Keeper") -> Application:
    """Sends no answer before what it tells is kept. What cannot be kept is answered as AWS's own faults are.

    While nothing can be written (the disk is full), requests are refused before they are carried out.
    """
    from local.emulator_keeping import Request
    from local.journal import NotWritten

    async def app(scope: Message, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request = Request(scope["method"], scope["path"], headers.get(b"x-amz-target", b"").decode("latin-1"))
        if request.path == "/_ministack/reset":
            await _refuse(request, send, "What is kept is forgotten by `make reset` alone.")
            return
        if keeper.trouble:
            try:
                keeper.keep(request)
            except NotWritten as error:
                # An answer before the body's end would end the connection, too.
                while (await receive()).get("more_body"):
                    pass
                await _refuse(request, send, str(error))
                return
        is_refused = False

        async def send_kept(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start":
                try:
                    keeper.keep(request)
                except NotWritten as error:
                    is_refused = True
                    _tell(str(error))
                    await _refuse(request, send, str(error))
            if not is_refused:
                await send(message)

        await inner(scope, receive, send_kept)

    return app


async def _refuse(request: Any, send: Send, why: str) -> None:
    """An internal error in the form of the service that was asked."""
    if request.target:
        kind, body = b"application/x-amz-json-1.0", json.dumps({"__type": "InternalServerError", "message": why})
    else:
        kind, body = b"application/xml", f"<Error><Code>InternalError</Code><Message>{escape(why)}</Message></Error>"
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body.encode()})


def _tell(sentence: str) -> None:
    """Says it in the log, which may be on a disk that is full, and where `make up` was started."""
    with suppress(OSError):
        print(sentence, flush=True)
    if terminal := os.environ.get("DARKROOM_TERMINAL"):
        with suppress(OSError):
            os.write(int(terminal), f"{sentence}\n".encode())


def main() -> None:
    # Before the emulator is loaded, which takes a moment in which the parent may go.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    folder = os.environ.get("DARKROOM_STATE")
    keeper = _keeper(Path(folder)) if folder else None
    import uvicorn
    from ministack import app as emulator

    # Not by its own hypercorn, which spends twice as much processor time on a request.
    uvicorn.run(
        guarded(keeping(emulator.app, keeper) if keeper else emulator.app),
        host=os.environ["BIND_HOST"],
        port=int(os.environ["GATEWAY_PORT"]),
        log_level="warning",
        access_log=False,
        server_header=False,
        # The emulator says both by itself.
        date_header=False,
        timeout_keep_alive=75,
    )


def _keeper(folder: Path) -> "Keeper":
    """Restores what the folder has. Ends the process with CANNOT_KEEP where that cannot be done."""
    # Isolated mode leaves the folder of the package out.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from local.emulator_objects import Objects
    from local.journal import Journal, JournalError
    from local.kept import AWS, OBJECTS, SET_ASIDE

    objects = Objects(folder / OBJECTS, folder / SET_ASIDE)
    try:
        journal = Journal(folder / AWS)
        _ending.callback(journal.close)
        for sentence in (*journal.warnings, *objects.put_in_order()):
            _tell(sentence)
        from ministack.services import s3

        from local.emulator_keeping import Keeper

        objects.load(s3)
        keeper = Keeper(journal, objects)
        keeper.restore()
    except (JournalError, OSError) as error:
        with suppress(OSError):
            print(error, flush=True)
        # At once: a thread of ours waits for our stdin, which an orderly end would wait for.
        os._exit(CANNOT_KEEP)
    return keeper


if __name__ == "__main__":
    main()
