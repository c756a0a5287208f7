"""The HTTP edge of conversations: what their requests say, and how they are shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from darkroom.errors import InvalidParameter
from darkroom.errors.names import shown_name
from darkroom.http.app import see_other
from darkroom.http.body import media_type
from darkroom.models.conversation import Conversation, Message, Summary, Version
from darkroom.models.form_values import given
from darkroom.models.image_input import edit_fields, names_picture
from darkroom.models.job import Job
from darkroom.models.money import MicroUsd, in_dollars
from darkroom.models.source import ImageSource
from darkroom.services.pricing.answer_sizes import MAX_INLINE_BYTES

Link = Callable[[str], str]
"""From an object's key to a URL that reads it for a while."""


class NewMessage(BaseModel):
    """How long it may be is said by the turn that it begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    content: str

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        return given(fields, "content") if isinstance(fields, dict) else fields

    @field_validator("content", mode="before")
    @classmethod
    def _joined(cls, content: Any) -> Any:
        """A list of texts, as chats have it, is one text."""
        texts = [part.get("text") for part in content if _is_text(part)] if isinstance(content, list) else []
        return "\n".join(texts) if texts and len(texts) == len(content) else content


class NewBranch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(min_length=1, max_length=20)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        return given(fields) if isinstance(fields, dict) else fields


class TwoVersions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    a: str = Field(min_length=1, max_length=20)
    b: str = Field(min_length=1, max_length=20)


@dataclass(frozen=True, slots=True)
class NewConversation:
    source: ImageSource | None
    title: str

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "NewConversation":
        """From JSON or a form: a picture in one of the ways that edits know, or none.

        Raises:
            InvalidParameter: more than one picture, a mask, or a field that there is not.
        """
        said = given(fields, "title")
        title = said.pop("title", "")
        if not isinstance(title, str):
            raise InvalidParameter("`title` is no text.", fix="Give a short text, or none.", param="title")
        if not said:
            return cls(None, title)
        found = edit_fields(said)
        unknown = sorted(found.keys() - {"images", "mask"})
        if unknown or found["mask"] is not None:
            name = unknown[0] if unknown else "mask"
            raise InvalidParameter(
                f"`{shown_name(name)}` is no field of a new conversation.",
                fix="It takes a picture and a `title`.",
                param=shown_name(name),
            )
        if len(found["images"]) > 1:
            raise InvalidParameter(
                f"A conversation begins with one picture; {len(found['images'])} were given.",
                fix="Send one, and name others in messages by their upload's id.",
                param=found["images"][1].name,
            )
        return cls(found["images"][0], title)


def _is_text(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type", "text") == "text" and isinstance(part.get("text"), str)


def is_field(name: str) -> bool:
    """Whether a new conversation takes a field of that name."""
    return name == "title" or names_picture(name)


def says_nothing(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether there is no body, and none was announced: with a picture's type, none at all is a mistake."""
    kind = media_type(headers.get("content-type", ""))
    return not body and (kind in ("", "multipart/form-data") or kind.endswith(("json", "x-www-form-urlencoded")))


def listed(summary: Summary, link: Link) -> dict[str, Any]:
    """In short, with a link to the picture that is shown."""
    return {
        "id": summary.id,
        "object": "conversation",
        **summary.model_dump(mode="json", include={"title", "created_at", "updated_at", "expires_at", "current"}),
        "url": link(summary.image_key) if summary.image_key else None,
        **summary.model_dump(include={"can_undo", "can_redo", "version_count", "message_count"}),
        "total_usd": _dollars(summary.spent),
        "settled": summary.settled,
    }


def show(conversation: Conversation, link: Link) -> dict[str, Any]:
    """Whole: every message, and every version with a link."""
    return {
        **listed(conversation.summary, link),
        "undone": list(conversation.undone),
        "versions": [show_version(each, link) for each in conversation.versions],
        "messages": [_message(each) for each in conversation.messages],
    }


def show_version(version: Version, link: Link) -> dict[str, Any]:
    return {
        "id": version.id,
        "object": "conversation.version",
        **version.model_dump(mode="json", include={"parent", "message", "created_at"}),
        "steps": [step.model_dump(mode="json", exclude_none=True) for step in version.steps],
        "image": {**version.image.model_dump(exclude={"key"}), "url": link(version.image.key)},
    }


def show_turn(job: Job, conversation: Conversation, shown_job: Mapping[str, Any], link: Link) -> dict[str, Any]:
    """What a turn came to, from its job that is over and the conversation after it."""
    version = conversation.version(str(job.result.get("version")))
    return {
        "object": "conversation.turn",
        "reply": job.result.get("reply", ""),
        "type": job.result.get("type"),
        "plan": job.result.get("plan"),
        "version": show_version(version, link) if version else None,
        "estimated_cost_usd": None if job.cost.estimated is None else _dollars(job.cost.estimated),
        "reserved_usd": _dollars(job.cost.reserved),
        "cost_usd": _cost(job.cost.actual or 0, is_settled=job.cost.settled),
        "settled": job.cost.settled,
        "cost": shown_job["cost"],
        "total_usd": _dollars(conversation.spent),
        "warnings": list(job.warnings),
        "conversation": listed(conversation.summary, link),
        "job": shown_job,
    }


def picture_response(data: bytes, media_type: str, url: str, *, name: str) -> Response[Any]:
    """The picture itself, or where it is if it is too large for an answer."""
    if len(data) > MAX_INLINE_BYTES:
        return see_other(url, {})
    filename = f"{name}.{media_type.partition('/')[2]}"
    return Response(200, media_type, data, headers={"content-disposition": f'inline; filename="{filename}"'})


def _message(message: Message) -> dict[str, Any]:
    return {
        **message.model_dump(mode="json", exclude={"turn", "cost", "planned", "warnings"}),
        "object": "conversation.message",
        "job": message.turn,
        "cost_usd": _cost(message.cost, is_settled=message.settled),
        "warnings": list(message.warnings),
    }


def _cost(amount: MicroUsd, *, is_settled: bool) -> float | None:
    """None while it is not known, as a job's is."""
    return _dollars(amount) if is_settled else None


def _dollars(amount: MicroUsd) -> float:
    return float(in_dollars(amount))
