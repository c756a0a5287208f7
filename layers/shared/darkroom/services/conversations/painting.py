"""The painter's part of a turn: a picture made, or this one made over, as a paid job."""

from dataclasses import dataclass

from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork, Parent, StoredImage
from darkroom.models.money import MicroUsd
from darkroom.models.quote import InputShape
from darkroom.ports import Clock
from darkroom.services.accounts.keys import Keys
from darkroom.services.paid.budgets import Budgets, reserve_for
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.providers import Providers


@dataclass(frozen=True, slots=True)
class Painting:
    quotes: Quotes
    budgets: Budgets
    providers: Providers
    keys: Keys
    clock: Clock

    def job(self, turn: Job, prompt: str, image: StoredImage | None, *, like: Job, spent: MicroUsd) -> Job:
        """The paid job, not admitted yet.

        Args:
            like: a part of the same turn, whose budgets it shares.
            spent: what the turn has cost so far, which counts towards the limit of one request.

        Raises:
            MoneyRefused: it may cost more than is left of that.
            CallerError: whatever else Providers.choose and Quotes.quote raise.
        """
        choice = self.providers.choose(turn.user, "edit" if image else "generate")
        shapes = [InputShape(width=image.width, height=image.height)] if image else []
        quote = self.quotes.quote(ImageRequest(prompt=prompt), inputs=shapes, choice=choice)
        reserve = reserve_for(
            estimate=quote.estimate,
            reserve=quote.reserve,
            most=None,
            per_request=self.left(turn.user, spent, provider=choice.name),
            least=quote.least,
            may_vouch=False,
        )
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
                    other_providers=quote.other_providers,
                    rates=quote.rates,
                ),
                "provider": choice.name,
                "cost": JobCost(estimated=quote.estimate, reserved=reserve, actual=None, settled=False),
                "budgets": like.budgets,
                "model_requested": quote.model_requested,
                "warnings": quote.warnings,
                "lineage": (Parent(kind="job", ref=turn.id, sha256=image.sha256),) if image else (),
            }
        )

    def left(self, user: str, spent: MicroUsd, *, provider: str) -> MicroUsd | None:
        """What a turn may cost yet, which is one request to whoever asked; as a part of it is for that provider."""
        own_key = self.keys.payer(user, provider) == "user"
        limit = self.budgets.limits(user, own_key=own_key).per_request
        return None if limit is None else max(0, limit - spent)
