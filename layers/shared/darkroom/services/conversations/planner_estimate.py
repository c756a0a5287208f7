"""What the planner will probably cost, to be told before it is asked. What is set aside is bounded elsewhere.

Its prompt is known to the character: the words, the schema (which models read, too, and most of it is that), and the
picture. Its answer is about as long as most plans are. What a model really takes beside that (for thinking, say) nobody
publishes, so within a conversation the next turn is estimated by what the last ones cost.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from darkroom.models.catalogue import ChatModel
from darkroom.models.chat import ChatRequest
from darkroom.models.conversation import Planned
from darkroom.models.job import StoredImage
from darkroom.models.money import MicroUsd
from darkroom.models.quote import InputShape
from darkroom.services.conversations import planner_prompt
from darkroom.services.pricing import chat_pricing, token_counts
from darkroom.services.pricing.chat_pricing import ANSWERS, ChatShape

_LAST: Final = 4


def prompt_tokens(request: ChatRequest, shown: StoredImage | None) -> int:
    """How many are to be expected."""
    schema = json.dumps(request.json_schema.schema_) if request.json_schema else ""
    words = sum(token_counts.likely_text(each) for each in (*(message.text for message in request.messages), schema))
    if shown is None:
        return words
    shape = InputShape(width=shown.width, height=shown.height)
    return words + token_counts.likely_reference(request.model, shape)


def likely_cost(
    model: ChatModel, request: ChatRequest, shown: StoredImage | None, former: Iterable[Planned | None] = ()
) -> MicroUsd | None:
    """None if nobody says what the model costs.

    Args:
        model: the one that is asked first.
        former: what the conversation's turns have cost so far, the last one last.
    """
    tokens = prompt_tokens(request, shown)
    known = learned(request.model, former, tokens=tokens)
    if known is not None:
        return known
    return chat_pricing.expected(
        model,
        prompt_tokens=tokens,
        # Thought that is allowed for is used up by half or so.
        answer_tokens=token_counts.PLAN + thought(request) // 2,
        pictures=0 if shown is None else 1,
    )


def thought(request: ChatRequest) -> int:
    """How many tokens of thought there is room for beside the answer, because that was asked for."""
    return request.reasoning.tokens if request.reasoning else 0


def shape(request: ChatRequest, shown: StoredImage | None) -> ChatShape:
    """What the planner's price depends on: its prompt is counted, and most of it is Darkroom's own words."""
    schema = len(json.dumps(request.json_schema.schema_, separators=(",", ":"))) if request.json_schema else 0
    own = planner_prompt.own_characters(request.messages[0].text) + schema
    return ChatShape(
        prompt_bytes=len(request.model_dump_json().encode()),
        max_completion_tokens=request.max_completion_tokens,
        pictures=(shown.width * shown.height,) if shown else (),
        own_bytes=own,
        counted_tokens=prompt_tokens(request, None),
    )


def most_tokens(
    models: Sequence[ChatModel], shape: ChatShape, *, most: MicroUsd | None, limit: MicroUsd | None, thought: int = 0
) -> int:
    """How long the planner's answer may be: the longest of ANSWERS that is within what may be spent, else the shortest.

    Args:
        thought: tokens that are allowed for beside it.
        most: what may be set aside.
        limit: what a request may cost, by the caller's limits.
    """
    for tokens in (each + thought for each in ANSWERS):
        found = shape.of_at_most(tokens)
        cost, wall = chat_pricing.estimate(models, found), chat_pricing.reserve(models, found)
        if not _passes(cost, limit) and not _passes(wall, most):
            return tokens
    return ANSWERS[-1] + thought


def _passes(cost: MicroUsd | None, limit: MicroUsd | None) -> bool:
    return cost is not None and limit is not None and cost > limit


def learned(model: str, former: Iterable[Planned | None], *, tokens: int) -> MicroUsd | None:
    """What so many tokens cost, if they cost what they did of late; None if there is nothing to go by.

    An answer from the provider's cache, at no cost, says nothing of one that is not.
    """
    last = [each for each in former if each is not None and each.model == model and each.cost > 0][-_LAST:]
    seen = sum(each.tokens for each in last)
    return -(-sum(each.cost for each in last) * tokens // seen) if seen else None
