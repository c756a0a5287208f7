"""The paid cut-out: a request or a dropped file as a job that a worker has remove.bg carry out.

Everything about its money is that of any paid job: what it may cost is set aside before, limits and budgets hold, a
job that was sent is never sent again, and what was charged is what the receipt says.
"""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.cutout import Step
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.generation import GenerationRequest, Routing
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork
from darkroom.models.money import MicroUsd, micro_usd
from darkroom.models.rates import Rates
from darkroom.services.inputs.inputs import Inputs
from darkroom.services.paid.admission import Admission, Prepared, Submission, require_room
from darkroom.services.paid.budgets import Budgets, reserve_for
from darkroom.services.removal.cloud_options import options_of, require_no_retention_promise
from darkroom.services.selection.providers import Choice, Providers

PROVIDER: Final = "removebg"
TITLE: Final = "remove.bg"
OPERATION: Final = "background-removal"
# Of a picture in full size: https://www.remove.bg/pricing
_CREDITS: Final = 1
_HIDDEN: Final = {"keep", "erase", "image", "image_b64", "image_url", "upload_id", "job_id", "job_index"}


class CloudRemoval(Struct, frozen=True):
    """Args: credit: dollars that a credit of remove.bg costs."""

    admission: Admission
    inputs: Inputs
    budgets: Budgets
    providers: Providers
    credit: Decimal

    def submit(
        self,
        caller: Caller,
        request: CutoutRequest,
        terms: Terms,
        *,
        because: str | None = None,
        steps: tuple[Step, ...] = (),
    ) -> Submission:
        """The job that has the picture cut out.

        Args:
            because: why it was not cut out here, as a warning.
            steps: the models that were asked here before.

        Raises:
            InvalidParameter: remove.bg cannot do what is asked for, or the user wants nothing to be kept.
            InvalidApiKey, MoneyRefused, IdempotencyKeyReused: as Admission.submit says.
            CallerError: the picture cannot be used.
        """

        def prepare(choice: Choice) -> Prepared:
            require_no_retention_promise(choice.settings)
            prepared = self._prepare(caller.user, request, because)
            tried = [step.model_dump(mode="json") for step in steps]
            return replace(prepared, shown={**prepared.shown, "steps": tried}) if tried else prepared

        return self.admission.submit(
            caller, OPERATION, terms, _identity(request), prepare, skill="cutout", provider=PROVIDER
        )

    def take_over(self, job: Job, data: bytes, *, because: str | None = None) -> Job:
        """The paid job that does a dropped file's job in its place: one, however often it is asked for.

        Args:
            data: the file.

        Raises:
            InvalidApiKey, MoneyRefused, CallerError: nothing was spent, and asking again will not help.
            ServiceUnavailable: nothing may have been stored; asking again does no harm.
        """
        choice = self.providers.choose(job.user, "cutout", asked=PROVIDER)
        require_no_retention_promise(choice.settings)
        prepared = self._prepare(job.user, CutoutRequest(image=data), because)
        limits = self.budgets.limits(job.user, own_key=choice.own_key)
        reserve = reserve_for(
            estimate=prepared.estimate,
            reserve=prepared.reserve,
            most=None,
            per_request=limits.per_request,
            may_vouch=False,
        )
        paid = job.model_copy(
            update={
                "id": taken_over_id(job),
                "op": OPERATION,
                "status": JobStatus.QUEUED,
                "attempt": 0,
                "started_at": None,
                "lease_expires_at": None,
                "work": prepared.work,
                "cost": JobCost(estimated=prepared.estimate, reserved=reserve, actual=None, settled=False),
                "budgets": self.budgets.refs(Caller(user=job.user), limits, at=job.created_at),
                "provider": choice.name,
                "own_key": choice.own_key,
                "model_requested": prepared.model_requested,
                "warnings": prepared.warnings,
                "lineage": prepared.lineage,
                "webhook_url": choice.settings.webhook_url,
            }
        )
        require_room(paid)
        prepared.keep()
        return self.admission.admit_part(paid)

    def _prepare(self, user: str, request: CutoutRequest, because: str | None) -> Prepared:
        options = options_of(request)
        picture = self.inputs.read(user, request.source)
        price = micro_usd(self.credit * _CREDITS)
        wanted = GenerationRequest(
            model=PROVIDER, prompt="Remove the background", routing=Routing(options={PROVIDER: dict(options)})
        )
        return Prepared(
            work=PaidWork(
                request=wanted,
                inputs=(picture.image,),
                rates={PROVIDER: {wanted.model: Rates(credit=self.credit)}},
            ),
            model_requested=PROVIDER,
            estimate=price,
            reserve=price,
            most=_most(request),
            warnings=(*((because,) if because else ()), *picture.warnings),
            lineage=(picture.parent,),
            shown=request.shown,
            keep=lambda: self.inputs.keep([picture]),
        )


def taken_over_id(job: Job) -> str:
    return f"{job.id}-cloud"


def _most(request: CutoutRequest) -> MicroUsd | None:
    """What the caller said it may cost, rounded down: a cap is never exceeded by rounding."""
    return None if request.max_cost_usd is None else int(request.max_cost_usd * 1_000_000)


def _identity(request: CutoutRequest) -> Mapping[str, Any]:
    # What is behind the subject need not be told apart: remove.bg is given nothing of the kind.
    hidden = {*_HIDDEN, "background_image", "background_b64"}
    return {**request.model_dump(mode="json", exclude=hidden), "source": asdict(request.source)}
