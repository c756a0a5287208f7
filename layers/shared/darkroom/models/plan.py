"""What a planner decides to do about a message. It can say nothing that is not here: no URL, no user, no budget."""

from typing import Annotated, Literal

from pydantic import Field

from darkroom.models.conversation import PaintStep
from darkroom.models.operations import OperationStep
from darkroom.models.value import StrictValue


class OperateAction(StrictValue):
    """Change the picture exactly, here and at no cost: light, color, crop, text, background and the like."""

    kind: Literal["operations"]
    operations: tuple[OperationStep, ...] = Field(min_length=1, max_length=20)


class PaintAction(StrictValue):
    """Have a model paint: a new picture, or this one made over. It costs money and cannot be exact."""

    kind: Literal["paint"]
    prompt: str = Field(min_length=1, max_length=4000)


class HistoryAction(StrictValue):
    """Go back to the version before, or forth again."""

    kind: Literal["undo", "redo"]


Action = Annotated[OperateAction | PaintAction | HistoryAction, Field(discriminator="kind")]


class Plan(StrictValue):
    reply: str = Field(max_length=2000, description="A short answer to the person, in their language.")
    type: Literal["technical", "artistic", "history", "talk"]
    actions: tuple[Action, ...] = Field((), max_length=8, description="In the order in which they are done.")
    language: str = Field("", max_length=35, description="Of the person's last message, such as `en` or `de`.")
    needs_painting: bool | None = Field(
        None, description="Whether what is wanted cannot be had without painting. Asked where nothing may be painted."
    )

    def paints(self) -> tuple[PaintStep, ...]:
        return tuple(PaintStep(prompt=each.prompt) for each in self.actions if isinstance(each, PaintAction))
