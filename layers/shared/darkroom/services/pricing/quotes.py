"""From a caller's request to the provider's: which model, with which values, and what it may cost. Nothing is spent."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom.errors import DarkroomError, InvalidParameter
from darkroom.models.catalogue import ImageModel, TokenPrices
from darkroom.models.generation import GenerationRequest, Routing
from darkroom.models.image_request import RASTER_FORMATS, ImageRequest
from darkroom.models.quote import InputShape, Quote
from darkroom.models.rates import Rates
from darkroom.ports import Provider
from darkroom.services.catalogue import capabilities
from darkroom.services.catalogue.capabilities import INPUTS, Candidate, shared
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.pricing import dimensions, hints, pricing
from darkroom.services.pricing.dimensions import AUTO, Shape
from darkroom.services.pricing.passthrough import Passed, passed
from darkroom.services.pricing.quantities import Work
from darkroom.services.selection import privacy, vendors
from darkroom.services.selection.image_models import Chosen, ImageModels
from darkroom.services.selection.providers import Choice

# A mask is applied here, to pixels, and what comes of it can be transparent.
_MASKED_FORMATS = ("png", "webp")
# What a source has to take.
_CHECKED = (
    *("size", "aspect_ratio", "resolution", "quality", "background"),
    *("output_format", "output_compression", "seed"),
)


class Quotes:
    """Args:
    generation_model, edit_model: as ImageModels takes them.
    """

    def __init__(self, catalogue: Catalogue, *, generation_model: str, edit_model: str) -> None:
        self._catalogue = catalogue
        self._models = ImageModels(catalogue, generation_model=generation_model, edit_model=edit_model)

    def quote(
        self,
        request: ImageRequest,
        *,
        inputs: Sequence[InputShape] = (),
        masked: bool = False,
        choice: Choice | None = None,
    ) -> Quote:
        """What is sent to the provider, and what that will and may cost.

        Hints that the models have no parameter for are left out, which a warning says; see `hints`.

        Args:
            inputs: the pictures to work from; with any, it is an edit.
            masked: whether the result is put into the first of them where a mask says so.
            choice: who serves it; OpenRouter when absent.

        Raises:
            UnsupportedModel: with `suggestions`.
            InvalidParameter, InvalidDimensions: a model or the provider does not take it; with what is accepted.
            ProviderError, ServiceUnavailable: nobody can be asked what there is.
        """
        is_private = privacy.wanted(request.zdr, choice)
        chosen, request = self._chosen(request, choice, is_edit=bool(inputs), is_private=is_private)
        candidates = [self._candidate(model, request.provider, choice) for model in chosen.models]
        shape = dimensions.shape(request, candidates, inputs, masked=masked)
        hinted = hints.quality(request.quality, candidates)
        cut = hints.cutout(request, candidates)
        values, ignored = _values(
            request, shape, candidates, quality=hinted.value, masked=masked, is_cut_out=cut.value is not None
        )
        calls = capabilities.calls_for(request.n, candidates, {INPUTS: len(inputs), **values})
        sent = passed(request, candidates)
        values = {"zdr": is_private, **values}
        generation = _generation(chosen, sent, request.n, calls, request.partial_images or 0, values)
        bound = pricing.bound(generation, candidates, inputs, calls=calls)
        # Where all costs are known the dearest of them is the bound.
        least = pricing.least(generation, candidates, inputs, calls=calls) if bound is None else bound
        masking = ("The mask is applied by compositing: outside of it the picture stays as it was.",) if masked else ()
        return self._with_providers(
            Quote(
                request=generation,
                model_requested=chosen.named,
                estimate=pricing.likely(generation, candidates, inputs, calls=calls, most=bound),
                bound=bound,
                calls=calls if len(calls) > 1 else (),
                max_seed=capabilities.max_seed(generation.seed, candidates) if len(calls) > 1 else None,
                reserve=pricing.reserve(bound),
                least=pricing.reserve(least) or 0,
                pixels=inputs[0].pixels if masked else _pixels(generation, candidates, inputs),
                cutout_format=cut.value,
                warnings=(
                    *(*chosen.warnings, *shape.warnings, *hinted.warnings, *ignored, *sent.warnings),
                    *(*_shared_out(generation, calls), *masking, *cut.warnings),
                ),
            ),
            candidates,
            inputs,
            choice,
        )

    def _chosen(
        self, request: ImageRequest, choice: Choice | None, *, is_edit: bool, is_private: bool
    ) -> tuple[Chosen, ImageRequest]:
        """The models that may serve, and the request with the sources that may be asked.

        Raises:
            UnsupportedModel, InvalidParameter: as `quote`.
        """
        vendors.check(choice, routing=request.provider is not None, zdr=is_private)
        private = self._catalogue.private_models() if is_private else None
        chosen = self._models.choose(request, is_edit=is_edit, choice=choice, among=private)
        if private is None:
            return chosen, request
        routing = privacy.kept_from(request.provider, chosen.models, self._catalogue.image_endpoints, private)
        return chosen, request.model_copy(update={"provider": routing})

    def _candidate(self, model: ImageModel, routing: Routing | None, choice: Choice | None) -> Candidate:
        endpoints = self._catalogue.image_endpoints(model.id)
        if choice is not None and choice.is_direct:
            return Candidate(model, vendors.own_sources(choice.provider, endpoints))
        return capabilities.allowed(model, endpoints, routing)

    def _with_providers(
        self, quote: Quote, candidates: Sequence[Candidate], inputs: Sequence[InputShape], choice: Choice | None
    ) -> Quote:
        """With those that may stand in for the chosen provider, and what each that tells no cost is paid by."""
        if choice is None:
            return quote
        rates = {choice.name: self._rates(choice.provider, candidates)} if choice.is_direct else {}
        others: list[str] = []
        for provider in () if quote.request.routing or quote.request.zdr else choice.others:
            served = [self._at(provider, each.model) for each in candidates]
            if _can_stand_in(quote, provider, served, inputs):
                others.append(provider.name)
                rates[provider.name] = self._rates(provider, served)
        return quote.model_copy(update={"other_providers": tuple(others), "rates": rates})

    def _rates(self, provider: Provider, candidates: Sequence[Candidate]) -> dict[str, Rates]:
        """Of each model that has any: the lines of its sources, and for what these do not name (words, thinking) what
        its maker takes by the token.
        """
        by_token = self._by_token() if any(vendors.makes(provider, each.model.id) for each in candidates) else {}
        found: dict[str, Rates] = {}
        for each in candidates:
            name = each.model.id
            tokens = by_token.get(name) if vendors.makes(provider, name) else None
            if lines := tuple(dict.fromkeys(line for endpoint in each.endpoints for line in endpoint.prices)):
                found[name] = Rates(lines=lines, tokens=tokens)
        return found

    def _by_token(self) -> Mapping[str, TokenPrices]:
        try:
            return {model.id: model.prices for model in self._catalogue.chat_models()}
        except DarkroomError:
            return {}  # the cost is then above the truth, for the dearest line stands in

    def _at(self, provider: Provider, model: ImageModel) -> Candidate:
        return Candidate(model, vendors.own_sources(provider, self._catalogue.image_endpoints(model.id)))


def _pixels(request: GenerationRequest, candidates: Sequence[Candidate], inputs: Sequence[InputShape]) -> int:
    return max(Work(request, each, tuple(inputs)).pixels for each in candidates)


def _generation(
    chosen: Chosen, sent: Passed, n: int, calls: Sequence[int], impressions: int, fields: Mapping[str, Any]
) -> GenerationRequest:
    """What is sent, without the pictures to work from."""
    return GenerationRequest(
        model=chosen.models[0].id,
        fallback_models=tuple(model.id for model in chosen.models[1:]),
        prompt=sent.prompt,
        n=n,
        routing=sent.routing,
        partial_images=impressions if n == 1 else 0,
        stream=max(calls) == 1 and all(model.supports_streaming for model in chosen.models),
        **fields,
    )


def _shared_out(request: GenerationRequest, calls: Sequence[int]) -> tuple[str, ...]:
    if len(calls) == 1:
        return ()
    told = f"{request.model} makes at most {max(calls)} of these at a time, so {len(calls)} calls make the {request.n}."
    seeds = "" if request.seed is None else f" The first has the seed {request.seed}, and each further one another."
    return (told + seeds,)


def _can_stand_in(quote: Quote, provider: Provider, served: Sequence[Candidate], inputs: Sequence[InputShape]) -> bool:
    """Whether the provider can do the very same, for a price that is known and within what is set aside."""
    if not all(provider.serves(each.model.id) and each.endpoints for each in served):
        return False
    request = quote.request
    asked = {name: value for name in _CHECKED if (value := getattr(request, name)) is not None}
    try:
        for n in set(quote.calls or (request.n,)):
            for each in served:
                each.check({"n": n, INPUTS: len(inputs), **asked})
    except InvalidParameter:
        return False
    reserve = pricing.reserve(pricing.bound(request, served, inputs, calls=quote.calls))
    return reserve is not None and quote.reserve is not None and reserve <= quote.reserve


def _values(
    request: ImageRequest,
    shape: Shape,
    candidates: Sequence[Candidate],
    *,
    quality: str | None,
    masked: bool,
    is_cut_out: bool,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Parameters for the provider, without what is as good as not said; and what was ignored, in sentences."""
    output_format = _format(request, candidates, masked=masked, is_cut_out=is_cut_out)
    compression = hints.compression(request.output_compression, output_format, candidates, masked=masked)
    values = {
        "size": shape.size,
        "aspect_ratio": shape.aspect_ratio,
        "resolution": shape.resolution,
        "quality": quality,
        "background": None if is_cut_out else request.background,
        "output_format": output_format,
        "output_compression": compression.value,
        "seed": request.seed,
    }
    said = {name: value for name, value in values.items() if not _is_unsaid(name, value, candidates)}
    return said, compression.warnings


