"""Conversations: what was said about a picture, and every version that came of it. Versions are never changed."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from darkroom.models.job import Parent, StoredImage
from darkroom.models.money import MicroUsd
from darkroom.models.operations import OperationStep
from darkroom.models.value import StrictValue, Value


class PaintStep(StrictValue):
    """A picture made, or made over, by a model; what cannot be done again for nothing."""

    prompt: str = Field(min_length=1, max_length=4000)
    model: str | None = Field(None, description="The model that did it; None leaves it to the settings.")


class Step(StrictValue):
    """What led from one version to the next: one operation, by its canonical JSON, or one painting."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, step: Any) -> Any:
        """`{"op": "flip"}` by itself is an operation, as people write it."""
        return {"operation": step} if isinstance(step, dict) and "op" in step else step

    operation: OperationStep | None = None
    paint: PaintStep | None = None


class Version(Value):
    """A picture in a conversation."""

    id: str = Field(description="`v1`, `v2`, … in the order of their making.")
    parent: str | None = Field(None, description="The version it was made from; None for the first.")
    image: StoredImage
    steps: tuple[Step, ...] = Field((), description="From the parent's picture to this one; empty where it was given.")
    message: int | None = Field(None, description="Number of the assistant's message that made it.")
    created_at: datetime
    source: Parent | None = Field(None, description="Where it was given from.")
    job: str | None = Field(None, description="That made it by hand, without a message.")


class Planned(Value):
    """What planning one turn really took, from which the next is estimated."""

    model: str
    tokens: int = Field(description="Of the prompt, as they were expected.")
    cost: MicroUsd = Field(description="Of the planner's first call alone.")


class Message(Value):
    n: int
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime
    version: str | None = Field(None, description="The version that is current after it.")
    turn: str | None = Field(None, description="The job of the turn that it belongs to.")
    plan: dict[str, Any] | None = None
    cost: MicroUsd = Field(0, description="Of the turn's paid calls, as far as it is known.")
    settled: bool = Field(True, description="Whether `cost` is all of it.")
    planned: Planned | None = None
    model_used: str | None = Field(None, description="That planned it; None of a person's.")
    warnings: tuple[str, ...] = ()
    dry_run: bool = Field(False, description="Of a plan that was only asked for; planners are not told of it.")


class Summary(Value):
    """A conversation in short, as a list shows it."""

    id: str
    user: str
    title: str = ""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    current: str | None = None
    image_key: str | None = Field(None, description="Of the version that is shown.")
    image: StoredImage | None = Field(None, description="The same whole; earlier versions kept the key alone.")
    can_undo: bool = False
    can_redo: bool = False
    version_count: int = 0
    message_count: int = 0
    spent: MicroUsd = 0
    settled: bool = True


class Conversation(Value):
    """One row; every change is a write on the condition that `revision` is as it was read."""

    id: str = Field(description="`conv_{ULID}`")
    user: str
    title: str = ""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    revision: int = 0
    current: str | None = Field(None, description="The version that is shown; None while there is no picture.")
    undone: tuple[str, ...] = Field((), description="Versions that redo brings back, the last undone last.")
    versions: tuple[Version, ...] = ()
    messages: tuple[Message, ...] = ()
    spent: MicroUsd = Field(0, description="The sum of the messages' costs.")
    renewed_at: datetime | None = Field(
        None, description="From when its pictures' age is counted; None: from its beginning."
    )

    @property
    def settled(self) -> bool:
        """Whether `spent` is all that it cost."""
        return all(message.settled for message in self.messages)

    def version(self, version_id: str) -> Version | None:
        return next((each for each in self.versions if each.id == version_id), None)

    @property
    def summary(self) -> Summary:
        shown = self.version(self.current) if self.current else None
        return Summary(
            **{name: getattr(self, name) for name in _IN_SHORT},
            image_key=shown.image.key if shown else None,
            image=shown.image if shown else None,
            can_undo=bool(shown and shown.parent),
            can_redo=bool(self.undone),
            version_count=len(self.versions),
            message_count=len(self.messages),
            settled=self.settled,
        )


_IN_SHORT: Final = ("id", "user", "title", "created_at", "updated_at", "expires_at", "current", "spent")
