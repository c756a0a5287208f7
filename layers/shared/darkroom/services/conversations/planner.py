"""The planner: a model that sees the picture, hears what is wanted, and answers with a plan.

What is asked is the same, byte for byte, whenever the same is said of the same picture in the same situation: the
provider then answers from its cache, at no cost.
"""

from typing import Final

from darkroom.images.preview import preview
from darkroom.models.chat import ChatMessage, ChatRequest, JsonSchema
from darkroom.models.conversation import Conversation
from darkroom.models.plan import Plan
from darkroom.services.conversations.plan_reader import InvalidPlan, PaintingForbidden, read_plan
from darkroom.services.conversations.planner_prompt import complaint, history, system_text
from darkroom.services.conversations.planner_schema import Method, plan_schema
from darkroom.services.pricing.chat_pricing import ANSWERS

__all__ = ["InvalidPlan", "Method", "PaintingForbidden", "Planner", "preview"]

CACHE_SECONDS: Final = 3600
_MOST_REPEATED: Final = 4000


class Planner:
    """What to ask the planner's model, and what its answers mean. It asks nobody itself."""

    def request(
        self,
        conversation: Conversation,
        content: str,
        *,
        has_picture: bool,
        model: str,
        method: Method,
        may_paint: bool,
        fallback_models: tuple[str, ...] = (),
        is_masked: bool = False,
    ) -> ChatRequest:
        """The request for a plan.

        Args:
            has_picture: whether there is one yet; the sender of the request puts it into the last message, as `preview`
                makes it.
            may_paint: whether anything may be spent on painting.
            is_masked: whether painting is to change a part of the picture alone, which is marked.
        """
        system = system_text(
            conversation, content, has_picture=has_picture, method=method, may_paint=may_paint, is_masked=is_masked
        )
        return ChatRequest(
            model=model,
            fallback_models=fallback_models,
            messages=(
                ChatMessage(role="system", text=system),
                *history(conversation),
                ChatMessage(role="user", text=content),
            ),
            max_completion_tokens=ANSWERS[0],
            json_schema=JsonSchema(
                name="plan",
                schema=plan_schema(method, may_paint=may_paint, has_picture=has_picture),
                # Most operations have parameters that may be left out, which `strict` does not know.
                strict=False,
            ),
            temperature=0,
            cache_seconds=CACHE_SECONDS,
        )

    def repair(self, request: ChatRequest, bad_text: str, why: str) -> ChatRequest:
        """The same once more, with what was wrong with the answer; the picture goes with the last message again."""
        system, *rest = request.messages
        again = [
            system.model_copy(update={"text": f"{system.text}\n\n{complaint(why)}"}),
            *rest,
            ChatMessage(role="assistant", text=bad_text.strip()[:_MOST_REPEATED] or "{}"),
            rest[-1],
        ]
        return request.model_copy(update={"messages": tuple(again)})

    def read(self, text: str, *, may_paint: bool, method: Method, has_picture: bool) -> Plan:
        """The plan in an answer. Raises InvalidPlan."""
        return read_plan(text, may_paint=may_paint, method=method, has_picture=has_picture)
