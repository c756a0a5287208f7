"""A user's settings and keys, read once for each request and each message, and then the same for whatever asks.

`read_once` marks where one begins and ends. Within it the account of a user is read when something first asks for it;
outside, each question is a read. A write of settings or keys has them read again. Nothing here knows what is left of a
budget: that is decided by the ledger's conditional writes alone.

Beside the account, what a request has read or written and needs again is kept (`keep`) as long.

A snapshot lives as long as the request or the message at the most. Where a new purchase is decided on after a wait, in
a turn that paints after it was planned, `read_anew` has the account be read again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from msgspec import Struct

from darkroom.models.account import Account
from darkroom.models.key import KeyProvider, StoredKey
from darkroom.models.receipt import KeyCharges
from darkroom.models.session import GUEST
from darkroom.models.user_settings import Limits, UserSettings
from darkroom.ports import AccountStore, KeyVault, Ledger, SettingsStore

# By the reader and the user. A context variable, so that several threads of one process never share a snapshot.
_READ: ContextVar["dict[tuple[Snapshots, str], Account] | None"] = ContextVar("darkroom_accounts", default=None)
# What else a request or a message has read or written, and needs again.
_KEPT: ContextVar[dict[tuple[str, ...], Any] | None] = ContextVar("darkroom_kept", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Within the block each account is read once; a block in another is a part of it."""
    if _READ.get() is not None:
        yield
        return
    with read_anew():
        yield


@contextmanager
def read_anew() -> Iterator[None]:
    """As read_once, and nothing that was read before the block counts in it."""
    before, kept = _READ.set({}), _KEPT.set({})
    try:
        yield
    finally:
        _READ.reset(before)
        _KEPT.reset(kept)


def keep(place: tuple[str, ...], value: Any) -> None:
    """Has `kept` find it there until the request or the message ends; outside of one nothing is kept.

    A thread that carries out in place what the request admitted shares it with the request.
    """
    found = _KEPT.get()
    if found is not None:
        found[place] = value


def kept(place: tuple[str, ...]) -> Any | None:
    """What was kept there."""
    found = _KEPT.get()
    return None if found is None else found.get(place)


_MAX_REMEMBERED: Final = 500


class Snapshots:
    def __init__(self, store: AccountStore) -> None:
        self._store = store
        # With which keys this process has paid last for a user: what is charged to them is read with the account.
        self._paid_with: dict[str, str] = {}

    def current(self, user: str) -> Account | None:
        """The account as it was read in this request or message; None outside of one."""
        read = _READ.get()
        if read is None:
            return None
        place = (self, user)
        if place not in read:
            paid_with = self._paid_with.get(user)
            read[place] = self._store.load(user, charges_of=(paid_with,) if paid_with else ())
        return read[place]

    def taken_charges(self, user: str, key_sha256: str) -> KeyCharges | None:
        """What is known of the charges on a key, if it was read with the account; once, for they change."""
        if len(self._paid_with) >= _MAX_REMEMBERED:
            self._paid_with.clear()
        self._paid_with[user] = key_sha256
        read, place = _READ.get(), (self, user)
        account = None if read is None else read.get(place)
        if read is None or account is None or key_sha256 not in account.charges:
            return None
        left = {digest: charges for digest, charges in account.charges.items() if digest != key_sha256}
        read[place] = account.model_copy(update={"charges": left})
        return account.charges[key_sha256]

    def forget(self, user: str) -> None:
        """Something of it was changed."""
        read = _READ.get()
        if read is not None:
            read.pop((self, user), None)


# A guest sets nothing, may spend nothing, and what they made is gone with their session.
GUESTS: Final = UserSettings(
    limits=Limits(per_request=0, per_conversation=0, per_day=0, per_month=0), retention_days=1, cloud_removal="never"
)


class SnapshotSettings(Struct, frozen=True):
    """A SettingsStore that reads from snapshots where there are any."""

    snapshots: Snapshots
    store: SettingsStore

    def load(self, user: str) -> UserSettings:
        if user.startswith(GUEST):
            return GUESTS
        account = self.snapshots.current(user)
        return self.store.load(user) if account is None else account.settings

    def save(self, user: str, settings: UserSettings) -> bool:
        # Whether it was saved or had changed meanwhile: what was read is not how it is any more.
        self.snapshots.forget(user)
        return self.store.save(user, settings)


class SnapshotKeys(Struct, frozen=True):
    """A KeyVault that reads from snapshots where there are any."""

    snapshots: Snapshots
    vault: KeyVault

    def store(self, key: StoredKey, secret: str) -> None:
        self.snapshots.forget(key.user)
        self.vault.store(key, secret)

    def reveal(self, user: str, provider: KeyProvider) -> str | None:
        account = self.snapshots.current(user)
        if account is None:
            return self.vault.reveal(user, provider)
        key = account.key(provider)
        return self.vault.open(key) if key else None

    def open(self, key: StoredKey) -> str:
        return self.vault.open(key)

    def describe(self, user: str) -> Sequence[StoredKey]:
        account = self.snapshots.current(user)
        return self.vault.describe(user) if account is None else account.keys

    def remove(self, user: str, provider: KeyProvider) -> StoredKey | None:
        self.snapshots.forget(user)
        return self.vault.remove(user, provider)


class SnapshotCharges(Struct, frozen=True):
    """What is known of the charges on a key, from the snapshot of its user's account where it is in there."""

    snapshots: Snapshots
    ledger: Ledger

    def __call__(self, user: str, key_sha256: str) -> KeyCharges:
        return self.snapshots.taken_charges(user, key_sha256) or self.ledger.charges_with(key_sha256)
