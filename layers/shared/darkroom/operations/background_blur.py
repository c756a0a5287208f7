"""A blurred background behind a sharp subject."""

from typing import ClassVar, Literal

from PIL import Image, ImageChops, ImageFilter
from pydantic import Field

from darkroom.operations._alpha import bled, both, on_colors
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._place import of_longer_side


class BackgroundBlur(Operation):
    """Blurs what is behind the subject and keeps the subject sharp, as a lens wide open does."""

    cost: ClassVar = 280

    needs_subject: ClassVar[bool] = True

    op: Literal["background_blur"] = "background_blur"
    radius: float = Field(
        1.5,
        ge=0,
        le=10,
        description="In per cent of the longer side; 0 changes nothing, 1.5 looks like a portrait lens.",
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        radius = of_longer_side(self.radius, canvas.pixels.size)
        if not radius:
            return canvas
        mask = tools.subject(canvas.pixels)
        around = canvas.pixels.convert("RGB")
        around.putalpha(both(ImageChops.invert(mask), canvas.pixels))
        # The subject is taken out of the background before that is blurred, or a halo of it would stand around it.
        blurred = bled(around, radius).filter(ImageFilter.GaussianBlur(radius))
        return canvas.having(on_colors(canvas.pixels, lambda image: Image.composite(image, blurred, mask)))
