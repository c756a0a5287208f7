"""Conversations: beginning one, moving between its versions, adding what a turn came to."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from ulid import ULID

from darkroom.errors import ImageExpired, InvalidParameter, NotFound, PayloadTooLarge, ServiceUnavailable
from darkroom.images.compare import side_by_side, similarity
from darkroom.images.decode import decode
from darkroom.images.picture import Picture
from darkroom.models.conversation import Conversation, Step, Summary, Version
from darkroom.models.money import MicroUsd
from darkroom.models.source import ImageSource
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Clock, ConversationStore, ImageStore
from darkroom.services.conversations import versions
from darkroom.services.conversations.versions import MOST_TITLE, Cost, Turn, rendered_keys
from darkroom.services.inputs.inputs import Input, Inputs, check_mask
from darkroom.services.paid.admission import Prepared, kept_for

MOST_PER_PAGE: Final = 100
MOST_ID: Final = 64
# A turn adds up to 80 kB and a row ends at 400, so a turn that begins below this can be kept.
FULL_BYTES: Final = 300_000
_MOST_STORED_BYTES: Final = 64 * 1024 * 1024
_MOST_STORED_MEGAPIXELS: Final = 64
_ATTEMPTS: Final = 20
# The bucket removes what is old, and a conversation may go on for longer than that.
RENEWED_AFTER: Final = timedelta(days=1)


class Taken(Struct, frozen=True):
    """How the conversation stands after a turn: what was answered, the version that is shown, what was warned of."""

    conversation: Conversation
    reply: str
    version: str | None
    warnings: tuple[str, ...]


class Comparison(Struct, frozen=True):
    """Two versions side by side, as PNG, and how alike they are from 0 to 1."""

    key: str
    data: bytes
    similarity: float

    @property
    def size(self) -> tuple[int, int]:
        """Pixels (width, height), as its first chunk says."""
        return int.from_bytes(self.data[16:20]), int.from_bytes(self.data[20:24])


class Conversations:
    """Args:
    retention: how long a conversation is kept after its last change, and how long the bucket keeps pictures.
    settings: a user's own, who may want theirs gone sooner.
    cancel_turns: of a conversation that has been removed: what nobody has been asked for yet is not to be paid.

    A conversation is not kept for longer than its pictures are. So whenever somebody goes on with it, all its pictures
    are made to count as new, and only then does it live on: once a day at the most, or in a quarter of a shorter time.
    """

    def __init__(
        self,
        store: ConversationStore,
        images: ImageStore,
        inputs: Inputs,
        clock: Clock,
        *,
        retention: timedelta,
        settings: Callable[[str], UserSettings],
        cancel_turns: Callable[[Conversation], object],
    ) -> None:
        self._store = store
        self._images = images
        self._inputs = inputs
        self._clock = clock
        self._retention = retention
        self._settings = settings
        self._cancel_turns = cancel_turns

    def create(self, user: str, source: ImageSource | None = None, title: str = "") -> Conversation:
        """A conversation about a picture, or about one that is yet to be painted.

        Raises:
            CallerError: the picture cannot be had or used.
        """
        conversation, store = self.begun(user, source, title)
        store()
        return conversation

    def begun(
        self, user: str, source: ImageSource | None = None, title: str = ""
    ) -> tuple[Conversation, Callable[[], None]]:
        """As create: the conversation, and what stores it. Before that is called nobody has it."""
        now = self._clock()
        picture = None if source is None else self._inputs.read(user, source)
        conversation = Conversation(
            id=f"conv_{ULID.from_datetime(now)}",
            user=user,
            title=_title(title),
            created_at=now,
            updated_at=now,
            expires_at=now + self._kept(user),
        )
        if picture is not None:
            self._inputs.keep([picture])
            conversation = _begun_with(conversation, picture)
        return conversation, lambda: self._store.add(conversation)

    def read_mask(self, user: str, source: ImageSource, about: Conversation) -> Input:
        """The mask of a message: where painting may change the picture that is shown. Writes nothing.

        Raises:
            InvalidParameter: there is no picture yet, or it has another size.
            CallerError: it cannot be had, or is no mask.
        """
        shown = about.version(about.current) if about.current else None
        if shown is None:
            raise InvalidParameter(
                "There is no picture yet that a mask could be for.", fix="Leave it out.", param="mask"
            )
        mask = self._inputs.read(user, source, role="mask")
        check_mask(shown.image, mask)
        return mask

    def keep_mask(self, mask: Input) -> None:
        self._inputs.keep([mask])

    def find(self, user: str, conversation_id: str) -> Conversation:
        """Raises NotFound."""
        # Longer than any id there is, and in the end than DynamoDB takes for a key.
        found = self._store.find(user, conversation_id) if len(conversation_id) <= MOST_ID else None
        # DynamoDB removes an expired row within days; its pictures are gone before that.
        if found is None or found.expires_at <= self._clock():
            raise NotFound(
                f"There is no conversation {conversation_id[:MOST_ID]!r}.", fix="GET /v1/conversations lists yours."
            )
        return found

    def page(self, user: str, *, limit: int = 20, before: str | None = None) -> tuple[Sequence[Summary], str | None]:
        """A page of conversations, newest first, and the id to give as `before` for the next one; it is exclusive."""
        if not 1 <= limit <= MOST_PER_PAGE:
            raise InvalidParameter(
                f"`limit` is {limit}.", fix=f"Give a whole number from 1 to {MOST_PER_PAGE}.", param="limit"
            )
        found, next_id = self._store.page(user, limit=limit, before=before)
        now = self._clock()
        return [each for each in found if each.expires_at > now], next_id

    def remove(self, user: str, conversation_id: str) -> None:
        """Removes the conversation and the pictures that are its own; those that jobs made are removed with the jobs.

        Raises:
            NotFound: the user has no such conversation.
        """
        conversation = self.find(user, conversation_id)
        turns = {message.turn for message in conversation.messages if message.turn}
        turns |= {version.job for version in conversation.versions if version.job}
        own = tuple(f"outputs/{user}/{turn}{part}" for turn in turns for part in ("/", "-paint"))
        shown = [each.image.key for each in conversation.versions if each.image.key.startswith(own)] if own else []
        # First of all nobody may go on with it; what a turn in progress has made, it removes itself.
        self._store.remove(user, conversation_id)
        self._cancel_turns(conversation)
        self._images.remove_outputs(list(dict.fromkeys((*shown, *_between(conversation)))))
        self._images.remove_outputs_under(_comparisons(user, conversation_id))

    def renew(self, conversation: Conversation) -> Conversation:
        """The conversation, all of whose pictures are kept for as long as one that is begun now."""
        now, kept = self._clock(), self._kept(conversation.user)
        is_new = _counted_from(conversation) + min(RENEWED_AFTER, kept / 4) > now
        # Not so where its user wants another time since.
        if is_new and now + kept * 3 / 4 <= conversation.expires_at <= now + kept:
            return conversation
        self._images.renew_outputs([version.image.key for version in conversation.versions])
        return self._change(
            conversation.user, conversation.id, lambda each: each.model_copy(update={"renewed_at": now})
        )

    def require_room(self, conversation: Conversation) -> None:
        """To be asked before a turn is paid for. Raises PayloadTooLarge if its end might not fit in any more."""
        if len(conversation.model_dump_json().encode()) > FULL_BYTES:
            raise PayloadTooLarge(
                "The conversation is too long to go on with.",
                fix="Begin a new conversation from this version.",
                context={"version": conversation.current},
            )

    def undo(self, user: str, conversation_id: str) -> Conversation:
        """Raises NotFound, Conflict."""
        return self._go(user, conversation_id, versions.undone)

    def redo(self, user: str, conversation_id: str) -> Conversation:
        """Raises NotFound, Conflict."""
        return self._go(user, conversation_id, versions.redone)

    def branch(self, user: str, conversation_id: str, version_id: str) -> Conversation:
        """Raises NotFound."""
        return self._go(user, conversation_id, lambda each: versions.branched(each, version_id))

    def append(self, user: str, conversation_id: str, turn: Turn, *, seen: Conversation | None = None) -> Taken:
        """Adds what a turn came to, once: a turn that was added already changes nothing.

        Args: seen: the conversation as it was just read, so that it is read again only if it has changed since.

        Raises:
            NotFound: the conversation has been removed.
            PayloadTooLarge: it does not fit in any more.
        """
        conversation = self._change(
            user, conversation_id, lambda each: versions.with_turn(each, turn, self._clock()), seen=seen
        )
        answer = versions.answer_to(conversation, turn.id)
        if answer is None:
            made = versions.made_by(conversation, turn.id)
            return Taken(conversation, turn.reply, made.id if made else None, turn.warnings)
        return Taken(conversation, answer.content, answer.version, answer.warnings)

    def settle(
        self, user: str, conversation_id: str, turn_id: str, cost: Cost, *, warn_at: MicroUsd
    ) -> tuple[str, ...]:
        """Adds what a turn cost that was not known when the turn was; once. The turn's warnings after that.

        Raises: as append does.
        """
        conversation = self._change(
            user, conversation_id, lambda each: versions.with_cost(each, turn_id, cost, warn_at)
        )
        answer = versions.answer_to(conversation, turn_id)
        return answer.warnings if answer else ()

    def version(self, user: str, conversation_id: str, version_id: str) -> Version:
        """Raises NotFound."""
        return versions.version_of(self.find(user, conversation_id), version_id)

    def recipe(self, conversation: Conversation, version_id: str | None = None) -> tuple[Step, ...]:
        """What leads from the first picture to that version, or to the one that is shown. Raises NotFound."""
        wanted = version_id or conversation.current
        return versions.steps_to(conversation, wanted) if wanted else ()

    def compare(self, user: str, conversation_id: str, first: str, second: str) -> Comparison:
        """Two versions side by side, kept with the conversation. Raises NotFound, ImageExpired."""
        conversation = self.find(user, conversation_id)
        a, b = (self._picture(versions.version_of(conversation, each)) for each in (first, second))
        # Versions never change, so this is the same picture whoever asks for it and how often.
        key = f"{_comparisons(user, conversation_id)}{first}-{second}.png"
        data = side_by_side(a, b)
        self._images.write_output(key, data, media_type="image/png", metadata={})
        return Comparison(key, data, similarity(a, b))

    def _kept(self, user: str) -> timedelta:
        return kept_for(self._retention, self._settings(user))

    def _picture(self, version: Version) -> Picture:
        return decode(read_version(self._images, version), max_megapixels=_MOST_STORED_MEGAPIXELS)

    def _go(self, user: str, conversation_id: str, move: Callable[[Conversation], Conversation]) -> Conversation:
        """A move by somebody who is there, and may go on from where it leads."""
        self.renew(self.find(user, conversation_id))
        return self._change(user, conversation_id, move)

    def _change(
        self,
        user: str,
        conversation_id: str,
        change: Callable[[Conversation], Conversation],
        *,
        seen: Conversation | None = None,
    ) -> Conversation:
        """Changes what is stored, again as long as others are faster; the first time on `seen`, if that is given."""
        for _ in range(_ATTEMPTS):
            found, seen = seen or self.find(user, conversation_id), None
            changed = change(found)
            if changed is found:
                return found
            now = self._clock()
            # The pictures that are there live until then, a new one for as long as its user wants it now.
            is_renewed = changed.renewed_at != found.renewed_at
            until = (_counted_from(changed) if is_renewed else now) + self._kept(user)
            expires_at = until if is_renewed else min(found.expires_at, until)
            changed = changed.model_copy(update={"updated_at": now, "expires_at": expires_at})
            if self._store.save(changed):
                return changed.model_copy(update={"revision": found.revision + 1})
        raise ServiceUnavailable(
            "Others are changing the same conversation at this moment.", fix="Try again in a moment.", retry_after=1
        )


def _begun_with(conversation: Conversation, picture: Input) -> Conversation:
    first = Version(id="v1", image=picture.image, created_at=conversation.created_at, source=picture.parent)
    return conversation.model_copy(update={"versions": (first,), "current": first.id})


def with_mask(prepared: Prepared, mask: Input, keep: Callable[[Input], None]) -> Prepared:
    """What a message begins that has a mask, which is kept with it."""

    def keep_both() -> None:
        prepared.keep()
        keep(mask)

    lineage, warnings = (*prepared.lineage, mask.parent), (*prepared.warnings, *mask.warnings)
    return replace(prepared, keep=keep_both, lineage=lineage, warnings=warnings)


def read_version(images: ImageStore, version: Version) -> bytes:
    """The picture of a version. Raises ImageExpired."""
    try:
        return images.read_output(version.image.key, max_bytes=_MOST_STORED_BYTES)
    except NotFound as error:
        raise ImageExpired(
            f"The picture of version {version.id} is gone: pictures are removed after a while.",
            fix="`branch` to a version whose picture is there, or begin a new conversation.",
            param="version",
            context={"version": version.id},
        ) from error


def _counted_from(conversation: Conversation) -> datetime:
    """No picture of it is older than that."""
    return conversation.renewed_at or conversation.created_at


def _comparisons(user: str, conversation_id: str) -> str:
    return f"outputs/{user}/{conversation_id}/"


def _between(conversation: Conversation) -> list[str]:
    """Where its turns may have kept a picture that became no version, for others of their actions came after it."""
    user, messages = conversation.user, conversation.messages
    plans = [(each.turn, each.plan) for each in messages if each.turn and each.plan]
    return [key for turn, plan in plans if len(plan.get("actions", ())) > 1 for key in rendered_keys(user, turn, plan)]


def _title(title: str) -> str:
    plain = " ".join(title.split())
    if len(plain) > MOST_TITLE:
        raise InvalidParameter(
            f"The title has {len(plain)} characters; {MOST_TITLE} are accepted.",
            fix="Give a shorter one.",
            param="title",
        )
    return plain
