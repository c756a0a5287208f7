"""The planner, with schemas as an application would send them."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from local.simulator import planner


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Temperature(Strict):
    op: Literal["temperature"]
    amount: int = Field(ge=-100, le=100)


class Brightness(Strict):
    op: Literal["brightness"]
    factor: float = Field(ge=0, le=3)


class Crop(Strict):
    op: Literal["crop"]
    left: float = Field(ge=0, le=1)
    top: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)
    bottom: float = Field(ge=0, le=1)
    ratio: str | None = None


class Grayscale(Strict):
    op: Literal["grayscale"]


class Sepia(Strict):
    op: Literal["sepia"]
    strength: float = Field(gt=0, le=1)


class RemoveBackground(Strict):
    op: Literal["remove_background"]


class Rotate(Strict):
    op: Literal["rotate"]
    degrees: float


Operation = Annotated[
    Temperature | Brightness | Crop | Grayscale | Sepia | RemoveBackground | Rotate, Field(discriminator="op")
]


class Plan(Strict):
    reply: str
    action: Literal["edit", "paint", "both", "undo", "redo", "reply"]
    operations: list[Operation]
    painter_prompt: str | None


def planned(text: str, schema: type[BaseModel] = Plan) -> Any:
    messages = [{"role": "system", "content": "You edit pictures."}, {"role": "user", "content": text}]
    return schema.model_validate(planner.plan(messages, schema.model_json_schema()))


@pytest.mark.parametrize(
    ("text", "action", "operations", "prompt"),
    [
        ("warmer", "edit", [Temperature(op="temperature", amount=20)], None),
        ("slightly cooler", "edit", [Temperature(op="temperature", amount=-10)], None),
        ("30% brighter", "edit", [Brightness(op="brightness", factor=1.3)], None),
        ("black and white", "edit", [Grayscale(op="grayscale")], None),
        ("sepia at 60 %", "edit", [Sepia(op="sepia", strength=0.6)], None),
        ("remove the background", "edit", [RemoveBackground(op="remove_background")], None),
        ("rotate it left", "edit", [Rotate(op="rotate", degrees=-90)], None),
        (
            "warmer and then black and white",
            "edit",
            [Temperature(op="temperature", amount=20), Grayscale(op="grayscale")],
            None,
        ),
        ("as a watercolour", "paint", [], "as a watercolour"),
        (
            "brighter, and add a hat",
            "both",
            [Brightness(op="brightness", factor=1.2)],
            "brighter, and add a hat",
        ),
        ("undo that", "undo", [], None),
        ("hello", "reply", [], None),
    ],
)
def test_the_usual_requests(text: str, action: str, operations: list[Any], prompt: str | None) -> None:
    plan = planned(text)
    assert (plan.action, plan.operations, plan.painter_prompt) == (action, operations, prompt)
    assert plan.reply


def test_a_crop() -> None:
    [crop] = planned("crop to the subject").operations
    assert 0 < crop.left < crop.right < 1
    assert 0 < crop.top < crop.bottom < 1


@given(st.text(max_size=200))
def test_whatever_is_said_the_plan_is_valid(text: str) -> None:
    planned(text)


class Kelvin(Strict):
    type: Literal["temperature"]
    kelvin: int = Field(ge=2000, le=12000)


class Painted(Strict):
    type: Literal["generative_edit"]
    instruction: str


class Undo(Strict):
    type: Literal["undo"]


class Step(Strict):
    step: Annotated[Kelvin | Painted | Undo, Field(discriminator="type")]
    message: str


def test_a_schema_of_another_taste() -> None:
    assert planned("warmer", Step).step == Kelvin(type="temperature", kelvin=5700)
    assert planned("as a watercolour", Step).step == Painted(type="generative_edit", instruction="as a watercolour")
    assert planned("undo that", Step).step == Undo(type="undo")


def test_without_a_schema() -> None:
    messages = [{"role": "user", "content": "warmer"}]
    assert planner.plan(messages, {})["operations"] == [{"op": "color_temperature", "temperature": 20}]
