"""How a conversation changes: pure functions from one to the next. A version is added, and never changed or dropped."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from darkroom.errors import Conflict, NotFound
from darkroom.models.conversation import Conversation, Message, Planned, Step, Version
from darkroom.models.job import StoredImage
from darkroom.models.money import MicroUsd, said
from darkroom.services.conversations import replies

MOST_TITLE = 80


class Cost(Struct, frozen=True):
    """What a turn's paid calls cost.

    Args:
        amount: in micro-dollars, as far as it is known.
        is_settled: whether that is all of it.
        planned: what its planning took; None while that is not known.
    """

    amount: MicroUsd = 0
    is_settled: bool = True
    planned: Planned | None = None


class Turn(Struct, frozen=True):
    """A turn that is over.

    Args:
        id: its job's; a conversation takes it once.
        base: the version that it began with.
        image: the new version's, with the steps from the base's; None if it made none.
        move: what it did beside that.
        is_branch: the version that it began with was named, and need not be the one that is shown.
        dry_run: nothing was to be done.
        by_hand: there were no messages: only its version is taken.
        warn_at: the conversation's total, in micro-dollars, of which its user wants to be told once it is passed.
    """

    id: str
    user_text: str
    reply: str
    plan: dict[str, Any]
    base: str | None
    image: StoredImage | None = None
    steps: tuple[Step, ...] = ()
    move: Literal["undo", "redo"] | None = None
    warnings: tuple[str, ...] = ()
    cost: Cost = field(default_factory=Cost)
    warn_at: MicroUsd | None = None
    model_used: str | None = None
    is_branch: bool = False
    dry_run: bool = False
    by_hand: bool = False


def version_of(conversation: Conversation, version_id: str, param: str = "version") -> Version:
    """Raises NotFound."""
    found = conversation.version(version_id)
    if found is None:
        there = ", ".join(version.id for version in conversation.versions[-20:]) or "none yet"
        raise NotFound(f"There is no version {version_id[:20]!r}.", fix=f"Its versions: {there}.", param=param)
    return found


def undone(conversation: Conversation) -> Conversation:
    """With the version before. Raises Conflict if there is none."""
    shown = conversation.version(conversation.current) if conversation.current else None
    if shown is None or shown.parent is None:
        raise Conflict("There is nothing to undo: this is how it began.", fix="`redo` goes the other way.")
    return conversation.model_copy(update={"current": shown.parent, "undone": (*conversation.undone, shown.id)})


def redone(conversation: Conversation) -> Conversation:
    """With the version that was undone last. Raises Conflict if there is none."""
    if not conversation.undone:
        raise Conflict(
            "There is nothing to redo: nothing was undone since the last edit.",
            fix="`branch` goes to any version there is.",
        )
    *rest, last = conversation.undone
    return conversation.model_copy(update={"current": last, "undone": tuple(rest)})


def branched(conversation: Conversation, version_id: str, param: str = "version") -> Conversation:
    """With that version, from which edits go on. Raises NotFound."""
    return conversation.model_copy(update={"current": version_of(conversation, version_id, param).id, "undone": ()})


def steps_to(conversation: Conversation, version_id: str) -> tuple[Step, ...]:
    """From the picture that it all began with to that version's. Raises NotFound."""
    version = version_of(conversation, version_id)
    steps = version.steps
    while version.parent is not None:
        version = version_of(conversation, version.parent)
        steps = (*version.steps, *steps)
    return steps


def answer_to(conversation: Conversation, turn_id: str) -> Message | None:
    """The assistant's message of a turn that was taken already."""
    return next((each for each in conversation.messages if each.turn == turn_id and each.role == "assistant"), None)


def made_by(conversation: Conversation, job_id: str) -> Version | None:
    """The version that a job made by hand, once it is taken."""
    return next((each for each in conversation.versions if each.job == job_id), None)


def rendered_keys(user: str, turn_id: str, plan: Mapping[str, Any]) -> list[str]:
    """Where a turn's operations may have left a picture, whatever its format."""
    actions = enumerate(plan.get("actions", ()))
    stems = [number for number, action in actions if action.get("kind") == "operations"]
    return [f"outputs/{user}/{turn_id}/{stem}.{ending}" for stem in stems for ending in ("png", "jpg", "webp")]


