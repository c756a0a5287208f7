"""How far a command has come, on standard error: bars for people at a terminal, lines for everybody else."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_WIDTH = 24
_REDRAW_SECONDS = 0.1


class Progress:
    """Args:
    secret: replaced by `…` in all that is printed; set it as soon as it is known.
    """

    secret = ""

    def __init__(self, stream: TextIO, *, is_quiet: bool = False) -> None:
        self._stream = stream
        self._is_quiet = is_quiet
        self._draws = not is_quiet and stream.isatty()
        self._lock = threading.Lock()
        self._drawn = 0

    def say(self, text: str) -> None:
        """A line. What was charged and what went wrong is told even to those who want it quiet."""
        with self._lock:
            self._clear()
            print(self.without_secret(text), file=self._stream, flush=True)

    def without_secret(self, text: str) -> str:
        return text.replace(self.secret, "…") if self.secret else text

    def note(self, text: str) -> None:
        if not self._is_quiet:
            self.say(text)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """Gives what is called with how much more is done; may be called by several threads."""
        state = {"done": 0, "drawn_at": 0.0}

        def advance(more: int) -> None:
            with self._lock:
                state["done"] += more
                now = time.monotonic()
                if self._draws and (now - state["drawn_at"] >= _REDRAW_SECONDS or state["done"] >= total):
                    state["drawn_at"] = now
                    self._draw(_bar(label, min(1.0, state["done"] / max(1, total))))

        advance(0)
        try:
            yield advance
        finally:
            with self._lock:
                self._clear()

    def show(self, text: str) -> None:
        """A line that the next replaces; nothing where there is no terminal."""
        with self._lock:
            if self._draws:
                self._draw(text)

    def clear(self) -> None:
        with self._lock:
            self._clear()

    def _draw(self, text: str) -> None:
        self._stream.write(f"\r{text.ljust(self._drawn)}")
        self._stream.flush()
        self._drawn = len(text)

    def _clear(self) -> None:
        if self._drawn:
            self._stream.write(f"\r{' ' * self._drawn}\r")
            self._stream.flush()
            self._drawn = 0


def _bar(label: str, share: float) -> str:
    full = round(share * _WIDTH)
    return f"{label} [{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%}"
