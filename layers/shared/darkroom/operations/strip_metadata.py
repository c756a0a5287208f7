"""A result that says nothing beside the picture."""

from dataclasses import replace
from typing import Literal

from PIL import ImageCms
from pydantic import Field

from darkroom.images import icc as profiles
from darkroom.operations._base import Canvas, Operation, Tools


class StripMetadata(Operation):
    """Leaves nothing in the file but the picture: no place, camera, time, comments or preview.

    This holds for every result, with or without this operation; it may also take out the color profile.
    """

    op: Literal["strip_metadata"] = "strip_metadata"
    color_profile: Literal["keep", "convert_to_srgb"] = Field(
        "keep", description="`convert_to_srgb` brings the colors to sRGB, which needs no profile in the file."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if self.color_profile == "keep" or canvas.icc is None:
            return canvas
        if profiles.is_srgb(canvas.icc):
            return replace(canvas, icc=None)
        try:
            return replace(canvas, pixels=profiles.to_srgb(canvas.pixels, canvas.icc), icc=None)
        except ImageCms.PyCMSError:
            return canvas.warned("The colors could not be brought to sRGB; the picture keeps its color profile.")
