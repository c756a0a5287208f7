"""How an answer leaves: at once, late, in events, or not to its end."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Send

from darkroom.providers._errors import SIMULATOR
from local.simulator.money import on_the_wire

# Seconds.
_LOOK_AGAIN = 0.05


class Cut(Exception):
    """Ends the connection where it is; the server closes the socket on it."""


@dataclass
class Reply:
    """An answer with a body.

    Args:
        late_headers: seconds before the status line.
        late_body: seconds between the headers and the body.
        cut_at: the connection ends after so many bytes of the body, which was announced in full.
        may_leave: asked again and again before anything is sent.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    late_headers: float = 0
    late_body: float = 0
    cut_at: int | None = None
    may_leave: Callable[[], bool] = lambda: True

    @classmethod
    def of_json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> "Reply":
        return cls(status, to_json(value), {"content-type": "application/json", **(headers or {})})

    @classmethod
    def of_html(cls, page: str, status: int = 200, headers: Mapping[str, str] | None = None) -> "Reply":
        return cls(status, page.encode(), {"content-type": "text/html; charset=utf-8", **(headers or {})})

    async def deliver(self, _: Receive, send: Send) -> None:
        await _may_begin(self.late_headers, self.may_leave)
        length = {} if self.status in (204, 304) else {"content-length": str(len(self.body))}
        await send(_start(self.status, {**self.headers, **length}))
        if self.late_body:
            # The headers are only on their way when something of a body is sent.
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            await asyncio.sleep(self.late_body)
        if self.cut_at is not None:
            await send({"type": "http.response.body", "body": self.body[: self.cut_at], "more_body": True})
            raise Cut
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True)
class Step:
    """One piece of a stream.

    Args:
        delay: seconds before it.
        bills: the call is charged just before this piece leaves, if anybody is there to receive it.
        cut: the connection ends instead.
        may_leave: asked again and again before it is sent.
    """

    data: bytes = b""
    delay: float = 0
    bills: bool = False
    cut: bool = False
    may_leave: Callable[[], bool] = lambda: True


@dataclass
class EventStream:
    """An answer as server-sent events.

    Args:
        settle: charges the call.
        abandon: called instead when the client left, or the stream ended, before that.
    """

    steps: Sequence[Step]
    headers: dict[str, str]
    settle: Callable[[], None]
    abandon: Callable[[], None]
    late_headers: float = 0
    may_leave: Callable[[], bool] = lambda: True

    async def deliver(self, receive: Receive, send: Send) -> None:
        await _may_begin(self.late_headers, self.may_leave)
        leaving = asyncio.create_task(_until_gone(receive))
        settled = False
        try:
            await send(_start(200, {"content-type": "text/event-stream", "cache-control": "no-cache", **self.headers}))
            for step in self.steps:
                if await _leaves(leaving, step.delay):
                    return
                while not step.may_leave():
                    if await _leaves(leaving, _LOOK_AGAIN):
                        return
                if step.bills:
                    self.settle()
                    settled = True
                if step.cut:
                    raise Cut
                await send({"type": "http.response.body", "body": step.data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()
            if not settled:
                self.abandon()


Answer = Reply | EventStream


def to_json(value: Any) -> bytes:
    return json.dumps(on_the_wire(value), separators=(",", ":"), ensure_ascii=False).encode()


def event(value: Any) -> bytes:
    return b"data: " + to_json(value) + b"\n\n"


DONE = b"data: [DONE]\n\n"


def comment(text: str = "") -> bytes:
    return f": {text}\n\n".encode()


async def read(receive: Receive, most: int) -> bytes | None:
    """The request's body, or None when it is larger than that."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Cut
        size += len(message.get("body", b""))
        if size <= most:
            chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks) if size <= most else None


def _start(status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    told = {SIMULATOR: "true", **headers}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}


async def _may_begin(seconds: float, may_leave: Callable[[], bool]) -> None:
    await asyncio.sleep(seconds)
    while not may_leave():
        await asyncio.sleep(_LOOK_AGAIN)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _leaves(leaving: "asyncio.Task[None]", seconds: float) -> bool:
    """Whether the client has left, or leaves within that time."""
    done, _ = await asyncio.wait([leaving], timeout=max(seconds, 0.001))
    return bool(done)
