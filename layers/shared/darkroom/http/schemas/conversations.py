"""Conversations: what their requests say, and how they are shown."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, model_validator

from darkroom.errors import InvalidParameter
from darkroom.errors.names import shown_name
from darkroom.http.body import media_type
from darkroom.http.operation import (
    IMAGES,
    JSON,
    Answer,
    Operation,
    absent,
    fields,
    json_of,
)
from darkroom.http.schemas.common import Page, PaidHeaders, Removed, Usd
from darkroom.http.schemas.forecasts import MessageEstimate, Refusal
from darkroom.http.schemas.images import NamedPictures, SentPictures
from darkroom.http.schemas.jobs import Cost, Image, ParentLine, PictureQuery, Thumbnail
from darkroom.http.schemas.jobs import Job as JobView
from darkroom.http.schemas.messages import NewEstimate, NewMessageBody, NewMessageForm
from darkroom.http.schemas.recipes import ExportedRecipe, NewVersion, StepLine, step_line
from darkroom.models.conversation import Conversation, Message, Summary, Version
from darkroom.models.form_values import given
from darkroom.models.image_input import edit_fields, names_picture
from darkroom.models.job import Job
from darkroom.models.money import MicroUsd, in_dollars
from darkroom.models.source import ImageSource
from darkroom.models.value import StrictValue

Link = Callable[[str], str]
"""From an object's key to a URL that reads it for a while."""


class NewBranch(StrictValue):
    version: str = Field(min_length=1, max_length=20)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        return given(fields) if isinstance(fields, dict) else fields


class TwoVersions(StrictValue):
    a: str = Field(min_length=1, max_length=20)
    b: str = Field(min_length=1, max_length=20)


class NewConversation(Struct, frozen=True):
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


def is_field(name: str) -> bool:
    """Whether a new conversation takes a field of that name."""
    return name == "title" or names_picture(name)


