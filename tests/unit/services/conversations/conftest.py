"""Conversations of Alice: none, one that has begun, and turns of it."""

from collections.abc import Callable
from typing import Any

import pytest

from darkroom.models.conversation import Conversation
from darkroom.models.source import ImageSource
from darkroom.services.conversations.conversations import Conversations
from tests.conftest import SteppingClock
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.memory import MemoryImageStore
from tests.unit.services.conversing import PICTURE, WARMER, conversations_of, keep, render, turn_of


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)


@pytest.fixture
def store() -> MemoryConversationStore:
    return MemoryConversationStore()


@pytest.fixture
def conversations(store: MemoryConversationStore, images: MemoryImageStore, clock: SteppingClock) -> Conversations:
    return conversations_of(images, clock, store)


@pytest.fixture
def begun(conversations: Conversations) -> Conversation:
    return conversations.create("alice", ImageSource("image", data=PICTURE))


@pytest.fixture
def edit(conversations: Conversations, images: MemoryImageStore, begun: Conversation) -> Callable[..., Conversation]:
    """A turn that does one operation to the version that is shown, really, and adds it."""
    turns = iter(range(1, 10_000))

    def add(operation: dict[str, Any] = WARMER, **more: Any) -> Conversation:
        turn = f"job_{next(turns):05}"
        before = conversations.find("alice", begun.id)
        shown = before.version(before.current or "")
        assert shown is not None
        image = keep(images, turn, render(images.outputs[shown.image.key].data, [operation]))
        return conversations.append(
            "alice", begun.id, turn_of(turn, before.current, image, operation, **more)
        ).conversation

    return add
