"""The subject alone."""

from typing import ClassVar, Literal

from darkroom.operations._alpha import both, with_alpha
from darkroom.operations._base import Canvas, Operation, Tools


class RemoveBackground(Operation):
    """Cuts the subject out: everything behind it becomes transparent."""

    needs_subject: ClassVar[bool] = True

    op: Literal["remove_background"] = "remove_background"

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        alpha = both(tools.subject(canvas.pixels), canvas.pixels)
        return canvas.having(with_alpha(canvas.pixels, alpha))
