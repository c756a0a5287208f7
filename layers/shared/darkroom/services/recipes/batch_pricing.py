"""What the paintings of a recipe's batch may cost: all of them beforehand, and each when its turn has come."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from darkroom.errors import CostLimit, InvalidParameter
from darkroom.models.budget import BudgetRef
from darkroom.models.caller import Caller
from darkroom.models.conversation import PaintStep
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobCost, PaidWork
from darkroom.models.money import MicroUsd, in_dollars, said
from darkroom.models.quote import InputShape, Quote
from darkroom.models.recipe import Wanted
from darkroom.models.user_settings import Limits
from darkroom.ports import Clock
from darkroom.services.accounts.keys import disconnected
from darkroom.services.paid.budgets import Budgets, reserve_for
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.recipes.batch_notes import part_id, wall_id, wall_of
from darkroom.services.selection.providers import Choice, Providers

PAINTING: Final = "paint"
# Nobody has looked at the pictures yet. What each painting really may cost is asked again when its picture is known.
_USUAL: Final = InputShape(width=1024, height=1024)


class BatchPricing(Struct, frozen=True):
    quotes: Quotes
    budgets: Budgets
    providers: Providers
    clock: Clock

    def begun(self, job: Job, caller: Caller, paints: Sequence[PaintStep], most: Decimal | None) -> Job:
        """The batch's job with its estimate, and with the budgets that each of its paintings is reserved from.

        One of those is the batch's own, whose limit is what the caller said that all of them may cost.

        Raises:
            InvalidParameter: the caller did not say so; or a model cannot make a picture over.
            InvalidApiKey: nobody would pay.
            UnsupportedModel: there is no such model.
            CostLimit: it is not enough for one picture, or one painting may cost more than a request may.
            PriceUnknown: nobody says what a painting costs.
        """
        if most is None:
            raise InvalidParameter(
                "With `allow_paid`, `max_cost_usd` has to say what the whole batch may cost at the most.",
                fix="Send `max_cost_usd`, in dollars, for all pictures together.",
                param="max_cost_usd",
            )
        cap, count = int(most * 1_000_000), int(job.result["progress"]["total"])
        choice = self.providers.choose(caller.user, "edit")
        limits = self._limits(caller.user, choice)
        each = at_most = 0
        for step in paints:
            quote = self._quote(step, _USUAL, choice)
            _reserve(quote, limits, cap)
            each += quote.estimate or 0
            at_most += quote.bound or 0
        if at_most > cap:
            raise _not_even_one(at_most, cap)
        wall = BudgetRef(name="batch", id=wall_id(job.id), limit=cap)
        estimate = each * count
        warning = (
            f"Painting all {count} pictures will cost {said(estimate)}; `max_cost_usd` of {said(cap)} is enough for "
            f"about {cap // max(each, 1)}. The others end with COST_LIMIT, and cost nothing.",
        )
        return job.model_copy(
            update={
                "budgets": (*self.budgets.refs(caller, limits, at=job.created_at), wall),
                "own_key": choice.own_key,
                "cost": JobCost(estimated=estimate),
                "warnings": (*job.warnings, *(warning if estimate > cap else ())),
                "input": {**job.input, "painted_steps": len(paints), "max_cost_usd": float(in_dollars(cap))},
            }
        )

    def part(self, batch: Job, index: int, step: PaintStep, wanted: Wanted) -> Job:
        """One painting as a paid job, not admitted yet.

        Raises:
            InvalidApiKey: who was to pay has no key any more; the batch's budgets are theirs, and not the stack's.
            CallerError, MoneyRefused: as `begun` says.
        """
        wall = wall_of(batch)
        assert wall is not None  # noqa: S101 - the caller has looked
        choice = self.providers.choose(batch.user, "edit")
        if batch.own_key and not choice.own_key:
            raise disconnected(choice.name)
        quote = self._quote(step, InputShape(width=wanted.image.width, height=wanted.image.height), choice)
        reserve = _reserve(quote, self._limits(batch.user, choice), wall.limit)
        return part_of(batch, index, step, wanted).model_copy(
            update={
                "created_at": self.clock(),
                "work": PaidWork(
                    request=quote.request,
                    inputs=(wanted.image,),
                    other_providers=quote.other_providers,
                    rates=quote.rates,
                ),
                "provider": choice.name,
                "own_key": choice.own_key,
                "cost": JobCost(estimated=quote.estimate, reserved=reserve, actual=None, settled=False),
                "budgets": batch.budgets,
                "model_requested": quote.model_requested,
                "warnings": (*choice.warnings, *quote.warnings),
            }
        )

    def _quote(self, step: PaintStep, shape: InputShape, choice: Choice) -> Quote:
        return self.quotes.quote(ImageRequest(prompt=step.prompt, model=step.model), inputs=[shape], choice=choice)

    def _limits(self, user: str, choice: Choice) -> Limits:
        return self.budgets.limits(user, own_key=choice.own_key)


def part_of(batch: Job, index: int, step: PaintStep, wanted: Wanted) -> Job:
    """What is known of a painting before its price is."""
    return Job(
        id=part_id(batch.id, index, wanted.number),
        user=batch.user,
        op=PAINTING,
        created_at=batch.created_at,
        expires_at=batch.expires_at,
        input={"prompt": step.prompt, "picture": index},
        lineage=(wanted.parent,),
        token_id=batch.token_id,
        parent_id=batch.id,
    )


def _reserve(quote: Quote, limits: Limits, cap: MicroUsd) -> MicroUsd:
    return reserve_for(
        estimate=quote.estimate,
        reserve=quote.reserve,
        most=cap,
        per_request=limits.per_request,
        least=quote.least,
        # What the batch may cost says nothing of what one painting does.
        may_vouch=False,
        bound=quote.bound,
    )


def _not_even_one(each: MicroUsd, cap: MicroUsd) -> CostLimit:
    return CostLimit(
        f"One picture may cost {said(each)} with all painted steps; `max_cost_usd` is {said(cap)} for the whole batch.",
        fix="Raise `max_cost_usd`, or leave painted steps out.",
        param="max_cost_usd",
        context={"estimated_usd": float(in_dollars(each)), "limit_usd": float(in_dollars(cap))},
    )
