"""Work that a process carries out itself, begun when a test says so."""

from collections.abc import Callable
from concurrent.futures import Future


class Later:
    """Begins nothing until it is told to."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def start(self, work: Callable[[], None]) -> "Future[None]":
        self.work.append(work)
        return Future()

    def do(self) -> None:
        for work in self.work:
            work()