def _is_unsaid(name: str, value: object, candidates: Sequence[Candidate]) -> bool:
    """Whether nothing is lost by leaving it out: what is left to the model, or true of every picture of its."""
    if value is None:
        return True
    if value == AUTO:
        return not all(each.accepts(name, AUTO) for each in candidates)
    return (name, value) == ("background", "opaque") and not all(each.accepts(name, value) for each in candidates)


def _format(request: ImageRequest, candidates: Sequence[Candidate], *, masked: bool, is_cut_out: bool) -> str | None:
    """The format for the provider; with a mask, and where the models have no choice of it, it is ours to see to.

    Raises:
        InvalidParameter: the format and something else do not go together.
    """
    given, accepted = request.output_format, list(shared(candidates, "output_format"))
    if masked:
        if given not in (None, *_MASKED_FORMATS):
            raise _format_refusal(f"With a mask there is no {given}.", list(_MASKED_FORMATS))
        if accepted == ["svg"]:
            detail = f"{candidates[0].model.id} makes SVG alone, to which no mask can be applied."
            raise InvalidParameter(detail, fix="Leave the mask out, or choose another model.", param="mask")
        return None
    if request.background == "transparent":
        transparent = [each for each in (*_MASKED_FORMATS, "svg") if each in accepted and not is_cut_out]
        if given == "jpeg":
            raise _format_refusal("A JPEG cannot be transparent.", transparent or list(_MASKED_FORMATS))
        preferred = given if given in accepted or not is_cut_out else None
        return preferred or ("png" if "png" in accepted else None)
    # What is painted can be written in another format here; what is drawn in vectors cannot, nor can one become such.
    is_ours = given in RASTER_FORMATS and given not in accepted and accepted != ["svg"]
    return None if is_ours else given


def _format_refusal(detail: str, accepted: list[str]) -> InvalidParameter:
    fix = f"Set `output_format` to {' or '.join(accepted)}." if accepted else "Choose another model."
    return InvalidParameter(detail, fix=fix, param="output_format", context={"accepted": accepted})
