"""Conversations in memory. The contract suite holds it to what the adapter does."""

from collections.abc import Sequence
from threading import Lock

from darkroom.adapters.conversation_store import MOST_BYTES, too_large
from darkroom.models.conversation import Conversation, Summary


class MemoryConversationStore:
    """`documents` are by user and id; they are kept as JSON, so that what does not survive that is noticed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.documents: dict[tuple[str, str], str] = {}

    def add(self, conversation: Conversation) -> None:
        self._put(conversation)

    def find(self, user: str, conversation_id: str) -> Conversation | None:
        found = self.documents.get((user, conversation_id))
        return Conversation.model_validate_json(found) if found else None

    def save(self, conversation: Conversation) -> bool:
        with self._lock:
            stored = self.find(conversation.user, conversation.id)
            changed = conversation.model_copy(update={"revision": conversation.revision + 1})
            if stored is not None and stored.revision == conversation.revision:
                self._put(changed)
                return True
            _document(changed)
            return False

    def page(self, user: str, *, limit: int, before: str | None = None) -> tuple[Sequence[Summary], str | None]:
        ids = sorted((each for owner, each in self.documents if owner == user), reverse=True)
        rest = [each for each in ids if before is None or each < before]
        found = [self.find(user, each) for each in rest[:limit]]
        return [each.summary for each in found if each], rest[limit - 1] if len(rest) > limit else None

    def remove(self, user: str, conversation_id: str) -> bool:
        with self._lock:
            return self.documents.pop((user, conversation_id), None) is not None

    def _put(self, conversation: Conversation) -> None:
        self.documents[conversation.user, conversation.id] = _document(conversation)


def _document(conversation: Conversation) -> str:
    document = conversation.model_dump_json()
    if len(document.encode()) > MOST_BYTES:
        raise too_large()
    return document
