"""How many requests a caller may make in a minute, and how that stands."""

from typing import Final

from msgspec import Struct

WINDOW_SECONDS: Final = 60


class RateLimits(Struct, frozen=True):
    """Requests in a minute; 0 for no limit.

    Args:
        user: of one user, with all their tokens and browsers.
        token: of one API token.
        address: of one address that is not signed in, at the routes by which people sign in.
        guest: of all guests at one address.
    """

    user: int = 0
    token: int = 0
    address: int = 0
    guest: int = 120


class Allowance(Struct, frozen=True):
    """What is left of one limit. Args: policy: `user`, `token`, `address` or `guest`."""

    policy: str
    limit: int
    remaining: int


class Standing(Struct, frozen=True):
    """How a caller stands with their limits after a request.

    Args:
        allowances: of each limit that the request counts in; empty where there is none.
        resets_in: seconds until the minute is over, 1 to 60.
        refused: the policy that the request is refused by.
    """

    allowances: tuple[Allowance, ...]
    resets_in: int
    refused: str | None = None
