"""What a chat may cost at the most, from the prices by the token that its models publish.

A model's published prices are its cheapest source's. So the provider is told, as `max_price`, that none may serve that
is dearer than SPREAD times as much; and that is what is set aside:

- words: no tokenizer makes more tokens than there are bytes of UTF-8, so a token for each byte is set aside; of our own
  words, which are English and JSON (four bytes to a token), one for two bytes. For the estimate it is one for two bytes
  of all, which is above what English and Chinese (three bytes for one or two) come to; or, of a prompt that is known
  and was counted, a quarter more than the count.
- pictures: as `token_counts` has them; Claude sees one of a token for 750 pixels, 4784 at the most. Beyond four
  megapixels models scale down (Qwen: 16,384 tokens at the most), so a picture of unknown size counts as one of four.
- the answer: as many tokens as it may have, thinking among them, each at the dearest price there is for one.

What is not priced by these (searches, files, speech, a router's choice of a model) is unknown, which is None.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from darkroom.models.catalogue import ChatModel
from darkroom.models.money import MicroUsd, micro_usd
from darkroom.models.quote import InputShape
from darkroom.services.pricing import token_counts

SPREAD: Final = Decimal("1.5")
ANSWERS: Final = (2000, 1500, 1000, 750, 500)
"""How many tokens a planner's answer may have, the longest that what it may cost allows. The longest plans take 700.

Steps, so that the same turn is asked in the same bytes under nearly the same limits.
"""
# What is put around a prompt unseen: a template, and how to call tools (Claude: up to some 500 tokens).
_AROUND: Final = 512
_CLAUDE_INPUT, _CLAUDE_PIXELS_PER_TOKEN = 5000, 600
_LARGEST_SIDE: Final = 2048
_COUNT_PERCENT: Final = 125
_MILLION: Final = 1_000_000


class ChatShape(Struct, frozen=True):
    """What of a chat its price depends on.

    Args:
        prompt_bytes: of all that is sent but the pictures, in UTF-8.
        pictures: pixels of each, None where that is not known.
        own_bytes: how many of `prompt_bytes` are Darkroom's own words.
        counted_tokens: of a prompt that is known, pictures not among them.
    """

    prompt_bytes: int
    max_completion_tokens: int
    pictures: tuple[int | None, ...] = ()
    own_bytes: int = 0
    counted_tokens: int | None = None

    def of_at_most(self, tokens: int) -> "ChatShape":
        return replace(self, max_completion_tokens=tokens)


def estimate(models: Sequence[ChatModel], shape: ChatShape) -> MicroUsd | None:
    """By the published prices, at the most, whichever of the models serves; None if that is unknown for one of them."""
    counted = shape.counted_tokens
    tokens = -(-shape.prompt_bytes // 2) if counted is None else -(-counted * _COUNT_PERCENT // 100)
    return _dearest(models, shape, text_tokens=tokens)


def reserve(models: Sequence[ChatModel], shape: ChatShape) -> MicroUsd | None:
    """What it cannot cost more than, as long as the provider obeys `max_price`."""
    tokens = shape.prompt_bytes - shape.own_bytes + -(-shape.own_bytes // 2)
    return _dearest(models, shape, text_tokens=tokens, spread=SPREAD)


def expected(model: ChatModel, *, prompt_tokens: int, answer_tokens: int, pictures: int = 0) -> MicroUsd | None:
    """What so many tokens cost by the published prices; None if they are unknown."""
    if not _is_priced(model):
        return None
    prices = model.prices
    if model.is_free:
        return 0
    return micro_usd(
        prompt_tokens * (prices.prompt or Decimal(0))
        + answer_tokens * (prices.completion or Decimal(0))
        + pictures * (prices.image or Decimal(0))
        + (prices.request or Decimal(0))
    )


def max_price(models: Sequence[ChatModel]) -> Mapping[str, str]:
    """For the provider: dollars per million tokens, by `prompt` and `completion`; per one, by `request` and `image`.

    Empty where all is free, or where a price is not known.
    """
    if all(each.is_free for each in models) or not all(map(_is_priced, models)):
        return {}
    per_token = {
        "prompt": max(each.prices.prompt or Decimal(0) for each in models),
        "completion": max(_per_answered_token(each) for each in models),
    }
    per_one = {
        "request": max(each.prices.request or Decimal(0) for each in models),
        "image": max(each.prices.image or Decimal(0) for each in models),
    }
    return {
        **{name: _plainly(price * SPREAD * _MILLION) for name, price in per_token.items()},
        **{name: _plainly(price * SPREAD) for name, price in per_one.items() if price},
    }


def _dearest(
    models: Sequence[ChatModel], shape: ChatShape, *, text_tokens: int, spread: Decimal = Decimal(1)
) -> MicroUsd | None:
    if not models or not all(map(_is_priced, models)):
        return None
    return micro_usd(max(_cost(each, shape, text_tokens) for each in models) * spread)


def _cost(model: ChatModel, shape: ChatShape, text_tokens: int) -> Decimal:
    if model.is_free:
        return Decimal(0)
    prices = model.prices
    shown = sum(_tokens_of(model.id, pixels) for pixels in shape.pictures)
    return (
        (text_tokens + shown + _AROUND) * (prices.prompt or Decimal(0))
        + shape.max_completion_tokens * _per_answered_token(model)
        + len(shape.pictures) * (prices.image or Decimal(0))
        + (prices.request or Decimal(0))
    )


def _is_priced(model: ChatModel) -> bool:
    return model.is_free or (model.prices.prompt is not None and model.prices.completion is not None)


def _per_answered_token(model: ChatModel) -> Decimal:
    prices = [model.prices.completion, model.prices.internal_reasoning]
    return max((price for price in prices if price is not None), default=Decimal(0))


def _tokens_of(model: str, pixels: int | None) -> int:
    most = _LARGEST_SIDE * _LARGEST_SIDE
    if model.startswith("anthropic/"):
        return min(_CLAUDE_INPUT, -(-(pixels or most) // _CLAUDE_PIXELS_PER_TOKEN))
    return token_counts.reference(model, InputShape(width=1, height=max(1, min(pixels or most, most))))


def _plainly(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
