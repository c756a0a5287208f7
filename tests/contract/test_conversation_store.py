"""What every ConversationStore does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from darkroom.adapters.conversation_store import DynamoConversationStore
from darkroom.adapters.dynamo import to_item
from darkroom.errors import PayloadTooLarge
from darkroom.models.conversation import Conversation, Message, PaintStep, Step, Version
from darkroom.models.job import StoredImage
from darkroom.ports import ConversationStore
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.conversations import MemoryConversationStore

IMAGE = StoredImage(key="inputs/a/b.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")


@pytest.fixture
def store(cloud: Cloud | None) -> ConversationStore:
    return DynamoConversationStore(cloud.table, cloud.aws.dynamodb) if cloud else MemoryConversationStore()


@pytest.fixture
def conversation(user: str, clock: SteppingClock) -> Conversation:
    return make(user, clock)


def make(
    user: str, clock: SteppingClock, number: int = 1, title: str = "A title — für später", said: str = "Gut."
) -> Conversation:
    now = clock()
    steps = (Step(operation={"op": "brightness", "amount": 12.5}), Step(paint=PaintStep(prompt="A hat", model="m/m")))
    versions = (
        Version(id="v1", image=IMAGE, created_at=now),
        Version(id="v2", parent="v1", image=IMAGE, steps=steps, message=2, created_at=now),
    )
    messages = (
        Message(n=1, role="user", content="heller \u0000 \U0001f3a8", created_at=now, turn="job_t"),
        Message(n=2, role="assistant", content=said, created_at=now, version="v2", plan={"actions": [1.5]}, cost=7),
    )
    return Conversation(
        id=f"conv_{number:03}",
        user=user,
        title=title,
        created_at=now,
        updated_at=now,
        expires_at=now + timedelta(days=1),
        current="v2",
        undone=("v1",),
        versions=versions,
        messages=messages,
        spent=2**53,
    )


def test_what_was_added_is_found_by_its_user(store: ConversationStore, conversation: Conversation) -> None:
    store.add(conversation)
    assert store.find(conversation.user, conversation.id) == conversation
    assert store.find(f"{conversation.user}x", conversation.id) is None
    assert store.find(conversation.user, "conv_0") is None


def test_a_change_counts_once(store: ConversationStore, conversation: Conversation) -> None:
    store.add(conversation)
    changed = conversation.model_copy(update={"title": "Another", "current": "v1"})
    assert store.save(changed)
    assert not store.save(conversation.model_copy(update={"title": "Too late"}))
    found = store.find(conversation.user, conversation.id)
    assert found == changed.model_copy(update={"revision": 1})
    assert store.save(found)
    assert not store.save(found.model_copy(update={"revision": 3}))


def test_what_was_removed_is_not_there_and_does_not_come_back(
    store: ConversationStore, conversation: Conversation
) -> None:
    store.add(conversation)
    assert not store.remove(f"{conversation.user}x", conversation.id)
    assert store.remove(conversation.user, conversation.id)
    assert not store.remove(conversation.user, conversation.id)
    assert store.find(conversation.user, conversation.id) is None
    assert not store.save(conversation)
    assert store.find(conversation.user, conversation.id) is None


def test_pages_go_from_the_newest_to_the_oldest(store: ConversationStore, user: str, clock: SteppingClock) -> None:
    for number in (3, 1, 5, 2, 4):
        store.add(make(user, clock, number))
    store.add(make(f"{user}x", clock, 9))
    pages, before = [], None
    for _ in range(3):
        page, before = store.page(user, limit=2, before=before)
        pages.append([each.id for each in page])
    assert (pages, before) == ([["conv_005", "conv_004"], ["conv_003", "conv_002"], ["conv_001"]], None)
    assert store.page(user, limit=5)[1] is None
    assert store.page(f"{user}-nobody", limit=5) == ([], None)


def test_a_page_of_long_conversations_is_full_too(store: ConversationStore, user: str, clock: SteppingClock) -> None:
    for number in range(1, 6):
        store.add(make(user, clock, number, said="x" * 350_000))
    page, before = store.page(user, limit=4)
    assert ([each.id for each in page], before) == (["conv_005", "conv_004", "conv_003", "conv_002"], "conv_002")
    assert [each.id for each in store.page(user, limit=4, before=before)[0]] == ["conv_001"]


def test_what_is_too_long_for_a_row_is_refused_and_changes_nothing(
    store: ConversationStore, user: str, clock: SteppingClock
) -> None:
    bare = len(make(user, clock, said="").model_dump_json().encode())
    longest = make(user, clock, said="ü" * ((398_000 - bare) // 2))
    store.add(longest)
    with pytest.raises(PayloadTooLarge, match="too long"):
        store.save(longest.model_copy(update={"title": f"{longest.title}üü"}))
    assert store.find(user, longest.id) == longest
    with pytest.raises(PayloadTooLarge) as refused:
        store.add(make(user, clock, 2, said="x" * 400_000))
    assert "new conversation" in refused.value.fix
    assert store.find(user, "conv_002") is None


def test_a_list_shows_each_conversation_as_it_was_saved_last(
    store: ConversationStore, conversation: Conversation
) -> None:
    store.add(conversation)
    (listed,), _ = store.page(conversation.user, limit=9)
    assert listed == conversation.summary
    assert (listed.image_key, listed.can_undo, listed.can_redo) == (IMAGE.key, True, True)
    assert (listed.version_count, listed.message_count, listed.spent, listed.settled) == (2, 2, 2**53, True)
    unsettled = conversation.messages[1].model_copy(update={"settled": False})
    changed = conversation.model_copy(
        update={"current": "v1", "undone": (), "messages": (conversation.messages[0], unsettled), "spent": 3}
    )
    assert store.save(changed)
    assert not store.save(conversation), "too late, and the list says nothing of it"
    (listed,), _ = store.page(conversation.user, limit=9)
    assert listed == changed.summary
    assert (listed.can_undo, listed.can_redo, listed.spent, listed.settled) == (False, False, 3, False)
    assert store.remove(conversation.user, conversation.id)
    assert store.page(conversation.user, limit=9) == ([], None)


class TestEarlierVersions:
    """Conversations that are one row, with the document as it is."""

    @pytest.fixture(params=["moto", "emulator"])
    def cloud(self, request: pytest.FixtureRequest) -> Cloud:
        found: Cloud = request.getfixturevalue("mocked" if request.param == "moto" else "emulated")
        return found

    @pytest.fixture
    def before(self, cloud: Cloud, conversation: Conversation) -> Conversation:
        """One that is in the table as the version before wrote it."""
        row = {
            "pk": f"USER#{conversation.user}",
            "sk": f"CONV#{conversation.id}",
            "document": conversation.model_dump_json(),
            "revision": conversation.revision,
            "updated_at": conversation.updated_at.isoformat(),
            "expires_at": int(conversation.expires_at.timestamp()),
        }
        cloud.aws.dynamodb.put_item(TableName=cloud.table, Item=to_item(row))
        return conversation

    def test_it_is_found_listed_and_removed(self, store: ConversationStore, before: Conversation) -> None:
        assert store.find(before.user, before.id) == before
        assert store.page(before.user, limit=9) == ([before.summary], None)
        assert store.remove(before.user, before.id)
        assert store.find(before.user, before.id) is None
        assert store.page(before.user, limit=9) == ([], None)
        assert not store.remove(before.user, before.id)

    def test_it_is_changed_once(self, store: ConversationStore, before: Conversation) -> None:
        assert not store.save(before.model_copy(update={"revision": 4}))
        changed = before.model_copy(update={"title": "Another"})
        assert store.save(changed)
        assert not store.save(before.model_copy(update={"title": "Too late"}))
        stored = changed.model_copy(update={"revision": 1})
        assert store.find(before.user, before.id) == stored
        assert store.page(before.user, limit=9) == ([stored.summary], None)
        assert store.save(stored)

    def test_it_is_in_the_order_of_the_others(
        self, store: ConversationStore, before: Conversation, clock: SteppingClock
    ) -> None:
        older, newer = make(before.user, clock, 0), make(before.user, clock, 2)
        for each in (newer, older):
            store.add(each)
        first, after = store.page(before.user, limit=2)
        rest, end = store.page(before.user, limit=2, before=after)
        assert [each.id for each in (*first, *rest)] == [newer.id, before.id, older.id]
        assert end is None


@pytest.mark.parametrize("cloud", ["memory", "emulator"], indirect=True)
def test_of_many_at_the_same_time_one_saves(store: ConversationStore, conversation: Conversation) -> None:
    store.add(conversation)
    with ThreadPoolExecutor(20) as threads:
        titles = [str(number) for number in range(20)]
        won = list(threads.map(lambda title: store.save(conversation.model_copy(update={"title": title})), titles))
    assert sum(won) == 1
    found = store.find(conversation.user, conversation.id)
    assert found is not None
    assert (found.title, found.revision) == (str(won.index(True)), 1)
