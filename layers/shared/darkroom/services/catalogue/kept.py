"""One of the lists that others publish: from this container's memory, else from the table, else asked for anew.

A list is fresh for a while, and after that it still serves as long as there is none that is newer: while one caller of
all containers asks for it, while whoever publishes it cannot be asked, and while it takes them longer than anybody
should wait.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from darkroom.errors import DarkroomError, UnsupportedModel
from darkroom.ports import CatalogueStore, Clock, KeptList

# While it cannot be asked, not everybody has to find that out by waiting for it.
PAUSE: Final = timedelta(seconds=30)
# How long one caller has to ask, before another may.
LEASE: Final = timedelta(seconds=30)
# There is no use in looking into the table at every call, be it for what another asks for or for what nobody keeps.
LOOK_AGAIN: Final = timedelta(seconds=5)
# Whoever has an older list does not wait longer for a newer one.
PATIENCE_SECONDS: Final = 4.0

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Dated(Generic[_T_co]):
    value: _T_co
    asked_at: datetime


@dataclass(slots=True)
class Shelf:
    """What all lists have in common.

    Args:
        ttl: how long a list is fresh; 0 asks each time, and keeps nothing for others.
        resting_until: when it is of any use again to ask.
    """

    store: CatalogueStore | None
    ttl: timedelta
    clock: Clock
    patience: float = PATIENCE_SECONDS
    resting_until: datetime = _LONG_AGO

    @property
    def always_asks(self) -> bool:
        return not self.ttl

    def is_fresh(self, found: "Dated[_T] | None") -> bool:
        return found is not None and self.clock() - found.asked_at < self.ttl

    def rest(self) -> None:
        self.resting_until = self.clock() + PAUSE


class Kept(Generic[_T]):
    """Thread-safe; threads that want it at once ask for it once.

    Args:
        ask: given the last one, if there is any; raises DarkroomError.
        name: under which it lies in the table; None keeps it in memory alone.
    """

    def __init__(self, shelf: Shelf, ask: Callable[[_T | None], _T], kind: TypeAdapter[_T], name: str | None) -> None:
        self._shelf = shelf
        self._ask = ask
        self._kind = kind
        self._name = name
        self._store = None if name is None or shelf.always_asks else shelf.store
        self._lock = Lock()
        self._found: Dated[_T] | None = None
        self._underway: Future[Dated[_T]] | None = None
        self._look_again_at = self._another_asks_until = _LONG_AGO

    def get(self, oldest: timedelta) -> Dated[_T]:
        """The list, not older than that.

        Raises:
            UnsupportedModel: that is the answer.
            DarkroomError: it cannot be asked for, and nothing is known that is recent enough.
        """
        with self._lock:
            found = self._at_hand(oldest)
            return found if found is not None else self._renewed(oldest)

    def known(self) -> Dated[_T] | None:
        """The latest that is here, or in the table, however old it is. Nobody is asked."""
        with self._lock:
            self._arrived()
            self._look()
            return self._found

    def learn(self, found: Dated[_T]) -> None:
        """Takes what another list says of it, unless what is here is as new."""
        with self._lock:
            if self._found is None or found.asked_at > self._found.asked_at:
                self._found = found

    def _at_hand(self, oldest: timedelta) -> Dated[_T] | None:
        """What is good enough to go on with."""
        self._arrived()
        self._look()
        if self._shelf.is_fresh(self._found):
            return self._found
        old = self._usable(oldest)
        if old is None or self._shelf.always_asks:
            return None
        now = self._shelf.clock()
        if now < max(self._shelf.resting_until, self._another_asks_until):
            return old
        if self._store is not None and not self._claims(self._store, self._name or "", now):
            self._another_asks_until = now + LOOK_AGAIN
            return old
        return None

    def _renewed(self, oldest: timedelta) -> Dated[_T]:
        old = self._usable(oldest)
        self._underway = self._underway or _begun(self._asked)
        patience = None if old is None or self._shelf.always_asks else self._shelf.patience
        try:
            found = self._underway.result(patience)
        except (DarkroomError, TimeoutError) as error:
            if self._underway.done():
                self._underway = None
            if self._name is None and isinstance(error, UnsupportedModel):
                self._found = None  # that a model is not there any more is an answer, too
                raise
            if old is None:
                raise
            self._shelf.rest()
            return old
        self._underway = None
        self._take(found)
        return found

    def _asked(self) -> Dated[_T]:
        before = self._found.value if self._found is not None else None
        at = self._shelf.clock()
        return Dated(self._ask(before), at)

    def _arrived(self) -> None:
        """Takes what was asked for by somebody who could not wait for it."""
        if self._underway is not None and self._underway.done():
            underway, self._underway = self._underway, None
            if underway.exception() is None:
                self._take(underway.result())

    def _take(self, found: Dated[_T]) -> None:
        self._found = found
        if self._store is None or self._name is None:
            return
        try:
            self._store.write(self._name, KeptList(body=self._kind.dump_json(found.value), asked_at=found.asked_at))
        except DarkroomError:
            return  # others ask for themselves

    def _look(self) -> None:
        """Into the table, unless what is here is good enough, or was the last time just now."""
        if self._store is None or self._name is None or self._shelf.is_fresh(self._found):
            return
        now = self._shelf.clock()
        if now < self._look_again_at:
            return
        self._look_again_at = now + min(LOOK_AGAIN, self._shelf.ttl)
        try:
            kept = self._store.read(self._name)
            if kept is not None and (self._found is None or kept.asked_at > self._found.asked_at):
                self._found = Dated(self._kind.validate_json(kept.body), kept.asked_at)
        except (DarkroomError, ValidationError):
            return  # it cannot be read, or another version wrote it

    def _usable(self, oldest: timedelta) -> Dated[_T] | None:
        found = self._found
        return found if found is not None and self._shelf.clock() - found.asked_at < oldest else None

    def _claims(self, store: CatalogueStore, name: str, now: datetime) -> bool:
        try:
            return store.claim(name, now=now, until=now + min(LEASE, self._shelf.ttl))
        except DarkroomError:
            return True


def _begun(do: Callable[[], _T]) -> Future[_T]:
    """What is done in a thread that nobody has to wait for, not even the end of the process."""
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(do())
        except BaseException as error:  # noqa: BLE001 - whatever it is, whoever waits is told
            future.set_exception(error)

    Thread(target=run, name="catalogue", daemon=True).start()
    return future
