"""The webhooks' ports in memory, held by the contract suites to what the adapters do; and a receiver, which is real."""

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from darkroom.models.webhook import Delivery, WebhookSecrets
from tests.servers import LOOPBACK


class MemoryWebhookStore:
    def __init__(self) -> None:
        self.deliveries: dict[tuple[str, str], Delivery] = {}
        self.kept: dict[str, WebhookSecrets] = {}

    def find(self, user: str, delivery_id: str) -> Delivery | None:
        return self.deliveries.get((user, delivery_id))

    def save(self, delivery: Delivery) -> None:
        before = self.find(delivery.user, delivery.id)
        if before is None or before.status == "pending":
            self.deliveries[delivery.user, delivery.id] = delivery

    def list_open(self, *, at: datetime | None = None) -> Iterator[Delivery]:
        found = (delivery for delivery in self.deliveries.values() if delivery.status == "pending")
        yield from sorted(found, key=lambda delivery: delivery.created_at)

    def secrets(self, user: str) -> WebhookSecrets | None:
        return self.kept.get(user)

    def store_secrets(self, user: str, secrets: WebhookSecrets, *, seen: WebhookSecrets | None) -> bool:
        if self.kept.get(user) != seen:
            return False
        self.kept[user] = secrets
        return True


class MemoryWebhookQueue:
    """`sent`: of each message the user and the delivery's id; `delays`: its seconds; `postponed`: which was put off for
    how long.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.delays: list[int] = []
        self.postponed: list[tuple[str, timedelta]] = []

    def send(self, user: str, delivery_id: str, *, delay_seconds: int = 0) -> None:
        self.sent.append((user, delivery_id))
        self.delays.append(delay_seconds)

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        self.postponed.append((receipt_handle, wait))


@dataclass(frozen=True)
class Call:
    """A request that a receiver got; the headers' names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A user's server. It answers with `statuses` one after the other, and with 204 from then on.

    What it is asked for by GET it has in `files`, by path.
    """

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/hook?key=CANARY"


@contextmanager
def receiving(statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    """Runs an HTTP server on 127.0.0.1 until the block ends."""
    receiver = Receiver(statuses=list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.calls.append(Call(self.path, headers, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            self.send_header("content-length", "0")
            with contextlib.suppress(OSError):
                self.end_headers()

        def do_GET(self) -> None:
            data = receiver.files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("content-length", str(len(data or b"")))
            with contextlib.suppress(OSError):
                self.end_headers()
                self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join(5)
