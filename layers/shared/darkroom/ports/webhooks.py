"""Telling users' servers what has become of their jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from darkroom.models.webhook import Delivery, WebhookReply, WebhookSecrets


class WebhookStore(Protocol):
    """Deliveries, which `Ledger.close` puts here, and the users' signing secrets, sealed."""

    def find(self, user: str, delivery_id: str) -> Delivery | None: ...

    def save(self, delivery: Delivery) -> None:
        """Stores how it stands; one that is over is no longer listed."""

    def list_open(self, *, at: datetime | None = None) -> Iterator[Delivery]:
        """Everybody's deliveries that are not over, oldest first; `at` as for JobStore.list_looks."""

    def secrets(self, user: str) -> WebhookSecrets | None: ...

    def store_secrets(self, user: str, secrets: WebhookSecrets, *, seen: WebhookSecrets | None) -> bool:
        """Replaces what was `seen`; False if somebody else was faster."""


class WebhookQueue(Protocol):
    def send(self, user: str, delivery_id: str, *, delay_seconds: int = 0) -> None:
        """Has a worker look at the delivery, at least once, and not before so many seconds (at most 900)."""


class WebhookSender(Protocol):
    def check(self, url: str) -> None:
        """Raises UrlRefused for a URL that will never be called, as far as that can be told without a look-up."""

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebhookReply:
        """Posts once, to a public address and without following redirects. Failing is a reply, too."""
