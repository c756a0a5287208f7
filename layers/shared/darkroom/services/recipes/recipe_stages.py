"""A recipe cut where it paints: what is done here for nothing, and what a model is paid for in between."""

from collections.abc import Sequence

from msgspec import Struct

from darkroom.models.conversation import PaintStep
from darkroom.models.recipe import Recipe
from darkroom.operations import Operation
from darkroom.services.recipes.recipes import operation_at


class Stage(Struct, frozen=True):
    """Operations, perhaps none, and the painting that follows them; None after the last."""

    operations: tuple[Operation, ...]
    paint: PaintStep | None


def stages_of(recipe: Recipe) -> Sequence[Stage]:
    """At least one; the last paints nothing, every other does.

    Raises:
        InvalidParameter: a step cannot be read.
    """
    found: list[Stage] = []
    operations: list[Operation] = []
    for index, step in enumerate(recipe.steps):
        if step.paint is None:
            operations.append(operation_at(step, index))
        else:
            found.append(Stage(tuple(operations), step.paint))
            operations = []
    return [*found, Stage(tuple(operations), None)]
