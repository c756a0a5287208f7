"""One function in one process, as Lambda runs it. A script, started by `local/launch.py`.

    python -I -u function_host.py SOCKET HANDLER RIGHTS

RIGHTS is what the function's role may do, see `local.iam.enforcement`; where it is empty all is allowed. The working
directory holds the handler's module. Over the socket go pairs of frames, each a length and bytes: a header and a
payload, both JSON. Standard output stays the function's own.

Where the function has an extension (see `local.extensions_api`), the header of its answer says whether it goes on
with something; a pair of frames follows then, when it is over.
"""

import decimal
import importlib
import json
import os
import queue
import resource
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

MAX_PAYLOAD = 6_291_556
_LENGTH = struct.Struct(">I")
# Seconds in which an extension that has nothing to do asks for the next event.
_MOMENT = 0.05
_MAX_RSS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024

Handler = Callable[[Any, Any], Any]


class Context:
    """What Lambda hands a handler beside the event."""

    client_context = None
    identity = None

    def __init__(self, request_id: str, arn: str, seconds: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class Link:
    """The socket to the parent."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._requests: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def receive(self) -> tuple[dict[str, Any], bytes]:
        return self._requests.get()

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        for frame in (json.dumps(header).encode(), payload):
            self._connection.sendall(_LENGTH.pack(len(frame)) + frame)

    def _read(self) -> None:
        # In a thread, so that a parent that died is noticed while the handler works: then nobody waits for it.
        try:
            while True:
                self._requests.put((json.loads(self._frame()), self._frame()))
        except OSError:
            os._exit(0)

    def _frame(self) -> bytes:
        return self._exactly(_LENGTH.unpack(self._exactly(_LENGTH.size))[0])

    def _exactly(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            received = self._connection.recv_into(view)
            if not received:
                raise ConnectionResetError
            view = view[received:]
        return bytes(data)


def ours(module: str) -> Any:
    """A module of this repository. The function cannot import them: some have names of the standard library's."""
    root = str(Path(__file__).resolve().parent.parent)
    sys.path.insert(0, root)
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(root)


def _error(type_: str, message: str, trace: list[str] | None = None) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": type_, "stackTrace": trace or []}).encode()


def load(handler: str) -> tuple[Handler | None, bytes]:
    """The handler, or the error that Lambda would answer every call with."""
    module_name, _, name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        traceback.print_exc()
        return None, _error("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        traceback.print_exc()
        return None, _error("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}")
    except Exception as error:  # noqa: BLE001 - whatever the module's own code raises
        traceback.print_exc()
        return None, _error(type(error).__name__, str(error), traceback.format_tb(error.__traceback__))
    found = getattr(module, name, None)
    if found is None:
        return None, _error("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")
    return found, b""


def _plain(value: Any) -> str:
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def call(handler: Handler, event: bytes, context: Context) -> tuple[bool, bytes]:
    """Whether it went well, and the result or the error as JSON."""
    try:
        result = handler(json.loads(event), context)
    except Exception as error:  # noqa: BLE001 - whatever the handler raises
        trace = traceback.format_exc()
        print(f"[ERROR] {trace}", file=sys.stderr, flush=True)
        return False, _error(type(error).__name__, str(error), trace.splitlines())
    try:
        payload = json.dumps(result, ensure_ascii=False, default=_plain).encode()
    except (TypeError, ValueError) as error:
        return False, _error("Runtime.MarshalError", f"Unable to marshal response: {error}")
    if len(payload) > MAX_PAYLOAD:
        message = (
            f"Response payload size ({len(payload)} bytes) exceeded maximum allowed payload size ({MAX_PAYLOAD} bytes)."
        )
        return False, _error("Function.ResponseSizeTooLarge", message)
    return True, payload


def main(descriptor: int, handler_name: str, rights: str) -> None:
    link = Link(socket.socket(fileno=descriptor))
    extensions = None
    if os.environ.get("DARKROOM_IN_PLACE") == "true":
        # Others have none: a server is a thread and a socket.
        extensions = ours("local.extensions_api").ExtensionsApi()
        os.environ["AWS_LAMBDA_RUNTIME_API"] = extensions.address
    if rights:
        ours("local.iam.enforcement").Enforcement(rights).install()
    sys.path.insert(0, str(Path.cwd()))
    begun = time.monotonic()
    handler, problem = load(handler_name)
    if handler is None:
        link.send({"ok": False}, problem)
        return
    print(f"INIT_REPORT Init Duration: {(time.monotonic() - begun) * 1000:.0f} ms", flush=True)
    link.send({"ok": True})
    while True:
        header, event = link.receive()
        request_id = header["request_id"]
        print(f"START RequestId: {request_id}", flush=True)
        begun = time.monotonic()
        if extensions is not None:
            extensions.invoke({"eventType": "INVOKE", "requestId": request_id, "invokedFunctionArn": header["arn"]})
        ok, payload = call(handler, event, Context(request_id, header["arn"], header["seconds"]))
        took = (time.monotonic() - begun) * 1000
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _MAX_RSS_PER_MB
        print(f"REPORT RequestId: {request_id} Duration: {took:.0f} ms Max Memory Used: {used} MB", flush=True)
        goes_on = extensions is not None and not extensions.wait_until_done(_MOMENT)
        link.send({"ok": ok, "goes_on": goes_on}, payload)
        if extensions is not None and goes_on:
            extensions.wait_until_done()
            link.send({"ok": True})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
