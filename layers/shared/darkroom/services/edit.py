"""Edit: pictures made over, the whole of them or where a mask lets them change."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from msgspec import Struct

from darkroom.images.mask import region_hint
from darkroom.images.workload import Workload
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.image_request import EditRequest
from darkroom.models.quote import InputShape
from darkroom.services.generate import CheckWebhook, prepared
from darkroom.services.inputs.inputs import Input, Inputs, check_mask
from darkroom.services.paid.admission import Admission, Prepared, Submission
from darkroom.services.pricing.answer_sizes import require_room
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.providers import Choice

OPERATION = "edit"


class Edit(Struct, frozen=True):
    """Args: check_webhook: raises UrlRefused for a URL that will never be called."""

    admission: Admission
    quotes: Quotes
    inputs: Inputs
    check_webhook: CheckWebhook

    def submit(self, caller: Caller, request: EditRequest, terms: Terms) -> Submission:
        """The job that makes the pictures over; raises what Inputs, Quotes.quote and Admission.submit raise."""

        def prepare(choice: Choice) -> Prepared:
            if request.webhook_url:
                self.check_webhook(request.webhook_url)
            return self._prepare(caller.user, request, terms, choice)

        return self.admission.submit(
            caller, OPERATION, terms, _identity(request), prepare, skill="edit", provider=request.provider_name
        )

    def _prepare(self, user: str, request: EditRequest, terms: Terms, choice: Choice) -> Prepared:
        workload = Workload()
        pictures = [self.inputs.read(user, source, workload=workload) for source in request.images]
        mask = self.inputs.read(user, request.mask, role="mask", workload=workload) if request.mask else None
        if mask is not None:
            check_mask(pictures[0].image, mask)
        shapes = [InputShape(width=each.image.width, height=each.image.height) for each in pictures]
        quote = self.quotes.quote(request, inputs=shapes, masked=mask is not None, choice=choice)
        if not terms.is_async:
            require_room(request, quote, terms.door)
        if mask is not None and (hint := region_hint(mask.data)):
            # No model here takes a mask; words tell it where to look, and the mask is applied to what comes back.
            wanted = quote.request.model_copy(update={"prompt": f"{quote.request.prompt}\n{hint}"})
            quote = quote.model_copy(update={"request": wanted})
        all_of_them: list[Input] = [*pictures, *([mask] if mask else [])]
        said = [warning for each in all_of_them for warning in each.warnings]
        quote = quote.model_copy(update={"warnings": (*dict.fromkeys(said), *quote.warnings)})
        return prepared(
            request,
            quote,
            inputs=tuple(each.image for each in pictures),
            mask=mask.image if mask else None,
            lineage=tuple(each.parent for each in all_of_them),
            keep=lambda: self.inputs.keep(all_of_them),
        )


def _identity(request: EditRequest) -> Mapping[str, Any]:
    return {
        **request.identity(),
        "images": [asdict(source) for source in request.images],
        "mask": asdict(request.mask) if request.mask else None,
    }
