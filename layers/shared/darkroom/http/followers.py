"""Followers: readers of answers that go on for minutes. A thread is used for the moment of a look alone."""

import asyncio
import math
from collections.abc import AsyncIterator, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import DarkroomError, DarkroomFault
from darkroom.http.server_events import HEARTBEAT, failure
from darkroom.http.transport import Following

# Apart from the threads of requests, so that neither waits for the other.
_LOOKS_AT_ONCE: Final = 4


class _Subject(Struct):
    """What is followed. Args: began: the last look at it, in seconds of the loop's clock."""

    followers: int = 0
    seen: Any = None
    look: "asyncio.Future[Any] | None" = None
    began: float = -math.inf


class Followers:
    """Args: every: seconds between two looks."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._threads = ThreadPoolExecutor(_LOOKS_AT_ONCE, thread_name_prefix="looks")
        self._subjects: dict[Hashable, _Subject] = {}

    async def pieces(self, begin: bytes, following: Following) -> AsyncIterator[bytes]:
        """Yields the beginning, and what each look tells, up to the end.

        A look that fails is taken again; where what is followed is gone, that is the end.
        """
        subject = self._subjects.setdefault(following.key, _Subject())
        subject.followers += 1
        is_over = False
        try:
            yield begin
            while not is_over and not following.ends.is_over:
                await asyncio.sleep(self._every)
                try:
                    told, is_over = following.tell(await self._seen(subject, following))
                except DarkroomFault:
                    told = HEARTBEAT
                except DarkroomError as error:
                    told, is_over = failure(error.problem()), True
                yield told.encode()
        finally:
            subject.followers -= 1
            if not subject.followers:
                self._subjects.pop(following.key, None)

    async def _seen(self, subject: _Subject, following: Following) -> Any:
        """What there is to be seen, by a look that another follower has just taken, or a new one."""
        loop = asyncio.get_running_loop()
        if subject.look is None or (subject.look.done() and loop.time() - subject.began >= self._every / 2):
            subject.began = loop.time()
            subject.look = loop.run_in_executor(self._threads, following.look, subject.seen)
        subject.seen = await asyncio.shield(subject.look)
        return subject.seen
