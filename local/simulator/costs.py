"""What a call costs, from the catalogue's price lines."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.simulator.catalogue import Model, PriceLine
from local.simulator.money import ZERO, exact

MEGAPIXEL = Decimal(1024 * 1024)
_CHARACTERS_PER_TOKEN = 4
# What one picture that is sent along counts for.
REFERENCE_TOKENS = 258
# By OpenAI's price list GPT-4o Mini counts so many, and so many more for each tile of 512 pixels.
_MINI, _MINI_TILE, _TILE = 2833, 5667, 512
_OPENAI_TOKENS = {"low": 272, "medium": 1056, "high": 4160}
_PARTIAL_TOKENS = 100
_GEMINI_3_TOKENS = {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}


@dataclass(frozen=True)
class Bill:
    """Tokens and dollars of one call."""

    prompt_tokens: Decimal
    completion_tokens: Decimal
    prompt_cost: Decimal
    completion_cost: Decimal
    image_tokens: Decimal = ZERO

    @property
    def cost(self) -> Decimal:
        return exact(self.prompt_cost + self.completion_cost)


def text_tokens(text: str) -> int:
    return max(1, math.ceil(len(text) / _CHARACTERS_PER_TOKEN))


def shown_tokens(model: Model, sizes: Iterable[tuple[int, int]]) -> int:
    """How a model counts pictures that it is shown in a chat, by their sizes in pixels."""
    if not model.id.startswith("openai/gpt-4o-mini"):
        return sum(REFERENCE_TOKENS for _ in sizes)
    return sum(_MINI + _MINI_TILE * math.ceil(width / _TILE) * math.ceil(height / _TILE) for width, height in sizes)


def image_tokens(model: Model, width: int, height: int, resolution: str, quality: str) -> int:
    """How a model counts one picture that it made."""
    kind = model.image.tokens if model.image else "flat"
    if kind == "gemini":
        return 1290
    if kind == "gemini3":
        return _GEMINI_3_TOKENS.get(resolution, 1120)
    if kind == "openai":
        square = _OPENAI_TOKENS.get(quality, _OPENAI_TOKENS["medium"])
        return square if width == height else math.ceil(square * 1.5)
    return math.ceil(width * height / 256) if kind == "pixels" else 4175


def for_images(
    model: Model,
    *,
    prompt: str,
    references: int,
    count: int,
    size: tuple[int, int],
    resolution: str,
    quality: str,
    partials: int = 0,
) -> Bill:
    """What pictures cost on the image route."""
    made = image_tokens(model, *size, resolution, quality) * count + _PARTIAL_TOKENS * partials
    said = text_tokens(prompt)
    shown = references * (4096 if model.image and model.image.tokens == "pixels" else REFERENCE_TOKENS)
    megapixels = max(Decimal(1), (Decimal(size[0] * size[1]) / MEGAPIXEL).to_integral_value("ROUND_CEILING"))
    amounts: Mapping[tuple[str, str], Decimal] = {
        ("output_image", "image"): Decimal(count),
        ("output_image", "megapixel"): megapixels * count,
        ("output_image", "token"): Decimal(made),
        ("input_text", "token"): Decimal(said),
        ("input_image", "token"): Decimal(shown),
        ("input_image", "image"): Decimal(references),
        ("input_image", "megapixel"): Decimal(references),
        ("input_reference", "image"): Decimal(references),
    }
    costs = {"prompt": ZERO, "completion": ZERO}
    for line in applicable(model, resolution, quality):
        side = "completion" if line.billable == "output_image" else "prompt"
        costs[side] += line.cost_usd * amounts.get((line.billable, line.unit), ZERO)
    # Models that are priced by the picture count the reference, not the words, once there is one.
    counted = shown if references and model.image and model.image.tokens == "pixels" else said + shown
    return Bill(Decimal(counted), Decimal(made), exact(costs["prompt"]), exact(costs["completion"]), Decimal(made))


def applicable(model: Model, resolution: str, quality: str) -> list[PriceLine]:
    """The price lines that hold for a request: of each kind the variant that was asked for, or else the plain one."""
    chosen: dict[tuple[str, str], PriceLine] = {}
    wanted = _variants(model, resolution, quality)
    for line in model.lines:
        kind = (line.billable, line.unit)
        if line.variant in wanted or (line.variant is None and kind not in chosen):
            chosen[kind] = line
    return list(chosen.values())


def _variants(model: Model, resolution: str, quality: str) -> set[str]:
    level = quality if model.image and quality in model.image.qualities else "low"
    tier = resolution.lower() if resolution in ("2K", "4K") else "1k"
    variants = {tier, f"{level}_{tier}"}
    return variants if tier == "1k" else variants | {"high_resolution"}


def for_chat(
    model: Model, *, prompt_tokens: int, completion_tokens: int, pictures: int = 0, resolution: str = "1K"
) -> Bill:
    """What an answer of a chat costs."""
    each = image_tokens(model, 1024, 1024, resolution, "auto")
    painted = each * pictures
    completion = completion_tokens * model.price("completion") + painted * model.price("image_output")
    return Bill(
        Decimal(prompt_tokens),
        Decimal(completion_tokens + painted),
        exact(prompt_tokens * model.price("prompt")),
        exact(completion),
        Decimal(painted),
    )


def usage(bill: Bill, *, chat: bool) -> dict[str, Any]:
    """The `usage` of an answer."""
    prompt_details: dict[str, Any] = {"cached_tokens": 0}
    completion_details: dict[str, Any] = {"reasoning_tokens": 0, "image_tokens": bill.image_tokens}
    if chat:
        prompt_details |= {"cache_write_tokens": 0, "audio_tokens": 0, "video_tokens": 0}
        completion_details["audio_tokens"] = 0
    return {
        "prompt_tokens": bill.prompt_tokens,
        "completion_tokens": bill.completion_tokens,
        "total_tokens": bill.prompt_tokens + bill.completion_tokens,
        "cost": bill.cost,
        "is_byok": False,
        "prompt_tokens_details": prompt_details,
        "cost_details": {
            "upstream_inference_cost": bill.cost,
            "upstream_inference_prompt_cost": bill.prompt_cost,
            "upstream_inference_completions_cost": bill.completion_cost,
        },
        "completion_tokens_details": completion_details,
    }
