"""The planner's part of a turn: what is asked, of which model, for how much; and what the answer means."""

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from darkroom.errors import InvalidPrompt
from darkroom.images.measure import measure
from darkroom.models.catalogue import ChatModel
from darkroom.models.chat import ChatRequest
from darkroom.models.conversation import Conversation, Planned
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork, Parent, StoredImage, TurnChoices, TurnState
from darkroom.models.money import MicroUsd
from darkroom.models.plan import Plan
from darkroom.models.user_settings import WARN_AT_COST, UserSettings
from darkroom.ports import Clock, ImageStore, SettingsStore
from darkroom.services.conversations import planner_estimate, replies
from darkroom.services.conversations.conversations import read_version
from darkroom.services.conversations.planner import Method, Planner, preview
from darkroom.services.conversations.versions import branched
from darkroom.services.paid.admission import Prepared, part_of
from darkroom.services.paid.budgets import Budgets, reserve_for
from darkroom.services.pricing import chat_pricing
from darkroom.services.pricing.chat_pricing import ChatShape
from darkroom.services.selection import privacy
from darkroom.services.selection.chat_models import ChatModels, paid_by
from darkroom.services.selection.providers import Choice

MOST_CONTENT: Final = 4000


class Planning(Struct, frozen=True):
    planner: Planner
    models: ChatModels
    settings: SettingsStore
    images: ImageStore
    clock: Clock
    budgets: Budgets

    def first(self, conversation: Conversation, content: str, state: TurnState, choice: Choice) -> Prepared:
        """The paid call that a turn begins with.

        Raises:
            ImageExpired: the picture is gone.
            UnsupportedModel: the planner's model is not there, or cannot see the picture that there is.
        """
        current = conversation.version(conversation.current) if conversation.current else None
        picture = None if current is None else preview(read_version(self.images, current))
        shown = None if picture is None else _stored(conversation.user, picture)
        prepared = self.priced(conversation, content, state, choice, shown)
        return structs.replace(prepared, keep=lambda: self._keep(shown, picture))

    def priced(
        self, conversation: Conversation, content: str, state: TurnState, choice: Choice, shown: StoredImage | None
    ) -> Prepared:
        """The same from the measures of the picture that the planner would be shown; it keeps none.

        Raises:
            UnsupportedModel: as `first` says.
        """
        by = state.choices
        method, may_paint = _methods(choice.settings, is_masked=by.mask is not None)
        is_private = privacy.wanted(by.zdr, choice)
        models = self.models.choose(
            by.model,
            by.fallback_models,
            sees=shown is not None,
            choice=choice,
            routing=by.routing is not None,
            zdr=is_private,
        )
        request = self.planner.request(
            conversation,
            content,
            has_picture=shown is not None,
            model=models.first.id,
            fallback_models=models.fallbacks,
            method=method,
            may_paint=may_paint,
            is_masked=by.mask is not None,
        )
        thinks = by.reasoning is not None and models.first.reasons
        asked = {"routing": by.routing, "reasoning": by.reasoning if thinks else None, "zdr": is_private}
        request = request.model_copy(update={"max_price": dict(chat_pricing.max_price(models.models)), **asked})
        unheard = () if thinks or by.reasoning is None else (_not_thinking(models.first),)
        limits = self.budgets.limits(conversation.user, own_key=choice.own_key)
        walls = (limits.per_conversation, limits.per_day, limits.per_month, by.max_cost)
        least = min((each for each in walls if each), default=None)
        request, shape = _fitting(models.models, request, shown, limit=limits.per_request, most=least)
        wall = chat_pricing.reserve(models.models, shape)
        return Prepared(
            work=PaidWork(
                chat=request,
                inputs=(shown,) if shown else (),
                other_providers=models.other_providers,
                rates=dict(models.rates),
            ),
            model_requested=models.named,
            estimate=chat_pricing.estimate(models.models, shape),
            reserve=wall,
            bound=wall,
            most=by.max_cost,
            expected=planner_estimate.likely_cost(
                models.first, request, shown, [message.planned for message in conversation.messages]
            ),
            warnings=(*models.warnings, *unheard),
            lineage=_lineage(conversation, shown),
            shown={"content": content, "conversation": conversation.id, "base": conversation.current},
            conversation_id=conversation.id,
            turn=state,
            keep=lambda: None,
        )

    def part(self, turn: Job, name: str, request: ChatRequest, *, like: Job, limit: MicroUsd | None) -> Job:
        """A further call of the planner, not admitted yet: about the same picture, from the same budgets.

        Raises:
            MoneyRefused: it may cost more than a turn may.
        """
        inputs = like.work.inputs if like.work else ()
        shown = inputs[0] if inputs else None
        chosen = self.models.choose(request.model, request.fallback_models, sees=bool(inputs))
        rates = like.work.rates if like.work else {}
        models = paid_by(chosen.models, rates.get(like.provider))
        most = left_of(turn, like.cost)
        request, shape = _fitting(models, request, shown, limit=limit, most=most)
        wall = chat_pricing.reserve(models, shape)
        expected = planner_estimate.likely_cost(models[0], request, shown, [took(like)])
        reserve = reserve_for(
            estimate=chat_pricing.estimate(models, shape),
            reserve=wall,
            bound=wall,
            most=most,
            per_request=limit,
            may_vouch=False,
            expected=expected,
        )
        job = like.model_copy(
            update={
                "status": JobStatus.QUEUED,
                "created_at": self.clock(),
                "started_at": None,
                "completed_at": None,
                "attempt": 0,
                "error": None,
                "result": {},
                "work": PaidWork(chat=request, inputs=inputs, rates=rates),
                "cost": JobCost(
                    estimated=expected,
                    reserved=reserve,
                    actual=None,
                    settled=False,
                ),
                "dispatched_at": None,
                "generation_id": None,
                "key_usage": None,
                "key_sha256": None,
                "key_charges": None,
            }
        )
        return part_of(turn, name, job)

    def read(self, user: str, text: str, *, has_picture: bool, is_masked: bool = False) -> Plan:
        """The plan in an answer. Raises InvalidPlan."""
        method, may_paint = _methods(self.settings.load(user), is_masked=is_masked)
        return self.planner.read(text, may_paint=may_paint, method=method, has_picture=has_picture)

    def why_no_painting(self, user: str) -> str | None:
        """Which of the user's settings forbids painting, as a sentence; None where it is allowed."""
        return replies.why_unpainted(self.settings.load(user))

    def warn_at_cost(self, user: str) -> MicroUsd:
        """The total of a conversation at which its user wants to be told."""
        chosen = self.settings.load(user).warn_at_cost
        return WARN_AT_COST if chosen is None else chosen

    def _keep(self, shown: StoredImage | None, picture: bytes | None) -> None:
        if shown is not None and picture is not None:
            self.images.write_output(shown.key, picture, media_type=shown.media_type, metadata={})


