"""What a message would cost, and whether the limits allow it: before a planner is asked, or when its plan is known.

Nothing is set aside or spent by a forecast. It is as true as the moment: another request may take the rest of a budget.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import BudgetExceeded, CostLimit, DarkroomError, InvalidApiKey, MoneyRefused
from darkroom.images.preview import LONGEST
from darkroom.models.budget import BudgetRef
from darkroom.models.caller import Caller
from darkroom.models.conversation import Conversation
from darkroom.models.job import Job, StoredImage, TurnChoices
from darkroom.models.money import MicroUsd, in_dollars
from darkroom.models.plan import PaintAction, Plan
from darkroom.services.conversations import replies
from darkroom.services.conversations.painting import Painting
from darkroom.services.conversations.planning import Planning, seen_from, state_of
from darkroom.services.paid.admission import Prepared
from darkroom.services.paid.budgets import Budgets, reserve_for
from darkroom.services.selection.providers import FIRST, Choice, Providers

_FIGURES: Final = ("estimated_usd", "reserved_usd", "limit_usd", "remaining_usd")
# Of a message that is priced before its plan is known.
_SOME_PROMPT: Final = "Change the picture."


class Amount(Struct, frozen=True):
    """What one paid call of a turn would take, in micro-dollars.

    Args:
        estimated, reserved: None where the price of the model is not published.
        refused_by: the limit that forbids it, as `refusal` says; None if none does.
    """

    model: str
    estimated: MicroUsd | None
    reserved: MicroUsd | None
    refused_by: Mapping[str, Any] | None = None


class Forecast(Struct, frozen=True):
    """Args: paint: what painting would add; None where the settings forbid it."""

    plan: Amount
    paint: Amount | None
    warnings: tuple[str, ...] = ()


class Forecasts(Struct, frozen=True):
    planning: Planning
    painting: Painting
    budgets: Budgets
    providers: Providers

    def of_message(self, caller: Caller, conversation: Conversation, content: str, by: TurnChoices) -> Forecast:
        """What saying it would cost; reads no picture, and asks no planner.

        Raises:
            InvalidPrompt, NotFound, UnsupportedModel, InvalidParameter: as the message itself would be refused.
        """
        user, state = caller.user, state_of(conversation, content, by)
        conversation = seen_from(conversation, by.base)
        choice, no_key = self._choice(user, by)
        version = conversation.version(conversation.current) if conversation.current else None
        prepared = self.planning.priced(
            conversation, state.content, state, choice, None if version is None else _smaller(version.image)
        )
        limits = self.budgets.limits(user, own_key=choice.own_key)
        refs = self.budgets.refs(caller, limits, conversation_id=conversation.id)
        plan = self._plan(user, prepared, choice, limits.per_request, refs)
        if no_key is not None:
            plan = Amount(plan.model, plan.estimated, plan.reserved, refusal(no_key))
        if self.planning.why_no_painting(user) is not None:
            return Forecast(plan, None, prepared.warnings)
        image = None if version is None else version.image
        paint = self.of_painting(user, _SOME_PROMPT, image, by, payer=(choice, refs), spent=plan.estimated or 0)
        return Forecast(plan, paint, prepared.warnings)

    def check_painter(self, user: str, about: Conversation, by: TurnChoices) -> None:
        """Refuses a painter that a message names and that could not paint, before a planner is paid for it.

        Raises:
            CallerError: as the painting would be refused.
        """
        if by.image_model is None or self.planning.why_no_painting(user) is not None:
            return
        version = about.version(about.current) if about.current else None
        try:
            self.painting.offer(user, _SOME_PROMPT, None if version is None else version.image, by)
        except (InvalidApiKey, MoneyRefused):
            # It may not come to a painting, and who would pay is looked at then.
            return

    def of_plan(self, turn: Job, plan: Plan, image: StoredImage | None, call: Job) -> dict[str, Any]:
        """What carrying out a plan would come to, as a dry run tells it; the planning is counted as it was estimated.

        Args: call: the planner's, whose budgets the painter would share.
        """
        assert turn.turn is not None  # noqa: S101 - it is one
        planned = turn.cost.estimated
        prompt = next((each.prompt for each in plan.actions if isinstance(each, PaintAction)), None)
        amounts = [Amount("", planned, turn.cost.reserved)]
        if prompt is not None:
            choice = Choice(self.providers.get(call.provider or FIRST), own_key=call.own_key)
            payer = (choice, call.budgets)
            paint = self.of_painting(turn.user, prompt, image, turn.turn.choices, payer=payer, spent=planned or 0)
            amounts.append(paint)
        refused = amounts[-1].refused_by
        return {
            "steps": replies.in_words(plan),
            "paints": prompt is not None,
            "estimated_usd": _dollars(_sum(each.estimated for each in amounts)),
            "reserved_usd": _dollars(_sum(each.reserved for each in amounts)),
            "allowed": refused is None,
            "refused_by": refused,
        }

    def of_painting(
        self,
        user: str,
        prompt: str,
        image: StoredImage | None,
        by: TurnChoices,
        *,
        payer: tuple[Choice, tuple[BudgetRef, ...]],
        spent: MicroUsd,
    ) -> Amount:
        """What the painter would take.

        Args:
            payer: who plans, and the budgets that this is taken from.
            spent: what the planning takes, which is part of the same request.
        """
        planner, refs = payer
        try:
            choice, quote = self.painting.offer(user, prompt, image, by)
            refs = self.painting.budgets_for(user, choice, refs, provider=planner.name, own_key=planner.own_key)
        except (InvalidApiKey, MoneyRefused) as error:
            return Amount(by.image_model or "", None, None, refusal(error))
        try:
            reserve = self.painting.reserve(user, quote, by, spent, own_key=choice.own_key)
        except MoneyRefused as error:
            return Amount(quote.request.model, quote.estimate, quote.reserve, refusal(error))
        refused = self.budgets.refusal(user, refs, reserve=reserve + spent, estimate=quote.estimate)
        return Amount(quote.request.model, quote.estimate, reserve, refusal(refused) if refused else None)

    def _choice(self, user: str, by: TurnChoices) -> tuple[Choice, InvalidApiKey | None]:
        """Who would plan; without a key who could, and why it is not planned yet."""
        try:
            return self.providers.choose(user, "chat", asked=by.provider), None
        except InvalidApiKey as error:
            named = by.provider if by.provider not in (None, "auto") else FIRST
            return Choice(self.providers.get(str(named)), settings=self.budgets.settings(user)), error

    def _plan(
        self,
        user: str,
        prepared: Prepared,
        choice: Choice,
        limit: MicroUsd | None,
        refs: tuple[BudgetRef, ...],
    ) -> Amount:
        chat = prepared.work.chat
        model = chat.model if chat else prepared.model_requested
        try:
            reserve = reserve_for(
                estimate=prepared.estimate,
                reserve=prepared.reserve,
                most=prepared.most,
                per_request=limit,
                may_vouch=choice.own_key,
                bound=prepared.bound,
                expected=prepared.expected,
            )
        except MoneyRefused as error:
            return Amount(model, prepared.told, prepared.reserve, refusal(error))
        refused = self.budgets.refusal(user, refs, reserve=reserve, estimate=prepared.told)
        return Amount(model, prepared.told, reserve, refusal(refused) if refused else None)


def refusal(error: DarkroomError) -> dict[str, Any]:
    """Which limit refuses, by the name that it is changed by, and the figures of the refusal in dollars."""
    if isinstance(error, BudgetExceeded):
        limit = str(error.context["budget"])
    elif isinstance(error, CostLimit):
        limit = error.param or "max_cost_per_request"
    else:
        limit = "key" if isinstance(error, InvalidApiKey) else "price"
    problem = error.problem()
    figures = {name: problem[name] for name in _FIGURES if problem.get(name) is not None}
    return {"limit": limit, "code": error.code, "detail": problem["detail"], "fix": problem.get("fix", ""), **figures}


def _smaller(image: StoredImage) -> StoredImage:
    """With the measures of the copy that planners are shown."""
    scale = min(1.0, LONGEST / max(image.width, image.height))
    size = {"width": max(1, round(image.width * scale)), "height": max(1, round(image.height * scale))}
    return image.model_copy(update=size)


def _sum(amounts: Any) -> MicroUsd | None:
    every = list(amounts)
    return None if any(each is None for each in every) else sum(every)


def _dollars(amount: MicroUsd | None) -> float | None:
    return None if amount is None else float(in_dollars(amount))