def with_turn(conversation: Conversation, turn: Turn, now: datetime) -> Conversation:
    """With the turn's two messages, and its version or its move; as it was if the turn was taken already."""
    if answer_to(conversation, turn.id) is not None or made_by(conversation, turn.id) is not None:
        return conversation
    changed, warnings = _changed(conversation, turn, now)
    if turn.by_hand:
        return changed
    reply = _true_reply(conversation, changed, turn, warnings)
    spent = conversation.spent + turn.cost.amount
    crossing = _crossing(conversation.spent, spent, turn.warn_at)
    asked = Message(
        n=len(conversation.messages) + 1,
        role="user",
        content=turn.user_text,
        created_at=now,
        turn=turn.id,
        dry_run=turn.dry_run,
    )
    answered = Message(
        n=asked.n + 1,
        role="assistant",
        content=reply,
        created_at=now,
        version=changed.current,
        turn=turn.id,
        plan=turn.plan,
        cost=turn.cost.amount,
        settled=turn.cost.is_settled,
        planned=turn.cost.planned,
        model_used=turn.model_used,
        warnings=(*turn.warnings, *crossing, *warnings),
        dry_run=turn.dry_run,
    )
    return changed.model_copy(
        update={
            "messages": (*conversation.messages, asked, answered),
            "spent": spent,
            "title": conversation.title or title_of(turn.user_text),
        }
    )


def with_cost(conversation: Conversation, turn_id: str, cost: Cost, warn_at: MicroUsd) -> Conversation:
    """With what a turn has cost that was not known when it was taken; as it was if that is told already."""
    answer = answer_to(conversation, turn_id)
    if answer is None or answer.settled:
        return conversation
    spent = conversation.spent + cost.amount - answer.cost
    told = answer.model_copy(
        update={
            "cost": cost.amount,
            "settled": cost.is_settled,
            "planned": cost.planned,
            "warnings": (*answer.warnings, *_crossing(conversation.spent, spent, warn_at)),
        }
    )
    messages = tuple(told if each is answer else each for each in conversation.messages)
    return conversation.model_copy(update={"messages": messages, "spent": spent})


def _crossing(before: MicroUsd, after: MicroUsd, warn_at: MicroUsd | None) -> tuple[str, ...]:
    """A sentence when the total passes what the user wants to be warned of; once, so."""
    if warn_at is None or not before < warn_at <= after:
        return ()
    return (f"This conversation has cost {said(after)} so far.",)


def _true_reply(before: Conversation, after: Conversation, turn: Turn, why: tuple[str, ...]) -> str:
    """What is said to the person; of a move that was not possible, that nothing was changed and why."""
    if turn.move is None or after is not before:
        return turn.reply
    return " ".join((replies.nothing(str(turn.plan.get("language", ""))), *why))


def is_same(conversation: Conversation, base: str | None, image: StoredImage | None, steps: tuple[Step, ...]) -> bool:
    """Whether a picture that was not painted is the one that the turn began with."""
    version = conversation.version(base) if base else None
    is_kept = version is not None and image is not None and version.image.sha256 == image.sha256
    return is_kept and not any(step.paint for step in steps)


def title_of(text: str) -> str:
    """A first line of the text, cut between words."""
    line = " ".join(text.split())
    if len(line) <= MOST_TITLE:
        return line
    return f"{line[:MOST_TITLE].rpartition(' ')[0] or line[: MOST_TITLE - 1]}…"


def _changed(conversation: Conversation, turn: Turn, now: datetime) -> tuple[Conversation, tuple[str, ...]]:
    if turn.image is not None:
        return _with_version(conversation, turn, turn.image, now)
    if turn.move is None:
        return conversation, ()
    try:
        before = branched(conversation, turn.base) if turn.is_branch and turn.base else conversation
        return (undone if turn.move == "undo" else redone)(before), ()
    except Conflict as error:
        return conversation, (error.detail,)


def _with_version(
    conversation: Conversation, turn: Turn, image: StoredImage, now: datetime
) -> tuple[Conversation, tuple[str, ...]]:
    version = Version(
        id=f"v{len(conversation.versions) + 1}",
        parent=turn.base,
        image=image,
        steps=turn.steps,
        message=None if turn.by_hand else len(conversation.messages) + 2,
        job=turn.id if turn.by_hand else None,
        created_at=now,
    )
    update = {"versions": (*conversation.versions, version), "current": version.id, "undone": ()}
    changed = conversation.model_copy(update=update)
    if turn.is_branch or conversation.current == turn.base:
        return changed, ()
    return changed, (
        f"The conversation went on meanwhile: {version.id} was made from {turn.base or 'nothing'}, "
        f"not from {conversation.current}.",
    )
