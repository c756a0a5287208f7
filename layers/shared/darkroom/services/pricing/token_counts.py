"""The tokens that models charge for: words, pictures that they are shown, and pictures that they make.

Nobody publishes a count in advance that holds, so each bound is the dearest case that is on record:

- Gemini 2.5 makes a picture of 1290 tokens; Gemini 3 one of 747, 1120, 1680 or 2520 by tier (Google's price list).
- GPT Image 1 makes one of 272, 1056 or 4160 tokens (low, medium, high), half as many again unless it is square; GPT
  Image 2 one of up to 7024 at high and a quarter of that at medium (OpenAI's price list and its calculator). For
  `xhigh` and `max` there are no figures: twice and four times as many as at high are assumed. A preview in a stream
  adds 100 (observed: 372 for a low square).
- Others: a token for 128 pixels, which is more than all of the above.
- Gemini looks at a picture as at tiles of 768 x 768, at most twelve, of 258 tokens each, since version 3 as at 1120.
- GPT Image 1 scales a picture until its shorter side has 512 pixels, and looks at tiles of that size: 129 tokens for
  each, at least two and at most six, and 65 more. Later ones look closely, which adds 4160, or 6240 if not square.
- GPT 4o Mini counts 2833 and 5667 more for each tile of 512 x 512, of which there are eight at the most.
- Others: what is priced by pixels counts 4096 for a megapixel, so as many for each here.

`likely_…` are no bounds but what is to be expected, by the same price lists; they are for telling what something costs,
never for setting money aside. Of GPT Image 2's squares two counts are on record, those of GPT Image 1 and its
calculator's, two thirds above these: what is expected lies between, within 30 % of either.
"""

import math
from collections.abc import Sequence
from typing import Final

from darkroom.models.quote import InputShape

MEGAPIXEL: Final = 1024 * 1024
PLAN: Final = 60
"""Of a planner's answer: a sentence or two, and an operation or two."""
PREVIEW: Final = 100
_GEMINI_2: Final = 1290
_GEMINI_3: Final = {"512": 747, "768": 1120, "1K": 1120, "1.5K": 1680, "2K": 1680, "4K": 2520}
_OPENAI: Final = {"low": 408, "medium": 1760, "high": 7040, "xhigh": 14_080, "max": 28_160}
# The most pixels that the figures of OpenAI's are for.
_OPENAI_PIXELS: Final = 1536 * 1024
_PIXELS_PER_TOKEN: Final = 128
_GEMINI_INPUT: Final = 12 * 258
_OPENAI_SQUARE, _OPENAI_CLOSELY = 4160, 6240
_MINI, _MINI_TILE = 2833, 5667
_LIKELY_OPENAI: Final = {"low": 272, "medium": 1056, "high": 4160, "xhigh": 8320, "max": 16_640}
_LIKELY_SQUARE: Final = {**_LIKELY_OPENAI, "medium": 1350, "high": 5320, "xhigh": 10_640, "max": 21_280}
# A picture is one of 280, 560 or 1120 by how closely it is looked at, which the sources choose.
_LIKELY_GEMINI_3: Final = 560
# 4096 and 4175 tokens for a megapixel are on record.
_LIKELY_PIXELS_PER_TOKEN: Final = 256
_INPUT_PER_MEGAPIXEL: Final = 4096
# What is put around a prompt unseen (observed: 32 with a picture).
_AROUND: Final = 64


def text(prompt: str) -> int:
    """English has four characters to a token, other scripts as few as a half."""
    plain = len(prompt.encode("ascii", "ignore"))
    return math.ceil(plain / 3) + 2 * (len(prompt) - plain) + _AROUND


def picture(model: str, *, pixels: int, tier: str | None, qualities: Sequence[str]) -> int:
    """Tokens of one picture that a model makes.

    Args:
        pixels: how many at most.
        tier: None if none was asked for.
        qualities: what it may turn out as; the dearest counts.
    """
    if model.startswith("google/gemini-2"):
        return _GEMINI_2
    if model.startswith("google/"):
        return _GEMINI_3.get(tier or "1K", max(_GEMINI_3.values()))
    if model.startswith("openai/"):
        dearest = max(_OPENAI.values())
        return max(_OPENAI.get(each, dearest) for each in qualities) * math.ceil(pixels / _OPENAI_PIXELS)
    return math.ceil(pixels / _PIXELS_PER_TOKEN)


def reference(model: str, shape: InputShape) -> int:
    """Tokens of one picture that a model is shown, at the most."""
    if model.startswith("google/gemini-2"):
        return min(_GEMINI_INPUT, 258 * _tiles(shape, 768))
    if model.startswith("google/"):
        return _GEMINI_INPUT
    if model.startswith("openai/gpt-image-1"):
        return _openai_input(shape)
    if model.startswith("openai/gpt-4o-mini"):
        return _MINI + 8 * _MINI_TILE
    if model.startswith("openai/"):
        return _openai_input(shape) + (_OPENAI_SQUARE if shape.width == shape.height else _OPENAI_CLOSELY)
    return _INPUT_PER_MEGAPIXEL * math.ceil(shape.pixels / MEGAPIXEL)


def likely_picture(model: str, *, width: int, height: int, tier: str | None, quality: str | None) -> int:
    """Tokens of one picture that a model makes, as they are to be expected; medium's where no quality is known."""
    if model.startswith("google/"):
        return picture(model, pixels=width * height, tier=tier, qualities=())
    if model.startswith("openai/"):
        is_square = width == height
        # GPT Image 1 has the one count alone.
        by_quality = _LIKELY_OPENAI if not is_square or model.startswith("openai/gpt-image-1") else _LIKELY_SQUARE
        each = by_quality.get(quality or "medium", by_quality["medium"])
        return (each if is_square else each * 3 // 2) * math.ceil(width * height / _OPENAI_PIXELS)
    return math.ceil(width * height / _LIKELY_PIXELS_PER_TOKEN)


def likely_text(said: str) -> int:
    """English, and JSON, have four characters to a token; of other scripts a token has about one and a half."""
    plain = len(said.encode("ascii", "ignore"))
    return math.ceil(plain / 4 + (len(said) - plain) / 1.5)


def likely_reference(model: str, shape: InputShape) -> int:
    """Tokens of one picture that a model is shown: by tiles, or by pixels."""
    if model.startswith("google/gemini-2"):
        return 258 * _tiles(shape, 768)
    if model.startswith("google/"):
        return _LIKELY_GEMINI_3
    if model.startswith("anthropic/"):
        return math.ceil(shape.pixels / 750)
    if model.startswith("openai/gpt-4o-mini"):
        return _MINI + _MINI_TILE * _tiles(shape, 512)
    if model.startswith("openai/") and "image" in model:
        # More tiles than two are rare, and how closely the later models look has not been measured.
        return 65 + 129 * min(2, _scaled_tiles(shape))
    if model.startswith("openai/"):
        return 85 + 170 * _tiles(shape, 512)
    return math.ceil(shape.pixels / (28 * 28))


def _openai_input(shape: InputShape) -> int:
    return 65 + 129 * min(6, max(2, _scaled_tiles(shape)))


def _scaled_tiles(shape: InputShape) -> int:
    """Squares that cover the picture when its shorter side is as long as theirs."""
    return math.ceil(max(shape.width, shape.height) / min(shape.width, shape.height))


def _tiles(shape: InputShape, side: int) -> int:
    return math.ceil(shape.width / side) * math.ceil(shape.height / side)
