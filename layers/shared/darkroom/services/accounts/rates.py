"""How many requests a caller may make in a minute, over all processes that answer them, without a call for each.

A process lets a hundredth of a limit through by itself. When that is used up it adds what it let through, and a further
hundredth that it reserves, to the caller's row of the minute, by one call that brings the new sum along. What the sum
leaves of the limit it may let through; at nothing it refuses, for the rest of the minute without asking again.

So a caller who stays under a hundredth of a limit costs no call, and one above it a call for each hundredth. The n
processes that a caller meets in a minute let through the limit and n hundredths of it at the most, and refuse nothing
before they have let through the limit less n hundredths of it. One process alone is exact.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from threading import Lock

from msgspec import Struct, field

from darkroom.models.caller import Caller
from darkroom.models.digest import digest
from darkroom.models.rate_limit import WINDOW_SECONDS, Allowance, RateLimits, Standing
from darkroom.ports import Clock, RequestCounts

_SHARE = 100
# Of an address in IPv6, what one household or machine has at the least.
_NETWORK_BITS = 64


class _Count(Struct):
    """Of one limit in one minute, in this process.

    Args:
        left: how many requests may be let through before the table is asked.
        remaining: what is left of the limit, as far as is known here.
        untold: requests that were let through, and are not in the table yet.
    """

    limit: int
    left: int
    remaining: int
    untold: int = 0
    is_told: bool = False
    is_over: bool = False

    @classmethod
    def of(cls, limit: int) -> "_Count":
        return cls(limit, left=_share(limit), remaining=limit)

    def take(self) -> None:
        self.left -= 1
        self.remaining = max(0, self.remaining - 1)
        self.untold += not self.is_told

    def reserved(self, total: int) -> None:
        """This is the sum, with what was untold and a share."""
        share = _share(self.limit)
        self.remaining = max(0, self.limit - (total - share))
        self.left = min(share, self.remaining)
        self.untold, self.is_told = 0, True
        self.is_over = self.left == 0

    def trusted(self) -> None:
        """The table could not be asked: one request more, which is told it later."""
        self.left, self.is_told = 1, False


class _Owner(Struct):
    lock: Lock = field(default_factory=Lock)
    counts: dict[str, _Count] = field(default_factory=dict)


class _Window(Struct):
    start: int
    owners: dict[str, _Owner] = field(default_factory=dict)


class Rates:
    """One for each process; its requests may be answered by several threads."""

    def __init__(self, counts: RequestCounts, clock: Clock, limits: RateLimits) -> None:
        self._counts = counts
        self._clock = clock
        self._limits = limits
        self._lock = Lock()
        self._window = _Window(0)

    def of_caller(self, caller: Caller) -> Standing:
        """Counts one request of a user, and of the token that they call or have signed in with."""
        limits = {"user": self._limits.user}
        if caller.token is not None:
            # Beside those of the user's other tokens, in the one row.
            limits[caller.token.id] = self._limits.token
        return self._count(f"USER#{caller.user}", limits)

    def of_address(self, address: str) -> Standing:
        """Counts one request of somebody who is not known yet. The table is told a digest of the address."""
        return self._count(f"ADDRESS#{digest(_network(address))[:32]}", {"address": self._limits.address})

    def of_guest(self, address: str) -> Standing:
        """Counts one request of a guest, with those of all guests at the address: a guest can always be another one."""
        return self._count(f"ADDRESS#{digest(_network(address))[:32]}", {"guest": self._limits.guest})

    def _count(self, owner: str, given: Mapping[str, int]) -> Standing:
        limits = {name: limit for name, limit in given.items() if limit}
        now = self._clock().timestamp()
        window, found = self._owner(owner, int(now // WINDOW_SECONDS) * WINDOW_SECONDS)
        resets_in = max(1, ceil(window + WINDOW_SECONDS - now))
        with found.lock:
            counts = {name: found.counts.setdefault(name, _Count.of(limit)) for name, limit in limits.items()}
            self._reserve(
                owner, window, {name: each for name, each in counts.items() if not (each.left or each.is_over)}
            )
            refused = next((name for name, each in counts.items() if not each.left), None)
            if refused is None:
                for each in counts.values():
                    each.take()
            allowances = tuple(Allowance(_policy(name), each.limit, each.remaining) for name, each in counts.items())
        return Standing(allowances, resets_in, None if refused is None else _policy(refused))

    def _owner(self, name: str, start: int) -> tuple[int, _Owner]:
        with self._lock:
            if self._window.start != start:
                self._window = _Window(start)
            return start, self._window.owners.setdefault(name, _Owner())

    def _reserve(self, owner: str, window: int, counts: Mapping[str, _Count]) -> None:
        if not counts:
            return
        amounts = {name: each.untold + _share(each.limit) for name, each in counts.items()}
        totals = self._counts.add(owner, datetime.fromtimestamp(window, UTC), amounts)
        for name, each in counts.items():
            if totals is None:
                # The table cannot be asked, so no request is refused: what it is about needs the table, too.
                each.trusted()
            else:
                each.reserved(totals[name])


def _share(limit: int) -> int:
    return max(1, limit // _SHARE)


def _policy(name: str) -> str:
    return name if name in ("user", "address", "guest") else "token"


def _network(address: str) -> str:
    """The address, or in IPv6 its network."""
    # Here, for one function alone asks by addresses.
    from ipaddress import IPv6Address, ip_address

    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(int(found) >> _NETWORK_BITS) if isinstance(found, IPv6Address) else str(found)
