"""Ports of the loopback interface."""

import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"


class PortInUse(Exception):
    """Somebody else has the port, or this user may not have it."""


def listen(port: int) -> socket.socket:
    """A socket that listens on the port; 0 takes a free one.

    Raises:
        PortInUse: somebody else does.
    """
    # macOS lets two listen on one port when one of them said "every interface".
    if port and _answers(port):
        raise PortInUse(f"Something listens on port {port} already.")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Without this, the port stays unusable for a minute after a connection was closed by us.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Without it each answer waits 40 ms for the client to acknowledge its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise PortInUse(f"Port {port} cannot be used: {error.strerror}.") from error
    return listener


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def usable(port: int | None) -> int:
    """The port, if it is free; else 0, for another one."""
    if port:
        with suppress(PortInUse):
            listen(port).close()
            return port
    return 0


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