def says_nothing(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether there is no body, and none was announced: with a picture's type, none at all is a mistake."""
    kind = media_type(headers.get("content-type", ""))
    return not body and (kind in ("", "multipart/form-data") or kind.endswith(("json", "x-www-form-urlencoded")))


class NewConversationBody(NamedPictures):
    """A picture in one of the ways that edits know, or none."""

    title: str | None = None


class NewConversationForm(SentPictures):
    title: str | None = None


class ConversationsQuery(Page):
    pass


class RecipeQuery(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    version: str | None = Field(None, min_length=1, max_length=20, description="The shown one when absent.")


class VersionView(Answer):
    """A picture in a conversation."""

    id: str
    object: Literal["conversation.version"] = "conversation.version"
    parent: str | None
    message: int | None = Field(description="Number of the assistant's message that made it.")
    job: str | None = absent("That made it by hand, without a message.")
    created_at: datetime
    steps: tuple[StepLine, ...] = Field(description="From the parent's picture to this one.")
    image: Image
    source: ParentLine | None = absent("Where a picture was given from, that was not made here.")


class MessageView(Answer):
    n: int
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime
    version: str | None = Field(description="The version that is shown after it.")
    plan: dict[str, Any] | None
    settled: bool
    model_used: str | None = Field(description="That planned it; null of a person's.")
    object: Literal["conversation.message"] = "conversation.message"
    job: str | None = Field(description="The turn that it belongs to.")
    cost_usd: Usd | None = Field(description="Null while it is not known.")
    warnings: tuple[str, ...]
    dry_run: bool | None = absent("True of a plan that was only asked for.")


class ConversationLine(Answer):
    """A conversation in short, with a link to the picture that is shown."""

    id: str
    object: Literal["conversation"] = "conversation"
    title: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    current: str | None
    url: str | None
    thumb: Thumbnail | None = Field(description="Of the version that is shown.")
    can_undo: bool
    can_redo: bool
    version_count: int
    message_count: int
    total_usd: Usd
    settled: bool = Field(description="Whether `total_usd` is all that it cost.")


class ConversationView(ConversationLine):
    """A conversation whole."""

    undone: tuple[str, ...]
    versions: tuple[VersionView, ...]
    messages: tuple[MessageView, ...]


class ConversationList(Answer):
    object: Literal["list"] = "list"
    data: tuple[ConversationLine, ...]
    next_cursor: str | None


class RemovedConversation(Removed):
    object: Literal["conversation"] = "conversation"


class TurnView(Answer):
    """What a message came to."""

    object: Literal["conversation.turn"] = "conversation.turn"
    reply: str
    type: str | None
    plan: dict[str, Any] | None
    version: VersionView | None
    dry_run: bool | None = absent("True where only the plan was wanted: `cost` is what the planning took.")
    steps: tuple[str, ...] | None = absent("Of a dry run: what the plan would do, in words with its values.")
    paints: bool | None = absent("Of a dry run: whether it would paint.")
    allowed: bool | None = absent("Of a dry run: whether the limits allow it.")
    refused_by: Refusal | None = absent("Of a dry run: the limit that does not.")
    estimated_usd: Usd | None
    reserved_usd: Usd
    cost_usd: Usd | None = Field(description="Null while it is not known.")
    settled: bool
    cost: Cost
    total_usd: Usd = Field(description="Of the conversation.")
    warnings: tuple[str, ...]
    conversation: ConversationLine
    job: JobView


class VersionComparison(Answer):
    object: Literal["conversation.comparison"] = "conversation.comparison"
    a: str
    b: str
    similarity: float = Field(description="1 is the same.")
    url: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")


def listed(summary: Summary, link: Link) -> ConversationLine:
    return ConversationLine(**_line(summary, link))


def show(conversation: Conversation, link: Link) -> ConversationView:
    return ConversationView(
        **_line(conversation.summary, link),
        undone=conversation.undone,
        versions=tuple(show_version(conversation.id, each, link) for each in conversation.versions),
        messages=tuple(_message(each) for each in conversation.messages),
    )


def _line(summary: Summary, link: Link) -> dict[str, Any]:
    same = ("id", "title", "created_at", "updated_at", "expires_at", "current", "settled")
    counts = ("can_undo", "can_redo", "version_count", "message_count")
    return {
        **{name: getattr(summary, name) for name in (*same, *counts)},
        "url": link(summary.image_key) if summary.image_key else None,
        "thumb": summary.image.thumbnail(_address(summary.id, str(summary.current))) if summary.image else None,
        "total_usd": _dollars(summary.spent),
    }


def _address(conversation_id: str, version_id: str) -> str:
    return f"/v1/conversations/{conversation_id}/versions/{version_id}"


def show_version(conversation_id: str, version: Version, link: Link) -> VersionView:
    return VersionView(
        id=version.id,
        parent=version.parent,
        message=version.message,
        job=version.job,
        created_at=version.created_at,
        source=ParentLine.model_validate(version.source.model_dump(exclude_none=True)) if version.source else None,
        steps=tuple(map(step_line, version.steps)),
        image=Image.model_validate(
            {
                **version.image.model_dump(exclude={"key"}),
                "url": link(version.image.key),
                "thumb": version.image.thumbnail(_address(conversation_id, version.id)),
            }
        ),
    )


def show_turn(job: Job, conversation: Conversation, shown_job: JobView, link: Link) -> TurnView:
    """What a turn came to, from its job that is over and the conversation after it."""
    version = conversation.version(str(job.result.get("version")))
    dry = job.result.get("dry_run")
    planned = {} if dry is None else {**dry, "dry_run": True}
    view = TurnView(
        reply=job.result.get("reply", ""),
        type=job.result.get("type"),
        plan=job.result.get("plan"),
        version=show_version(conversation.id, version, link) if version else None,
        estimated_usd=None if job.cost.estimated is None else _dollars(job.cost.estimated),
        reserved_usd=_dollars(job.cost.reserved),
        cost_usd=_cost(job.cost.actual or 0, is_settled=job.cost.settled),
        settled=job.cost.settled,
        cost=shown_job.cost,
        total_usd=_dollars(conversation.spent),
        warnings=job.warnings,
        conversation=listed(conversation.summary, link),
        job=shown_job,
    )
    return TurnView.model_validate({**dict(view), **planned})


def _message(message: Message) -> MessageView:
    same = ("n", "role", "content", "created_at", "version", "plan", "settled", "warnings", "model_used")
    return MessageView(
        **{name: getattr(message, name) for name in same},
        job=message.turn,
        dry_run=message.dry_run or None,
        cost_usd=_cost(message.cost, is_settled=message.settled),
    )


def _cost(amount: MicroUsd, *, is_settled: bool) -> float | None:
    """None while it is not known, as a job's is."""
    return _dollars(amount) if is_settled else None


def _dollars(amount: MicroUsd) -> float:
    return float(in_dollars(amount))


_ONE: Final = "/v1/conversations/{conversation_id}"
CREATE: Final = Operation(
    "POST /v1/conversations",
    json_of(ConversationView, 201),
    body=fields(NewConversationBody, NewConversationForm),
    is_body_optional=True,
)
LIST: Final = Operation("GET /v1/conversations", json_of(ConversationList), query=ConversationsQuery)
SHOW: Final = Operation(f"GET {_ONE}", json_of(ConversationView))
REMOVE: Final = Operation(f"DELETE {_ONE}", json_of(RemovedConversation))
SAY: Final = Operation(
    f"POST {_ONE}/messages",
    {200: {JSON: TurnView}, 202: {JSON: JobView}},
    body=fields(NewMessageBody, NewMessageForm),
    headers=PaidHeaders,
)
ESTIMATE: Final = Operation(
    f"POST {_ONE}/messages/estimate", json_of(MessageEstimate), body=fields(NewEstimate), is_body_optional=True
)
UNDO: Final = Operation(f"POST {_ONE}/undo", json_of(ConversationView))
REDO: Final = Operation(f"POST {_ONE}/redo", json_of(ConversationView))
BRANCH: Final = Operation(f"POST {_ONE}/branch", json_of(ConversationView), body=fields(NewBranch))
MAKE_VERSION: Final = Operation(
    f"POST {_ONE}/versions", {200: {JSON: TurnView}, 202: {JSON: JobView}}, body=fields(NewVersion), headers=PaidHeaders
)
SHOW_VERSION: Final = Operation(
    f"GET {_ONE}/versions/{{version_id}}",
    {200: {JSON: VersionView, IMAGES: "bytes"}, 303: {"text/plain": "text"}, 304: {}},
    query=PictureQuery,
)
COMPARE: Final = Operation(
    f"GET {_ONE}/compare",
    {200: {JSON: VersionComparison, IMAGES: "bytes"}, 303: {"text/plain": "text"}},
    query=TwoVersions,
)
EXPORT: Final = Operation(f"GET {_ONE}/recipe", json_of(ExportedRecipe), query=RecipeQuery)
