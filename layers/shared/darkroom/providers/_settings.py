"""What a provider is made with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from decimal import Decimal

    from darkroom.ports import UrlFetcher


class ProviderSettings(Struct, frozen=True, kw_only=True):
    """Args:
    url: its origin; the provider's own if None.
    referer: this application's address, for the provider's statistics.
    categories: two at the most.
    read_seconds: between two pieces of an answer.
    fetcher: gets the pictures that an answer names by address; None: they are not followed.
    credit_usd: what one of its credits costs, where it counts such.
    """

    url: str | None = None
    referer: str | None = None
    title: str = "Darkroom"
    categories: tuple[str, ...] = ("image-gen",)
    connect_seconds: float = 5.0
    read_seconds: float = 300.0
    attempts: int = 3
    fetcher: UrlFetcher | None = None
    credit_usd: Decimal | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.url is not None and not re.fullmatch(r"https?://[^\s/]+", self.url):
            raise ValueError("The address of a provider is its origin: https://host")
