"""Pictures of a conversation: two side by side, kept while it is used, and gone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.errors import (
    ImageExpired,
    NotFound,
)
from darkroom.models.conversation import Conversation
from darkroom.models.source import ImageSource
from darkroom.models.user_settings import UserSettings
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.inputs.inputs import Inputs
from darkroom.services.inputs.sources import Sources
from tests.application import NoWeb, no_versions
from tests.conftest import SteppingClock
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.photos import load
from tests.unit.services.conversing import PICTURE, RETENTION, WARMER, conversations_of, keep, turn_of

# ── Looking at two ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_versions_are_put_side_by_side_and_kept_with_the_conversation(
    conversations: Conversations, images: MemoryImageStore, begun: Conversation, edit: Callable[..., Conversation]
) -> None:
    edit({"op": "invert"})
    same = conversations.compare("alice", begun.id, "v1", "v1")
    other = conversations.compare("alice", begun.id, "v1", "v2")
    assert same.similarity == 1.0 > other.similarity
    assert other.key == f"outputs/alice/{begun.id}/v1-v2.png"
    assert images.outputs[other.key].data == other.data
    shown = load(other.data)
    assert shown.size == (12 + 8 + 12, 8)
    before, after = shown.convert("RGB").getpixel((3, 3)), shown.convert("RGB").getpixel((23, 3))
    assert isinstance(before, tuple)
    assert after == tuple(255 - value for value in before)
    assert images.outputs[same.key].data == same.data
    before_looking = conversations.find("alice", begun.id)
    assert conversations.compare("alice", begun.id, "v1", "v2").key == other.key
    assert conversations.find("alice", begun.id) == before_looking, "to look is no change"
    with pytest.raises(NotFound, match="v7"):
        conversations.compare("alice", begun.id, "v1", "v7")


def test_however_many_are_compared_the_conversation_does_not_grow_and_all_are_removed_with_it(
    conversations: Conversations, images: MemoryImageStore, begun: Conversation, edit: Callable[..., Conversation]
) -> None:
    for _ in range(5):
        edit({"op": "invert"})
    before = conversations.find("alice", begun.id)
    names = [version.id for version in before.versions]
    found = {conversations.compare("alice", begun.id, a, b).key for a in names for b in names}
    assert len(found) == 36
    assert conversations.find("alice", begun.id) == before
    neighbour = images.outputs["outputs/alice/conv_other/v1-v2.png"] = images.outputs[next(iter(found))]
    conversations.remove("alice", begun.id)
    assert not found & images.outputs.keys()
    assert images.outputs["outputs/alice/conv_other/v1-v2.png"] is neighbour


# ── Growing old ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_as_long_as_somebody_goes_on_with_it_every_picture_of_it_is_there(
    conversations: Conversations,
    images: MemoryImageStore,
    begun: Conversation,
    edit: Callable[..., Conversation],
    clock: SteppingClock,
) -> None:
    edit()
    for day in range(100):
        clock.step(timedelta(days=1))
        images.expire(RETENTION)
        (conversations.redo if day % 2 else conversations.undo)("alice", begun.id)
        found = conversations.find("alice", begun.id)
        assert {each.image.key for each in found.versions} <= images.outputs.keys()
        assert found.expires_at == clock() + RETENTION
    for version in ("v1", "v2"):
        assert conversations.branch("alice", begun.id, version).current == version


@given(waits=st.lists(st.integers(1, 29 * 24), min_size=1, max_size=20))
@settings(max_examples=30)
def test_it_never_outlives_its_pictures(waits: list[int]) -> None:
    clock = SteppingClock()
    images = MemoryImageStore(clock)
    conversations = conversations_of(images, clock, MemoryConversationStore())
    begun = conversations.create("alice", ImageSource("image", data=PICTURE))
    for wait in waits:
        clock.step(timedelta(hours=wait))
        images.expire(RETENTION)
        found = conversations.find("alice", begun.id)
        if found.expires_at <= clock():
            return
        assert found.versions[0].image.key in images.outputs
        conversations.branch("alice", begun.id, "v1")
        # A later edit has it for at least a day less than they would have a new one.
        assert conversations.find("alice", begun.id).expires_at > clock() + RETENTION - timedelta(days=1)


@given(moves=st.lists(st.tuples(st.integers(1, 40), st.sampled_from([None, 1, 3, 7])), min_size=1, max_size=20))
def test_nor_does_it_where_its_user_wants_pictures_gone_sooner(moves: list[tuple[int, int | None]]) -> None:
    """Each picture is kept for as long as was wanted when it was written, or counted from then."""
    clock = SteppingClock()
    images = MemoryImageStore(clock)
    wanted: dict[str, int | None] = {"days": moves[0][1]}
    until: dict[str, datetime] = {}

    class Tagging:
        def renew_outputs(self, keys: list[str]) -> None:
            images.renew_outputs(keys)
            until.update(dict.fromkeys(keys, clock() + kept()))

        def __getattr__(self, name: str) -> Any:
            return getattr(images, name)

    def kept() -> timedelta:
        return timedelta(days=wanted["days"] or RETENTION.days)

    inputs = Inputs(Sources(images, NoWeb(), MemoryJobStore(), clock, no_versions), images, max_megapixels=1)
    conversations = Conversations(
        MemoryConversationStore(),
        Tagging(),  # type: ignore[arg-type]
        inputs,
        clock,
        retention=RETENTION,
        settings=lambda _user: UserSettings(retention_days=wanted["days"]),
        cancel_turns=lambda _conversation: None,
    )
    begun = conversations.create("alice", ImageSource("image", data=PICTURE))
    until[begun.versions[0].image.key] = clock() + kept()
    for number, (hours, days) in enumerate(moves):
        found = conversations.find("alice", begun.id)
        assert found.expires_at <= min(until.values())
        clock.step(timedelta(hours=hours))
        if found.expires_at <= clock():
            return
        wanted["days"] = days
        conversations.renew(found)
        image = keep(images, f"job_{number}", PICTURE)
        until[image.key] = clock() + kept()
        taken = conversations.append("alice", begun.id, turn_of(f"job_{number}", "v1", image, WARMER))
        # A later edit has most of that time left.
        assert taken.conversation.expires_at >= clock() + kept() * 3 / 4


def test_pictures_are_renewed_once_a_day_at_the_most(
    conversations: Conversations, images: MemoryImageStore, begun: Conversation, clock: SteppingClock
) -> None:
    [first] = begun.versions
    clock.step(timedelta(days=1))
    begun = conversations.renew(begun)
    renewed_at = images.outputs[first.image.key].written_at
    assert renewed_at == clock() == begun.renewed_at
    clock.step(timedelta(hours=23))
    assert conversations.renew(begun) is begun
    assert images.outputs[first.image.key].written_at == renewed_at


def test_a_picture_that_is_gone_is_said_to_be_with_its_version(
    conversations: Conversations, images: MemoryImageStore, begun: Conversation, edit: Callable[..., Conversation]
) -> None:
    edit()
    images.remove_outputs([begun.versions[0].image.key])
    with pytest.raises(ImageExpired) as gone:
        conversations.compare("alice", begun.id, "v2", "v1")
    assert (gone.value.status, gone.value.context) == (410, {"version": "v1"})
    # The rest of it can be edited.
    assert conversations.undo("alice", begun.id).current == "v1"
