"""The painter's part of a turn: a picture made, or this one made over, as a paid job."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from darkroom.errors import CostLimit
from darkroom.models.budget import BudgetRef
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork, Parent, StoredImage, TurnChoices
from darkroom.models.money import MicroUsd, in_dollars, said
from darkroom.models.provider import Skill
from darkroom.models.quote import InputShape, Quote
from darkroom.models.user_settings import Limits
from darkroom.ports import Clock, ImageStore
from darkroom.services.accounts.keys import disconnected
from darkroom.services.paid.budgets import Budgets, reserve_for
from darkroom.services.paid.calls import MOST_STORED_BYTES
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.providers import Choice, Providers

AS_SET: Final = TurnChoices()


class Painting(Struct, frozen=True):
    quotes: Quotes
    budgets: Budgets
    providers: Providers
    images: ImageStore
    clock: Clock

    def job(
        self,
        turn: Job,
        prompt: str,
        image: StoredImage | None,
        *,
        like: Job,
        spent: MicroUsd,
        by: TurnChoices = AS_SET,
    ) -> Job:
        """The paid job, not admitted yet.

        Args:
            like: a part of the same turn, whose budgets it shares. Where the user pays that and the stack this one,
                the stack's limits hold for them, too.
            spent: what the turn has cost so far, which counts towards the limit of one request.
            by: what the message says of the painter.

        Raises:
            InvalidApiKey: the user's key that the turn was begun with is gone.
            MoneyRefused: it may cost more than is left of that.
            CallerError: whatever else Providers.choose and Quotes.quote raise.
        """
        if by.mask is not None:
            prompt = self._where(prompt, by.mask)
        choice, quote = self.offer(turn.user, prompt, image, by)
        budgets = self.budgets_for(turn.user, choice, like.budgets, provider=like.provider, own_key=like.own_key)
        reserve = self.reserve(turn.user, quote, by, spent, own_key=choice.own_key)
        now = self.clock()
        return turn.model_copy(
            update={
                "status": JobStatus.QUEUED,
                "created_at": now,
                "started_at": None,
                "attempt": 0,
                "turn": None,
                # The turn was begun in time.
                "cancel_at": None,
                "input": {"prompt": prompt},
                "work": PaidWork(
                    request=quote.request,
                    inputs=(image,) if image else (),
                    mask=by.mask,
                    other_providers=quote.other_providers,
                    rates=quote.rates,
                ),
                "provider": choice.name,
                "own_key": choice.own_key,
                "cost": JobCost(estimated=quote.estimate, reserved=reserve, actual=None, settled=False),
                "budgets": budgets,
                "model_requested": quote.model_requested,
                "warnings": (*choice.warnings, *quote.warnings),
                "lineage": (Parent(kind="job", ref=turn.id, sha256=image.sha256),) if image else (),
            }
        )

    def offer(self, user: str, prompt: str, image: StoredImage | None, by: TurnChoices) -> tuple[Choice, Quote]:
        """Who would paint it, and what that would cost.

        Raises:
            InvalidParameter: the picture has another size than the mask by now.
            DarkroomError: what Providers.choose and Quotes.quote raise.
        """
        skill: Skill = "edit" if image else "generate"
        choice = self.providers.choose(user, skill, asked=by.provider, is_one_of_several=True)
        shapes = [InputShape(width=image.width, height=image.height)] if image else []
        if by.mask is not None and image is not None:
            from darkroom.images.mask import check_size

            check_size((by.mask.width, by.mask.height), (image.width, image.height))
        request = ImageRequest(prompt=prompt, model=by.image_model, zdr=by.zdr, provider=by.routing)
        return choice, self.quotes.quote(request, inputs=shapes, masked=by.mask is not None, choice=choice)

    def _where(self, prompt: str, mask: StoredImage) -> str:
        """The prompt with where the change is to be, which no model here can see of a mask."""
        # Here, for most that has to do with turns decodes no picture.
        from darkroom.images.mask import region_hint

        hint = region_hint(self.images.read_output(mask.key, max_bytes=MOST_STORED_BYTES))
        return f"{prompt}\n{hint}" if hint else prompt

    def budgets_for(
        self, user: str, choice: Choice, refs: tuple[BudgetRef, ...], *, provider: str | None, own_key: bool
    ) -> tuple[BudgetRef, ...]:
        """What it is taken from: the planner's budgets, within the stack's limits where the stack pays.

        Args:
            provider, own_key: who planned, and whether it was the user who paid.

        Raises:
            InvalidApiKey: the user's key that the turn was begun with is gone.
        """
        if not own_key or choice.own_key:
            return refs
        if choice.name == provider:
            raise disconnected(choice.name)
        return _within(refs, self.budgets.limits(user, own_key=False))

    def reserve(self, user: str, quote: Quote, by: TurnChoices, spent: MicroUsd, *, own_key: bool) -> MicroUsd:
        """How much to set aside for it. Raises MoneyRefused."""
        return reserve_for(
            estimate=quote.estimate,
            reserve=quote.reserve,
            most=None if by.max_cost is None else max(0, by.max_cost - spent),
            per_request=self.left(user, spent, own_key=own_key),
            least=quote.least,
            may_vouch=False,
            bound=quote.bound,
        )

    def left(self, user: str, spent: MicroUsd, *, own_key: bool) -> MicroUsd | None:
        """What a turn may cost yet, which is one request to whoever asked; by the limits that a part of it is under."""
        limit = self.budgets.limits(user, own_key=own_key).per_request
        return None if limit is None else max(0, limit - spent)

    @contextmanager
    def within(self, turn: Job, what: str, spent: MicroUsd, *, own_key: bool) -> Iterator[None]:
        """All calls of a turn are one request to the user who said it: a refusal says what is left for this one."""
        try:
            yield
        except CostLimit as error:
            limit, wanted = self.left(turn.user, 0, own_key=own_key), error.context.get("estimated_usd")
            if limit is None or wanted is None:
                raise
            left = max(0, limit - spent)
            raise CostLimit(
                f"{what} may cost {said(round(wanted * 1_000_000))}; {said(left)} is left of the {said(limit)} that a "
                f"request of yours may cost, for this message has cost {said(spent)} so far.",
                fix="Raise `max_cost_per_request` (PATCH /v1/settings), or choose a cheaper model.",
                context={
                    "limit": "max_cost_per_request",
                    "estimated_usd": wanted,
                    "limit_usd": float(in_dollars(limit)),
                    "spent_usd": float(in_dollars(spent)),
                    "remaining_usd": float(in_dollars(left)),
                },
            ) from error


def _within(budgets: tuple[BudgetRef, ...], limits: Limits) -> tuple[BudgetRef, ...]:
    """The same budgets under these limits where they are narrower; a token's own stay as they are."""
    ceilings = {"day": limits.per_day, "month": limits.per_month, "conversation": limits.per_conversation}

    def within(ref: BudgetRef) -> BudgetRef:
        ceiling = ceilings.get(ref.name)
        return ref if ceiling is None else ref.model_copy(update={"limit": min(ref.limit, ceiling)})

    return tuple(within(ref) for ref in budgets)
