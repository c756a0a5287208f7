"""What the simulated service remembers: the account, keys, sign-in codes, charges and generations.

Every method takes the lock, so the state can be used from the server's threads and from a test at the same time.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from local.journal import Journal
from local.simulator.books import Books
from local.simulator.money import ZERO, micro_usd

CODE_LIFETIME = timedelta(minutes=10)
# A key needs this much left for a picture in a chat; pictures from the image route have no such floor.
IMAGE_FLOOR = Decimal(1)

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class NotEnough(Exception):
    """The money does not suffice.

    Args:
        kind: "account", "key" or "in_flight".
        remaining: what is left before this call.
    """

    def __init__(self, kind: str, remaining: Decimal) -> None:
        super().__init__(kind)
        self.kind = kind
        self.remaining = remaining


@dataclass
class Key:
    """A key that was given to somebody; the secret itself is not kept."""

    hash: str
    label: str
    name: str
    user_id: str
    created_at: datetime
    limit: Decimal | None = None
    limit_reset: str | None = None
    expires_at: datetime | None = None
    disabled: bool = False
    reserved: Decimal = ZERO


@dataclass(frozen=True)
class Code:
    """Somebody's consent, to be exchanged for a key once."""

    code: str
    challenge: str | None
    method: str
    key_name: str
    limit: Decimal | None
    limit_reset: str | None
    created_at: datetime
    expires_at: datetime | None = None
    user_id: str | None = None


@dataclass(frozen=True)
class Charge:
    generation_id: str
    key_hash: str
    model: str
    cost: Decimal
    at: datetime

    def to_wire(self) -> dict[str, Any]:
        return {
            "generation_id": self.generation_id,
            "key_hash": self.key_hash,
            "model": self.model,
            "micro_usd": micro_usd(self.cost),
            "cost_usd": f"{self.cost:f}",
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True)
class Usage:
    """Money spent, by the windows that `/key` reports: the UTC day, the week from Monday, the month."""

    total: Decimal
    daily: Decimal
    weekly: Decimal
    monthly: Decimal

    def within(self, window: str | None) -> Decimal:
        return {"daily": self.daily, "weekly": self.weekly, "monthly": self.monthly}.get(window or "", self.total)


