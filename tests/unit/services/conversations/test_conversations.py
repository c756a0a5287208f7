"""Conversations: every way through their versions, and that what is shown is what its history says."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom import operations
from darkroom.errors import (
    Conflict,
    ImageExpired,
    InvalidParameter,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from darkroom.models.conversation import Conversation, PaintStep, Step
from darkroom.models.job import StoredImage
from darkroom.models.source import ImageSource
from darkroom.models.user_settings import UserSettings
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.versions import Cost, Turn, title_of
from darkroom.services.inputs.inputs import Inputs
from darkroom.services.inputs.sources import Sources
from tests.conftest import SteppingClock
from tests.fakes.conversations import MemoryConversationStore
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.fakes.tools import EllipseTools
from tests.photos import load, photo, save

RETENTION = timedelta(days=30)
PICTURE = save(photo("chelsea").resize((12, 8)), "PNG")
WARMER: dict[str, Any] = {"op": "colour_temperature", "temperature": 20}


class NoWeb:
    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        raise AssertionError(url)


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)


@pytest.fixture
def store() -> MemoryConversationStore:
    return MemoryConversationStore()


@pytest.fixture
def conversations(store: MemoryConversationStore, images: MemoryImageStore, clock: SteppingClock) -> Conversations:
    inputs = Inputs(Sources(images, NoWeb(), MemoryJobStore()), images, max_megapixels=1)
    return Conversations(store, images, inputs, clock, retention=RETENTION)


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


def render(data: bytes, given: list[dict[str, Any]]) -> bytes:
    return operations.render(data, operations.parse(given), EllipseTools(), max_megapixels=1).data


def keep(images: MemoryImageStore, turn: str, data: bytes) -> StoredImage:
    key = f"outputs/alice/{turn}/0.png"
    images.write_output(key, data, media_type="image/png", metadata={})
    size = load(data).size
    digest = hashlib.sha256(data).hexdigest()
    return StoredImage(key=key, media_type="image/png", width=size[0], height=size[1], bytes=len(data), sha256=digest)


def turn_of(
    turn: str, base: str | None, image: StoredImage | None, operation: dict[str, Any] | None = None, **more: Any
) -> Turn:
    steps = (Step(operation=operation),) if operation else ()
    usual = {"id": turn, "user_text": "Wärmer, bitte", "reply": "Gut.", "plan": {"actions": []}, "cost": Cost(700)}
    return Turn(**{**usual, "base": base, "image": image, "steps": steps, **more})


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
    first, cursor = conversations.page("alice", limit=2)
    rest, end = conversations.page("alice", limit=2, cursor=cursor)
    assert [each.id for each in (*first, *rest)] == made
    assert end is None
    for wrong in ({"limit": 0}, {"limit": 101}, {"cursor": ""}, {"cursor": "x" * 65}):
        with pytest.raises(InvalidParameter):
            conversations.page("alice", **wrong)


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
    inputs = Inputs(Sources(images, NoWeb()), images, max_megapixels=1)
    busy = Conversations(BusyStore(), images, inputs, clock, retention=RETENTION)
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
@settings(max_examples=30, deadline=None)
def test_it_never_outlives_its_pictures(waits: list[int]) -> None:
    clock = SteppingClock()
    images = MemoryImageStore(clock)
    inputs = Inputs(Sources(images, NoWeb(), MemoryJobStore()), images, max_megapixels=1)
    conversations = Conversations(MemoryConversationStore(), images, inputs, clock, retention=RETENTION)
    begun = conversations.create("alice", ImageSource("image", data=PICTURE))
    for wait in waits:
        clock.step(timedelta(hours=wait))
        images.expire(RETENTION)
        found = conversations.find("alice", begun.id)
        if found.expires_at <= clock():
            return
        assert found.versions[0].image.key in images.outputs
        conversations.branch("alice", begun.id, "v1")
        # Whoever goes on with it has it for at least a day less than they would have a new one.
        assert conversations.find("alice", begun.id).expires_at > clock() + RETENTION - timedelta(days=1)


@given(moves=st.lists(st.tuples(st.integers(1, 40), st.sampled_from([None, 1, 3, 7])), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_nor_does_it_where_its_user_wants_pictures_gone_sooner(moves: list[tuple[int, int | None]]) -> None:
    """Each picture is kept for as long as was wanted when it was written, or counted anew."""
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

    inputs = Inputs(Sources(images, NoWeb(), MemoryJobStore()), images, max_megapixels=1)
    conversations = Conversations(
        MemoryConversationStore(),
        Tagging(),  # type: ignore[arg-type]
        inputs,
        clock,
        retention=RETENTION,
        settings=lambda _user: UserSettings(retention_days=wanted["days"]),
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
        # Whoever goes on with it has most of that time left.
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
    # The rest of it can be gone on with.
    assert conversations.undo("alice", begun.id).current == "v1"


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
