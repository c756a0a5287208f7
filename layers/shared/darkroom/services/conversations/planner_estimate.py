"""What the planner will probably cost, to be told before it is asked. What is set aside is bounded elsewhere.

Its prompt is known to the character: the words, the schema (which models read, too, and most of it is that), and the
picture. Its answer is about as long as most plans are. What a model really takes beside that (for thinking, say) nobody
publishes, so within a conversation the next turn is estimated by what the last ones cost.
"""

import json
from collections.abc import Iterable
from typing import Final

from darkroom.models.catalogue import ChatModel
from darkroom.models.chat import ChatRequest
from darkroom.models.conversation import Planned
from darkroom.models.job import StoredImage
from darkroom.models.money import MicroUsd
from darkroom.models.quote import InputShape
from darkroom.services.pricing import chat_pricing, token_counts

# A sentence or two, and an operation or two.
ANSWER_TOKENS: Final = 60
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
        model, prompt_tokens=tokens, answer_tokens=ANSWER_TOKENS, pictures=0 if shown is None else 1
    )


def learned(model: str, former: Iterable[Planned | None], *, tokens: int) -> MicroUsd | None:
    """What so many tokens cost, if they cost what they did of late; None if there is nothing to go by.

    An answer from the provider's cache, at no cost, says nothing of one that is not.
    """
    last = [each for each in former if each is not None and each.model == model and each.cost > 0][-_LAST:]
    seen = sum(each.tokens for each in last)
    return -(-sum(each.cost for each in last) * tokens // seen) if seen else None
