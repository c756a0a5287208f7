"""Generate: pictures from words."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import PaidWork, Parent, StoredImage
from darkroom.models.money import MicroUsd
from darkroom.models.quote import Quote
from darkroom.services.paid.admission import Admission, Prepared, Submission
from darkroom.services.pricing.answer_sizes import require_room
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.providers import Choice

OPERATION = "generation"

CheckWebhook = Callable[[str], None]


class Generate(Struct, frozen=True):
    """Args: check_webhook: raises UrlRefused for a URL that will never be called."""

    admission: Admission
    quotes: Quotes
    check_webhook: CheckWebhook

    def submit(self, caller: Caller, request: ImageRequest, terms: Terms) -> Submission:
        """The job that makes the pictures; raises what Admission.submit and Quotes.quote raise."""

        def prepare(choice: Choice) -> Prepared:
            if request.webhook_url:
                self.check_webhook(request.webhook_url)
            quote = self.quotes.quote(request, choice=choice)
            if not terms.is_async:
                require_room(request, quote, terms.door)
            return prepared(request, quote, keep=lambda: None)

        return self.admission.submit(
            caller, OPERATION, terms, request.identity(), prepare, skill="generate", provider=request.provider_name
        )


def prepared(
    request: ImageRequest,
    quote: Quote,
    *,
    inputs: tuple[StoredImage, ...] = (),
    mask: StoredImage | None = None,
    lineage: tuple[Parent, ...] = (),
    keep: Callable[[], None],
) -> Prepared:
    return Prepared(
        work=PaidWork(
            request=quote.request,
            calls=quote.calls,
            max_seed=quote.max_seed,
            inputs=inputs,
            mask=mask,
            output_format=request.output_format,
            cutout_format=quote.cutout_format,
            other_providers=quote.other_providers,
            rates=quote.rates,
        ),
        model_requested=quote.model_requested,
        estimate=quote.estimate,
        reserve=quote.reserve,
        bound=quote.bound,
        most=most(request),
        least=quote.least,
        warnings=quote.warnings,
        lineage=lineage,
        shown=shown(request),
        webhook_url=request.webhook_url,
        keep=keep,
    )


def most(request: ImageRequest) -> MicroUsd | None:
    """What the caller said it may cost, rounded down: a cap is never exceeded by rounding."""
    return None if request.max_cost_usd is None else int(request.max_cost_usd * 1_000_000)


def shown(request: ImageRequest) -> Mapping[str, Any]:
    """The request as its job shows it: what was set, without pictures, and without what a URL may carry."""
    fields = request.model_dump(mode="json", exclude_unset=True, exclude={"images", "mask", "webhook_url"})
    if request.webhook_url:
        fields["webhook_url"] = request.webhook_url.partition("?")[0]
    if request.provider_name:
        fields["provider"] = fields.pop("provider_name")
    return fields
