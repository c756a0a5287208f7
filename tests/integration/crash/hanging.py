"""A real endpoint of AWS whose services stop answering where a test says so: it takes what it is sent, silently."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

_MOST = 65536


class Endpoint:
    """Passes bytes on to an emulator, but for those of a service that hangs."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.taken: list[str] = []
        self._lock = Lock()
        self._service = b""
        self._after: bytes | None = None
        self._answers = Event()

    def hang(self, service: str, *, after: str | None = None) -> None:
        """From here, or from the request after the one that has the word `after`, the service answers no more."""
        with self._lock:
            self.taken.clear()
            self._answers.clear()
            # Each request is signed for its region and service.
            self._service, self._after = f"/{service}/aws4_request".encode(), after.encode() if after else None

    def answer(self) -> None:
        """From here, everything answers; connections that hang are closed."""
        with self._lock:
            self._service, self._after = b"", None
            self._answers.set()

    def hold(self) -> None:
        """Until everything answers."""
        self._answers.wait(60)

    def hangs_at(self, head: bytes) -> bool:
        with self._lock:
            if not self._service or self._service not in head:
                return False
            if self._after is not None:
                self._after = None if self._after in head else self._after
                return False
            self.taken.append(head.partition(b"\r\n")[0].decode("latin-1"))
            return True


@contextmanager
def hanging(behind: str) -> Iterator[Endpoint]:
    """Args: behind: the URL of the emulator."""
    address = urlsplit(behind)
    open_sockets = list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint(listener.getsockname()[1])

        def serve(client: socket.socket) -> None:
            with suppress(OSError), client, socket.create_connection((address.hostname, address.port)) as upstream:
                open_sockets.extend((client, upstream))
                Thread(target=_copy, args=(upstream, client), daemon=True).start()
                _pass_on(client, upstream, endpoint)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    Thread(target=serve, args=(client,), daemon=True).start()

        accepting = Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield endpoint
        finally:
            endpoint.answer()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            for each in open_sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _pass_on(client: socket.socket, upstream: socket.socket, endpoint: Endpoint) -> None:
    """What a client sends, until it is for a service that hangs. One request comes after the answer to the other."""
    while data := client.recv(_MOST):
        if b"aws4_request" in data and endpoint.hangs_at(data):
            endpoint.hold()
            return
        upstream.sendall(data)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_MOST):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
