"""Lambda's Extensions API, as far as an internal extension needs it: register, and wait for the next event.

The host of a function (`local/function_host.py`) serves it to the function it runs, which so goes on with what it has
begun when it has answered, as on Lambda. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

ROOT: Final = "/2020-01-01/extension"


class ExtensionsApi:
    """Serves extensions of this process; `address` is what AWS_LAMBDA_RUNTIME_API has."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # By identifier: the events that wait for it, and whether it waits for one.
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._waiting: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="extensions", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def register(self) -> str:
        """The identifier of a new extension."""
        identifier = str(uuid.uuid4())
        with self._changed:
            self._events[identifier] = []
        return identifier

    def next(self, identifier: str) -> dict[str, Any] | None:
        """Waits for its next event; None if there is no such extension."""
        with self._changed:
            if identifier not in self._events:
                return None
            self._waiting.add(identifier)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._events[identifier])
            self._waiting.discard(identifier)
            return self._events[identifier].pop(0)

    def invoke(self, event: dict[str, Any]) -> None:
        """Tells each extension of a call of the function, as soon as it has asked for the next event."""
        self.wait_until_done()
        with self._changed:
            for identifier, events in self._events.items():
                events.append(event)
                self._waiting.discard(identifier)
            self._changed.notify_all()

    def wait_until_done(self, seconds: float | None = None) -> bool:
        """Whether each extension has asked for the next event by then, so that Lambda would halt the process."""
        with self._changed:
            return self._changed.wait_for(self._are_waiting, seconds)

    def _are_waiting(self) -> bool:
        return self._waiting == self._events.keys()


def _handler(api: ExtensionsApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            if self.path != f"{ROOT}/register" or not self.headers.get("Lambda-Extension-Name"):
                self._answer(403, {"errorType": "Extension.InvalidExtensionName"})
            elif set(body.get("events", ())) - {"INVOKE"}:
                # An internal extension ends with its runtime, and is not told of it.
                self._answer(403, {"errorType": "Extension.InvalidEventType"})
            else:
                self._answer(200, {"handler": "app.lambda_handler"}, api.register())

        def do_GET(self) -> None:
            identifier = self.headers.get("Lambda-Extension-Identifier", "")
            event = api.next(identifier) if self.path == f"{ROOT}/event/next" else None
            if event is None:
                self._answer(403, {"errorType": "Extension.UnknownExtensionIdentifier"})
            else:
                self._answer(200, event, identifier)

        def _answer(self, status: int, body: dict[str, Any], identifier: str = "") -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            if identifier:
                self.send_header("Lambda-Extension-Identifier", identifier)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """The log is the function's."""

    return Handler
