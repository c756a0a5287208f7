"""Conversations and recipes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from darkroom.models.conversation import Conversation, Summary
    from darkroom.models.recipe import SavedRecipe


class ConversationStore(Protocol):
    def add(self, conversation: Conversation) -> None: ...

    def find(self, user: str, conversation_id: str) -> Conversation | None: ...

    def save(self, conversation: Conversation) -> bool:
        """Stores it with the next revision, if the stored one has `conversation.revision`.

        Raises:
            PayloadTooLarge: it does not fit into a row any more (400 kB).
        """

    def page(self, user: str, *, limit: int, before: str | None = None) -> tuple[Sequence[Summary], str | None]:
        """In short, newest first by id, and the id to pass as `before` (exclusive) for the next page."""

    def remove(self, user: str, conversation_id: str) -> bool: ...


class RecipeStore(Protocol):
    def find(self, user: str, name: str) -> SavedRecipe | None: ...

    def save(self, recipe: SavedRecipe) -> None: ...

    def of_user(self, user: str) -> Sequence[SavedRecipe]:
        """By name."""

    def remove(self, user: str, name: str) -> bool: ...


class RenderQueue(Protocol):
    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        """Has the function with the segmentation model go on with the job, after that many seconds (at most 900)."""

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        """Has a message that was received, and will not be deleted, come again no sooner than after `wait`."""
