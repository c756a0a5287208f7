"""Conversations: every way through their versions, and that what is shown is what its history says."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from darkroom.errors import (
    Conflict,
    InvalidParameter,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from darkroom.models.conversation import Conversation, PaintStep, Step
from darkroom.models.source import ImageSource
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.versions import title_of
from tests.conftest import SteppingClock
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.memory import MemoryImageStore
from tests.unit.services.conversing import PICTURE, RETENTION, WARMER, conversations_of, keep, render, turn_of

# ── Beginning, finding, removing ──────────────────────────────────────────────────────────────────────────────────────


def test_it_begins_with_the_picture_as_it_is_kept(
    begun: Conversation, images: MemoryImageStore, clock: SteppingClock
) -> None:
    [first] = begun.versions
    assert (begun.current, first.id, first.parent, first.steps) == ("v1", "v1", None, ())
    assert first.image.key.startswith("inputs/alice/")
    assert images.outputs[first.image.key].data == PICTURE
    assert begun.id.startswith("conv_")
    assert (begun.created_at, begun.expires_at) == (clock(), clock() + RETENTION)


def test_an_expired_one_is_gone_though_its_row_is_not(
    conversations: Conversations, begun: Conversation, clock: SteppingClock
) -> None:
    clock.now = begun.expires_at - timedelta(seconds=1)
    assert conversations.find("alice", begun.id) == begun
    later = conversations.create("alice", title="later")
    clock.step(timedelta(seconds=1))
    with pytest.raises(NotFound):
        conversations.find("alice", begun.id)
    assert [each.id for each in conversations.page("alice")[0]] == [later.id]


def test_it_may_begin_with_no_picture(conversations: Conversations, images: MemoryImageStore) -> None:
    begun = conversations.create("alice", title="  A fox \n in snow ")
    assert (begun.versions, begun.current, begun.title) == ((), None, "A fox in snow")
    assert images.outputs == {}
    painted = Step(paint=PaintStep(prompt="A fox"))
    image = keep(images, "job_1-paint0", PICTURE)
    taken = conversations.append("alice", begun.id, turn_of("job_1", None, image, steps=(painted,)))
    assert (taken.version, taken.warnings) == ("v1", ())
    assert conversations.recipe(taken.conversation) == (painted,)
    assert taken.conversation.title == "A fox in snow"


def test_a_picture_that_cannot_be_used_begins_nothing(
    conversations: Conversations, store: MemoryConversationStore, images: MemoryImageStore
) -> None:
    with pytest.raises(UnsupportedMediaType):
        conversations.create("alice", ImageSource("image", data=b"hello"))
    with pytest.raises(InvalidParameter, match="81 characters"):
        conversations.create("alice", ImageSource("image", data=PICTURE), "x" * 81)
    assert (store.documents, images.outputs) == ({}, {})


REACH: dict[str, Callable[[Conversations, str, str], object]] = {
    "find": lambda conversations, user, id_: conversations.find(user, id_),
    "undo": lambda conversations, user, id_: conversations.undo(user, id_),
    "redo": lambda conversations, user, id_: conversations.redo(user, id_),
    "remove": lambda conversations, user, id_: conversations.remove(user, id_),
    "branch": lambda conversations, user, id_: conversations.branch(user, id_, "v1"),
    "version": lambda conversations, user, id_: conversations.version(user, id_, "v1"),
    "compare": lambda conversations, user, id_: conversations.compare(user, id_, "v1", "v1"),
    "append": lambda conversations, user, id_: conversations.append(user, id_, turn_of("job_1", "v1", None)),
}


@pytest.mark.parametrize("act", REACH)
def test_what_is_anothers_is_not_there(conversations: Conversations, begun: Conversation, act: str) -> None:
    for user, id_ in (("bob", begun.id), ("alice", f"{begun.id}x"), ("alice", "x" * 3000)):
        with pytest.raises(NotFound, match="no conversation"):
            REACH[act](conversations, user, id_)
    assert conversations.find("alice", begun.id) == begun


def test_pages(conversations: Conversations, clock: SteppingClock) -> None:
    made: list[str] = []
    for _ in range(3):
        made.insert(0, conversations.create("alice").id)
        clock.step(timedelta(seconds=1))
    first, last = conversations.page("alice", limit=2)
    rest, end = conversations.page("alice", limit=2, before=last)
    assert [each.id for each in (*first, *rest)] == made
    assert end is None
    for wrong in (0, 101):
        with pytest.raises(InvalidParameter):
            conversations.page("alice", limit=wrong)


def test_removing_takes_what_is_its_own_and_nothing_else(
    conversations: Conversations,
    images: MemoryImageStore,
    begun: Conversation,
    edit: Callable[..., Conversation],
) -> None:
    edit()
    conversations.compare("alice", begun.id, "v1", "v2")
    painted = keep(images, "job_9-paint0", PICTURE)
    conversations.append("alice", begun.id, turn_of("job_9", "v2", painted))
    assert len(images.outputs) == 4
    conversations.remove("alice", begun.id)
    # What was painted for it is its own, too; what it began with may be another's beginning.
    assert set(images.outputs) == {begun.versions[0].image.key}
    with pytest.raises(NotFound):
        conversations.find("alice", begun.id)
    with pytest.raises(NotFound):
        conversations.append("alice", begun.id, turn_of("job_10", "v1", None))


# ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_adds_two_messages_a_version_and_what_it_cost(
    conversations: Conversations, begun: Conversation, edit: Callable[..., Conversation], clock: SteppingClock
) -> None:
    clock.step(timedelta(days=1))
    after = edit(warnings=("Careful.",))
    asked, answered = after.messages
    assert (asked.n, asked.role, asked.content, asked.turn) == (1, "user", "Wärmer, bitte", "job_00001")
    assert (answered.n, answered.role, answered.content, answered.version) == (2, "assistant", "Gut.", "v2")
    assert (answered.cost, answered.warnings, answered.plan) == (700, ("Careful.",), {"actions": []})
    assert (after.versions[1].parent, after.versions[1].message, after.current) == ("v1", 2, "v2")
    assert (after.title, after.spent) == ("Wärmer, bitte", 700)
    # It lives on when somebody goes on with it, not when what they had begun is over.
    assert (after.updated_at, after.expires_at) == (clock(), begun.created_at + RETENTION)
    again = edit(user_text="Noch mehr")
    assert (again.title, again.spent, len(again.messages)) == ("Wärmer, bitte", 1400, 4)
    assert conversations.find("alice", begun.id) == again


def test_a_turn_is_taken_once(
    conversations: Conversations, images: MemoryImageStore, begun: Conversation, clock: SteppingClock
) -> None:
    image = keep(images, "job_1", render(PICTURE, [WARMER]))
    taken = conversations.append("alice", begun.id, turn_of("job_1", "v1", image, WARMER, warnings=("Careful.",)))
    conversations.undo("alice", begun.id)
    clock.step(timedelta(hours=1))
    again = conversations.append("alice", begun.id, turn_of("job_1", "v1", image, WARMER, reply="Another"))
    assert (again.version, again.warnings) == (taken.version, taken.warnings) == ("v2", ("Careful.",))
    found = conversations.find("alice", begun.id)
    assert found == again.conversation
    assert (found.current, len(found.versions), len(found.messages), found.spent) == ("v1", 2, 2, 700)


def test_a_turn_that_only_talks_leaves_what_was_undone(
    conversations: Conversations, begun: Conversation, edit: Callable[..., Conversation]
) -> None:
    edit()
    conversations.undo("alice", begun.id)
    taken = conversations.append("alice", begun.id, turn_of("job_x", "v1", None))
    assert (taken.version, taken.conversation.undone) == ("v1", ("v2",))


@pytest.mark.parametrize("move", ["undo", "redo"])
def test_a_turn_moves_as_far_as_it_goes(
    conversations: Conversations, begun: Conversation, edit: Callable[..., Conversation], move: str
) -> None:
    edit()
    if move == "redo":
        conversations.undo("alice", begun.id)
    first = conversations.append("alice", begun.id, turn_of("job_x", "v2", None, move=move))
    assert (first.version, first.warnings) == ("v1" if move == "undo" else "v2", ())
    again = conversations.append("alice", begun.id, turn_of("job_y", first.version, None, move=move))
    assert again.version == first.version
    assert [move in warning for warning in again.warnings] == [True]


def test_a_turn_from_a_version_that_is_no_longer_shown_says_so(
    conversations: Conversations, images: MemoryImageStore, begun: Conversation, edit: Callable[..., Conversation]
) -> None:
    edit()
    late = keep(images, "job_late", render(PICTURE, [{"op": "invert"}]))
    taken = conversations.append("alice", begun.id, turn_of("job_late", "v1", late, {"op": "invert"}))
    assert taken.version == "v3"
    assert taken.warnings == ("The conversation went on meanwhile: v3 was made from v1, not from v2.",)
    assert conversations.recipe(taken.conversation) == (Step(operation={"op": "invert"}),)


def test_many_turns_at_once_are_all_taken(
    conversations: Conversations, images: MemoryImageStore, begun: Conversation
) -> None:
    image = keep(images, "job_1", PICTURE)
    with ThreadPoolExecutor(6) as threads:
        turns = [turn_of(f"job_{number % 6}", "v1", image, WARMER) for number in range(12)]
        taken = list(threads.map(lambda turn: conversations.append("alice", begun.id, turn), turns))
    found = conversations.find("alice", begun.id)
    assert sorted({each.version for each in taken if each.version}) == [f"v{number}" for number in range(2, 8)]
    assert (len(found.versions), len(found.messages), found.spent) == (7, 12, 6 * 700)
    assert [each.n for each in found.messages] == list(range(1, 13))


class BusyStore(MemoryConversationStore):
    """Somebody else is always faster."""

    def save(self, conversation: Conversation) -> bool:
        return False


def test_who_is_never_fast_enough_may_try_again(images: MemoryImageStore, clock: SteppingClock) -> None:
    busy = conversations_of(images, clock, BusyStore())
    begun = busy.create("alice", ImageSource("image", data=PICTURE))
    with pytest.raises(ServiceUnavailable) as refused:
        busy.append("alice", begun.id, turn_of("job_1", "v1", None))
    assert refused.value.retryable


def test_a_conversation_that_is_nearly_full_takes_no_further_turn(
    conversations: Conversations, begun: Conversation
) -> None:
    conversations.require_room(begun)
    for number in range(19):
        full = conversations.append("alice", begun.id, turn_of(f"job_{number}", "v1", None, user_text="ж" * 8000))
    with pytest.raises(PayloadTooLarge) as refused:
        conversations.require_room(full.conversation)
    assert "new conversation" in refused.value.fix
    # What has begun before that still fits.
    last = conversations.append("alice", begun.id, turn_of("job_last", "v1", None, user_text="ж" * 8000))
    assert last.version == "v1"


# ── Moving ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_undo_redo_and_branch(
    conversations: Conversations, begun: Conversation, edit: Callable[..., Conversation]
) -> None:
    edit()
    edit({"op": "invert"})
    assert conversations.undo("alice", begun.id).current == "v2"
    assert conversations.undo("alice", begun.id).undone == ("v3", "v2")
    with pytest.raises(Conflict, match="nothing to undo"):
        conversations.undo("alice", begun.id)
    assert conversations.redo("alice", begun.id).current == "v2"
    assert conversations.redo("alice", begun.id).current == "v3"
    with pytest.raises(Conflict, match="nothing to redo"):
        conversations.redo("alice", begun.id)
    conversations.undo("alice", begun.id)
    branched = edit({"op": "flip"})
    assert (branched.current, branched.undone, branched.versions[3].parent) == ("v4", (), "v2")
    assert conversations.branch("alice", begun.id, "v3").current == "v3"
    assert conversations.undo("alice", begun.id).current == "v2"
    assert conversations.branch("alice", begun.id, "v1").undone == ()
    with pytest.raises(NotFound, match="v9") as unknown:
        conversations.branch("alice", begun.id, "v9")
    assert "v1, v2, v3, v4" in unknown.value.fix
    assert conversations.find("alice", begun.id).spent == 3 * 700, "moving costs nothing"


def test_with_no_picture_there_is_nowhere_to_go(conversations: Conversations) -> None:
    empty = conversations.create("alice")
    for move in (conversations.undo, conversations.redo):
        with pytest.raises(Conflict):
            move("alice", empty.id)
    assert conversations.recipe(empty) == ()


PALETTE: tuple[dict[str, Any], ...] = (
    WARMER,
    {"op": "flip", "direction": "vertical"},
    {"op": "rotate", "angle": 90},
    {"op": "invert"},
    {"op": "brightness", "amount": -15},
    {"op": "saturation", "amount": 30},
    {"op": "crop", "left": 10},
)


def test_a_thousand_steps_always_show_what_their_history_says(
    conversations: Conversations,
    images: MemoryImageStore,
    store: MemoryConversationStore,
    begun: Conversation,
    edit: Callable[..., Conversation],
) -> None:
    """Beside it a model of its own: a picture's bytes are those of its whole history, done anew from the first."""
    random = Random(7)
    bytes_of, parents = {"v1": PICTURE}, {"v1": ""}
    histories: dict[str, tuple[dict[str, Any], ...]] = {"v1": ()}
    current, undone, edits = "v1", list[str](), 0
    for _ in range(1000):
        do = random.choices(["edit", "undo", "redo", "branch"], [2, 4, 4, 1])[0]
        if do == "edit" and edits < 100:
            operation = random.choice(PALETTE)
            new = edit(operation).current
            assert new is not None
            edits += 1
            histories[new] = (*histories[current], operation)
            bytes_of[new] = render(bytes_of[current], [operation])
            parents[new], current, undone = current, new, []
        elif do == "undo" and parents[current]:
            conversations.undo("alice", begun.id)
            undone.append(current)
            current = parents[current]
        elif do == "redo" and undone:
            conversations.redo("alice", begun.id)
            current = undone.pop()
        elif do == "branch":
            current, undone = random.choice(list(bytes_of)), []
            conversations.branch("alice", begun.id, current)
        found = conversations.find("alice", begun.id)
        shown = found.version(found.current or "")
        assert shown is not None
        assert (found.current, found.undone) == (current, tuple(undone))
        assert images.outputs[shown.image.key].data == bytes_of[current]
        assert tuple(step.operation for step in conversations.recipe(found)) == histories[current]
    assert (edits, len(found.versions)) == (100, 101)
    for version in found.versions:
        assert hashlib.sha256(images.outputs[version.image.key].data).hexdigest() == version.image.sha256
        assert images.outputs[version.image.key].data == bytes_of[version.id], "nothing was ever overwritten"
    again = conversations.find("alice", begun.id).model_copy(update={"revision": 0})
    assert len(again.model_dump_json()) < 300_000


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Warmer", "Warmer"),
        ("  many \n  spaces ", "many spaces"),
        ("word " * 30, f"{'word ' * 15}word…"),
        ("x" * 100, f"{'x' * 79}…"),
        ("", ""),
    ],
)
def test_a_title_is_a_line_of_the_first_message(text: str, title: str) -> None:
    assert title_of(text) == title
    assert len(title_of(text)) <= 80
