"""Work that cannot be interrupted, and that somebody waits for only so long."""

from collections.abc import Callable
from contextvars import copy_context
from threading import Lock, Thread
from typing import TypeVar

from darkroom.models.deadline import Deadline

T = TypeVar("T")


class TimeIsUp(Exception):
    """The work was not done by the deadline."""


class OneAtATime:
    """Does one piece of work at a time in this process.

    A piece that is not done in time goes on to its end, and its result is dropped. Until then the next one waits, so
    that memory and processors are never shared by two.
    """

    def __init__(self) -> None:
        self._at_work = Lock()

    def run(self, work: Callable[[], T], deadline: Deadline) -> T:
        """What the work comes to; raises what it raises.

        Raises:
            TimeIsUp: the deadline came first. The work may never have been begun.
        """
        if not self._at_work.acquire(timeout=deadline.left()):
            raise TimeIsUp
        done: list[T] = []
        raised: list[BaseException] = []

        def run() -> None:
            try:
                done.append(work())
            except BaseException as error:  # noqa: BLE001 - it is raised below
                raised.append(error)
            finally:
                self._at_work.release()

        # What goes on after its time must not keep the process from its end.
        thread = Thread(target=copy_context().run, args=(run,), name="cut out", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._at_work.release()
            raise
        thread.join(deadline.left())
        if raised:
            raise raised[0]
        if not done:
            raise TimeIsUp
        return done[0]
