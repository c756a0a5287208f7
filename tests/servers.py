"""Small real servers on 127.0.0.1 that answer as they are told: honestly, slowly, too much, or not at all."""

import contextlib
import datetime as dt
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = "127.0.0.1"
# Far beyond each deadline that a test gives its client: a client that returned was not waiting for the server.
LONGEST_SECONDS = 60.0


@dataclass
class Server:
    """One running server: where it is, and the heads of the requests it received."""

    port: int
    heads: list[str] = field(default_factory=list)
    accepted: int = 0
    stopping: Event = field(default_factory=Event)


@dataclass
class Exchange:
    """One connection to a server, of which the request's head was read."""

    connection: socket.socket
    head: str
    stopping: Event
    ends: float = field(default_factory=lambda: monotonic() + LONGEST_SECONDS)

    @property
    def going_on(self) -> bool:
        """Whether an answer without end should still continue; a client that waits for its end must not hang."""
        return not self.stopping.is_set() and monotonic() < self.ends

    @property
    def path(self) -> str:
        return self.head.split(" ", 2)[1]

    def hold(self) -> None:
        """Leave the client waiting until the test is over."""
        self.stopping.wait(LONGEST_SECONDS)

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def trickle(self, data: bytes, *, every: float = 0.02) -> None:
        """One byte at a time, over and over, until the other side is gone."""
        while self.going_on:
            for byte in data:
                self.connection.sendall(bytes([byte]))
                self.stopping.wait(every)


Answer = Callable[[Exchange], None]


def response(body: bytes = b"", status: str = "200 OK", headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of an HTTP/1.1 response; Content-Length is right unless the headers give another."""
    fields = {"Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answering(data: bytes) -> Answer:
    return lambda exchange: exchange.send(data)


@contextmanager
def serving(answer: Answer, *, tls: ssl.SSLContext | None = None, read_head: bool = True) -> Iterator[Server]:
    """Runs a server until the block ends.

    Args:
        answer: called with each connection, in a thread of its own; the connection is closed after it.
        tls: what to speak TLS with.
        read_head: whether to wait for a request before `answer` is called.
    """
    with socket.create_server((LOOPBACK, 0)) as listener:
        server = Server(port=listener.getsockname()[1])
        threads: list[Thread] = []

        def handle(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
                with wrapped:
                    head = _read_head(wrapped) if read_head else ""
                    server.heads.append(head)
                    answer(Exchange(wrapped, head, server.stopping))

        def accept() -> None:
            while True:
                connection, _ = listener.accept()
                if server.stopping.is_set():
                    connection.close()
                    return
                server.accepted += 1
                threads.append(Thread(target=handle, args=(connection,), daemon=True))
                threads[-1].start()

        accepting = Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            server.stopping.set()
            socket.create_connection((LOOPBACK, server.port)).close()
            for thread in (accepting, *threads):
                thread.join(5)


def _read_head(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65536)
        if not data:
            raise ConnectionError
        received += data
    return received.partition(b"\r\n\r\n")[0].decode("latin-1")


def unused_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def server_tls(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A self-signed certificate for the names: the server's context, and a client's that trusts nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(IPv4Address(name))
    except ValueError:
        return x509.DNSName(name)
