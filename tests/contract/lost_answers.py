"""A client of DynamoDB whose answers get lost, so that each write is sent again, as botocore does."""

from collections.abc import Callable
from typing import Any

WRITES = frozenset({"update_item", "put_item", "delete_item", "transact_write_items"})


class Twice:
    """Each write arrives twice; the first one's answer is lost, and the second one's is heard.

    A transaction is sent again without its token, as it is after a conflict: its conditions alone refuse it.

    Args: between: what happens between the two.
    """

    def __init__(self, client: Any, between: Callable[[], object] = lambda: None) -> None:
        self._client = client
        self._between = between

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._twice(found) if name in WRITES else found

    def _twice(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            # What is refused is heard of.
            write(**given)
            self._between()
            return write(**given)

        return call
