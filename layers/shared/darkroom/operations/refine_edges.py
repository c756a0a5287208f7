"""The edges of a cut-out, softer or elsewhere."""

from statistics import NormalDist
from typing import Final, Literal

from PIL import Image, ImageFilter
from pydantic import Field

from darkroom.operations._alpha import bled, is_transparent, with_alpha
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._place import of_longer_side

# Half a pixel of softness is what an edge needs so as not to look like stairs.
_CRISP: Final = 0.5


class RefineEdges(Operation):
    """Softens the edges of a cut-out, or moves them inwards to take off a rim of background, or outwards.

    Use it after `remove_background`, before a new background.
    """

    op: Literal["refine_edges"] = "refine_edges"
    feather: float = Field(
        0.1, ge=0, le=5, description="How soft the edge becomes, in per cent of the longer side; 0 keeps it crisp."
    )
    shift: float = Field(
        0, ge=-2, le=2, description="In per cent of the longer side: negative cuts off a rim, positive adds one."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        pixels = canvas.pixels
        feather, shift = (of_longer_side(length, pixels.size) for length in (self.feather, self.shift))
        if not feather and not shift:
            return canvas
        if not is_transparent(pixels):
            return canvas.warned("The picture has no transparent background, so there are no edges to refine.")
        alpha = _refined(pixels.getchannel("A"), feather, shift)
        # A softer or wider edge shows what was hidden before, and with it the old background's colors.
        reach = max(feather, abs(shift))
        return canvas.having(with_alpha(bled(pixels, reach, from_solid=True), alpha))


def _refined(alpha: Image.Image, feather: float, shift: float) -> Image.Image:
    """Alpha with its edges moved outwards by `shift` pixels.

    A straight edge that is blurred by `spread` holds, at each place, the normal distribution of the distance to it:
    from each value follows the distance, and from the distance the new value.
    """
    spread = max(feather, abs(shift))
    normal, soft = NormalDist(), max(feather, _CRISP)
    table = [0] * 256
    for value in range(1, 255):
        distance = spread * normal.inv_cdf(value / 255)
        table[value] = round(255 * normal.cdf((distance + shift) / soft))
    table[255] = 255
    return alpha.filter(ImageFilter.GaussianBlur(spread)).point(table)
