"""Lists of models: where they are stored, in memory, and a source that does not answer.

The contract suite holds the store to what the adapter does.
"""

from datetime import datetime
from threading import Lock
from typing import Any

from darkroom.errors import ServiceUnavailable
from darkroom.ports import KeptList


class MemoryCatalogueStore:
    def __init__(self) -> None:
        self._lock = Lock()
        self.lists: dict[str, KeptList] = {}
        self.leases: dict[str, datetime] = {}

    def read(self, name: str) -> KeptList | None:
        return self.lists.get(name)

    def write(self, name: str, kept: KeptList) -> None:
        with self._lock:
            before = self.lists.get(name)
            if before is None or before.asked_at <= kept.asked_at:
                self.lists[name] = kept

    def claim(self, name: str, *, now: datetime, until: datetime) -> bool:
        with self._lock:
            if name in self.leases and self.leases[name] > now:
                return False
            self.leases[name] = until
            return True


class Unreachable:
    """Publishes models that nobody can ask for now. Implements ports.CatalogueSource."""

    def image_models(self) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def image_endpoints(self, model: str) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def chat_models(self) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def chat_endpoints(self, model: str) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def private_models(self) -> Any:
        raise ServiceUnavailable("Nobody answers.")