@dataclass
class State:
    """Everything that lasts longer than a request."""

    clock: Clock = now
    credits: Decimal = Decimal(1000)
    user_id: str = "user_2simulatedDarkroomAccount01"
    keys: dict[str, Key] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    generations: dict[str, dict[str, Any]] = field(default_factory=dict)
    cached: dict[str, Any] = field(default_factory=dict)
    last_seed: int = -1
    lock: threading.RLock = field(default_factory=threading.RLock)
    books: Books | None = None

    def keep(self, journal: Journal) -> None:
        """Begins with what the journal has, and writes everything to it from now on.

        Raises:
            JournalError: it is damaged.
        """
        with self.lock:
            self.books = Books(journal)
            self.books.restore(self)

    def mint(
        self,
        name: str = "Darkroom",
        *,
        secret: str | None = None,
        limit: Decimal | None = None,
        limit_reset: str | None = None,
        expires_at: datetime | None = None,
        disabled: bool = False,
        user_id: str | None = None,
    ) -> str:
        """A new key; its secret is returned and not kept. `user_id` is another person's than the simulator's own."""
        secret = secret or f"sk-or-v1-{secrets.token_hex(32)}"
        label = f"{secret[:12]}...{secret[-3:]}"
        owner = user_id or self.user_id
        key = Key(hash_of(secret), label, name, owner, self.clock(), limit, limit_reset, expires_at, disabled)
        with self.lock:
            if self.books:
                self.books.key(key)
            self.keys[key.hash] = key
        return secret

    def has(self, secret: str) -> bool:
        """Whether the key was given to somebody; it may be one that cannot be used any more."""
        with self.lock:
            return hash_of(secret) in self.keys

    def key(self, secret: str) -> Key | None:
        """The key of that secret, when it can be used."""
        with self.lock:
            key = self.keys.get(hash_of(secret))
        if key is None or key.disabled or (key.expires_at is not None and key.expires_at <= self.clock()):
            return None
        return key

    def usage(self, key_hash: str | None = None, *, until: datetime | None = None) -> Usage:
        """What a key has spent, or the account.

        Args:
            until: charges after it are left out, as a counter that lags does.
        """
        today = self.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        with self.lock:
            charges = [
                charge
                for charge in self.charges
                if key_hash in (None, charge.key_hash) and (until is None or charge.at <= until)
            ]

        def since(start: datetime) -> Decimal:
            return sum((charge.cost for charge in charges if charge.at >= start), ZERO)

        return Usage(
            total=sum((charge.cost for charge in charges), ZERO),
            daily=since(today),
            weekly=since(today - timedelta(days=today.weekday())),
            monthly=since(today.replace(day=1)),
        )

    def remaining(self, key: Key, *, until: datetime | None = None) -> Decimal | None:
        """What is left of the key's limit; None when it has none."""
        if key.limit is None:
            return None
        return max(ZERO, key.limit - self.usage(key.hash, until=until).within(key.limit_reset))

    def balance(self) -> Decimal:
        with self.lock:
            return self.credits - self.usage().total

    def affordable(self, key: Key) -> Decimal:
        """The lesser of the account's balance and what is left of the key's limit."""
        remaining, balance = self.remaining(key), self.balance()
        return balance if remaining is None else min(remaining, balance)

    def reserve(self, key: Key, amount: Decimal) -> None:
        """Sets the amount aside until `settle` or `release`, so that calls at the same time cannot overspend together.

        Raises:
            NotEnough
        """
        if amount == 0:
            return
        with self.lock:
            remaining, balance = self.remaining(key), self.balance()
            if balance < amount:
                raise NotEnough("account", max(ZERO, balance))
            if remaining is not None and remaining < amount:
                raise NotEnough("key", remaining)
            reserved = sum((each.reserved for each in self.keys.values()), ZERO)
            if balance < amount + reserved or (remaining is not None and remaining < amount + key.reserved):
                raise NotEnough("in_flight", self.affordable(key))
            key.reserved += amount

    def release(self, key: Key, amount: Decimal) -> None:
        with self.lock:
            key.reserved = max(ZERO, key.reserved - amount)

    def settle(self, key: Key, reserved: Decimal, charge: Charge) -> None:
        """Puts the charge on the invoice in the reservation's place. What costs nothing is no charge."""
        with self.lock:
            self.release(key, reserved)
            if charge.cost:
                if self.books:
                    self.books.charge(charge)
                self.charges.append(charge)

    def remember(self, generation_id: str, record: dict[str, Any]) -> None:
        with self.lock:
            if self.books:
                self.books.generation(generation_id, record)
            self.generations[generation_id] = record

    def next_seed(self) -> int:
        """Of a picture without one: no other has it, also of those made at the same time."""
        with self.lock:
            self.last_seed = max(len(self.generations), self.last_seed + 1)
            return self.last_seed

    def invoice(self) -> list[dict[str, Any]]:
        with self.lock:
            return [charge.to_wire() for charge in self.charges]

    def grant(self, code: Code) -> None:
        with self.lock:
            if self.books:
                self.books.code(code)
            self.codes[code.code] = code

    def redeem(self, code: str) -> Code | None:
        """The consent behind the code, which is used up by this."""
        with self.lock:
            if self.books:
                self.books.redeemed(code)
            return self.codes.pop(code, None)

    def forget(self) -> None:
        """Clears everything but the keys."""
        with self.lock:
            if self.books:
                self.books.forget()
            self.codes.clear()
            self.charges.clear()
            self.generations.clear()
            self.cached.clear()
            self.last_seed = -1
            for key in self.keys.values():
                key.reserved = ZERO
