"""Film grain."""

import math
from random import Random
from statistics import NormalDist
from typing import ClassVar, Final, Literal

from PIL import Image, ImageChops
from pydantic import Field

from darkroom.operations._alpha import on_colors
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._css import Size
from darkroom.operations._place import of_longer_side

# The standard deviation of the strongest grain, in steps of 255.
_STRONGEST: Final = 50
# Between grains that are larger than a pixel values are interpolated, which evens them out by about this much.
_EVENED_OUT: Final = 1.25
# Film shows grain in the midtones: this much of it is left in black and white.
_IN_EXTREMES: Final = 0.3


class Grain(Operation):
    """Adds film grain: random noise, the same for the same seed."""

    words: ClassVar[str] = """
        en: film grain, grain, grainy, grain*, add noise, noise effect, analog noise, noise texture
        de: Filmkorn, korn, kornig*, filmkorn*, kornung, rauschen {add} !weniger
        fr: grain de film, grain, granuleu*, grain argentique, {add} bruit
        es: grano de película, grano, granulad*, grano de cine, {add} ruido, granulos*
        zh: 胶片颗粒, 颗粒, 颗粒感, 加噪点, 胶片感
        ja: フィルムの粒子, 粒子, グレイン, 粒状, フィルム粒子, ザラっと, ざらっと, ノイズを加え, ノイズを足
        ja: ノイズを追加
    """

    op: Literal["grain"] = "grain"
    amount: float = Field(25, ge=0, le=100, description="Strength in per cent; 0 changes nothing, 25 is well visible.")
    size: float = Field(
        0.1, ge=0.01, le=2, description="Of a grain, in per cent of the longer side; never finer than a pixel."
    )
    colored: bool = Field(False, description="True for the colored noise of a sensor, false for film's grey grain.")
    seed: int = Field(0, ge=0, lt=2**32, description="Another seed gives another pattern.")

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if not self.amount:
            return canvas
        noise = self._noise(canvas.pixels.size)

        def grained(image: Image.Image) -> Image.Image:
            noisy = ImageChops.add(image, noise, offset=-128)
            return Image.composite(noisy, image, image.convert("L").point(_MIDTONES))

        return canvas.having(on_colors(canvas.pixels, grained))

    def _noise(self, size: Size) -> Image.Image:
        """RGB, around 128."""
        grain = max(of_longer_side(self.size, size), 1.0)
        deviation = _STRONGEST * self.amount / 100 * (_EVENED_OUT if grain > 1 else 1)
        table = [min(max(round(128 + deviation * value), 0), 255) for value in _NORMAL]
        grid = (math.ceil(size[0] / grain), math.ceil(size[1] / grain))
        source = Random(self.seed)  # noqa: S311 -- a pattern, not a secret
        channels = []
        for _ in range(3 if self.colored else 1):
            channel = Image.frombytes("L", grid, source.randbytes(grid[0] * grid[1])).point(table)
            if grain > 1:
                channel = channel.resize(
                    size, Image.Resampling.BICUBIC, box=(0, 0, size[0] / grain, size[1] / grain)
                )  # fmt: skip
            channels.append(channel)
        return Image.merge("RGB", channels if self.colored else channels * 3)


# A byte that may be anything with equal chance, as a value of the normal distribution.
_NORMAL: Final = [NormalDist().inv_cdf((byte + 0.5) / 256) for byte in range(256)]
_MIDTONES: Final = [round(255 * (_IN_EXTREMES + (1 - _IN_EXTREMES) * 4 * v * (255 - v) / 255**2)) for v in range(256)]