def state_of(conversation: Conversation, content: str, choices: TurnChoices) -> TurnState:
    """The turn that a message begins, of which nothing is done.

    Raises:
        InvalidPrompt: it says nothing, or too much.
        NotFound: there is no version of the name that it gives as `base`.
    """
    words = content.strip()
    if not 1 <= len(words) <= MOST_CONTENT:
        raise InvalidPrompt(
            f"A message has 1 to {MOST_CONTENT} characters.", fix="Say what is to be done.", param="content"
        )
    base = seen_from(conversation, choices.base).current
    return TurnState(conversation_id=conversation.id, content=words, base=base, choices=choices)


def seen_from(conversation: Conversation, base: str | None) -> Conversation:
    """As it is shown from the version that a message names, else from the one that is shown.

    Raises:
        NotFound: there is no such version.
    """
    return branched(conversation, base, param="base") if base else conversation


def _lineage(conversation: Conversation, shown: StoredImage | None) -> tuple[Parent, ...]:
    """The picture that a message is about, and the job that the conversation's first picture was made by."""
    if shown is None:
        return ()
    about, first = Parent(kind="file", sha256=shown.sha256), conversation.versions[0].source
    return (about, first) if first is not None and first.kind == "job" else (about,)


def left_of(turn: Job, *costs: JobCost) -> MicroUsd | None:
    """What is left of what the message said that it may cost; None if it said nothing."""
    most = turn.turn.choices.max_cost if turn.turn else None
    spent = sum((cost.actual or 0) if cost.settled else cost.reserved for cost in costs)
    return None if most is None else max(0, most - spent)


def took(call: Job) -> Planned | None:
    """What a call of the planner really took; None if it is no such call, or that is not known (yet)."""
    chat = call.work.chat if call.work else None
    if call.work is None or chat is None or not call.cost.settled:
        return None
    if call.cost.actual is None or call.cost.charged == "unknown" or call.cost.together is not None:
        return None
    tokens = planner_estimate.prompt_tokens(chat, call.work.inputs[0] if call.work.inputs else None)
    return Planned(model=chat.model, tokens=tokens, cost=call.cost.actual)


def _methods(chosen: UserSettings, *, is_masked: bool) -> tuple[Method, bool]:
    """How a turn may go about it, and whether it may paint. What is marked is painted: operations know no mask."""
    method = chosen.manipulation_method or "hybrid"
    return "generative" if is_masked and method == "hybrid" else method, chosen.enable_image_generation is not False


def _not_thinking(model: ChatModel) -> str:
    return f"`reasoning` was ignored: {model.id} does not think before it answers."


def _stored(user: str, picture: bytes) -> StoredImage:
    sha256 = hashlib.sha256(picture).hexdigest()
    width, height = measure(picture)
    return StoredImage(
        key=f"inputs/{user}/{sha256}.jpg",
        media_type="image/jpeg",
        width=width,
        height=height,
        bytes=len(picture),
        sha256=sha256,
    )


def _fitting(
    models: Sequence[ChatModel],
    request: ChatRequest,
    shown: StoredImage | None,
    *,
    limit: MicroUsd | None,
    most: MicroUsd | None,
) -> tuple[ChatRequest, ChatShape]:
    """The request with no longer an answer than what it may cost allows, and what its price depends on.

    Args:
        limit, most: as `planner_estimate.most_tokens` takes them.
    """
    shape = planner_estimate.shape(request, shown)
    tokens = planner_estimate.most_tokens(
        models, shape, most=most, limit=limit, thought=planner_estimate.thought(request)
    )
    return request.model_copy(update={"max_completion_tokens": tokens}), shape.of_at_most(tokens)
