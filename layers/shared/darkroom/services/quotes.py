"""From a caller's request to the provider's: which model, with which values, and what it may cost. Nothing is spent."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom.errors import DarkroomError, InvalidParameter
from darkroom.models.catalogue import ImageModel
from darkroom.models.generation import GenerationRequest
from darkroom.models.image_request import ImageRequest
from darkroom.models.quote import InputShape, Quote
from darkroom.services import aliases, capabilities, dimensions, pricing
from darkroom.services.aliases import Resolved
from darkroom.services.capabilities import INPUTS, Candidate, shared
from darkroom.services.catalogue import Catalogue
from darkroom.services.dimensions import AUTO, Shape
from darkroom.services.passthrough import passed

_OLD_QUALITIES = {"standard": "medium", "hd": "high"}
# A mask is applied here, to pixels, and what comes of it can be transparent.
_MASKED_FORMATS = ("png", "webp")
_COMPRESSED_FORMATS = ("jpeg", "webp")


class Quotes:
    """Args:
    generation_model, edit_model: what is taken when no model is named: ids or names, separated by commas, of which
        the first is taken that is live and makes so many pictures at once.
    """

    def __init__(self, catalogue: Catalogue, *, generation_model: str, edit_model: str) -> None:
        self._catalogue = catalogue
        self._generation_model = generation_model
        self._edit_model = edit_model

    def quote(self, request: ImageRequest, *, inputs: Sequence[InputShape] = (), masked: bool = False) -> Quote:
        """What is sent to the provider, and what that may cost.

        If no quality is given and the models have both `medium` and `high`, `medium` it is: their own choice could be
        the dearest, and would have to be reserved.

        Args:
            inputs: the pictures to work from; with any, it is an edit.
            masked: whether the result is put into the first of them where a mask says so.

        Raises:
            UnsupportedModel: with `suggestions`.
            InvalidParameter, InvalidDimensions: with what is accepted; the model, or one of the fallback models, does
                not take it.
            ProviderError, ServiceUnavailable: the provider cannot be asked what it offers.
        """
        live = {model.id: model for model in self._catalogue.image_models()}
        named, models, warnings = self._models(request, live, is_edit=bool(inputs))
        candidates = [
            capabilities.allowed(model, self._catalogue.image_endpoints(model.id), request.provider) for model in models
        ]
        shape = dimensions.shape(request, candidates, inputs, masked=masked)
        values = _values(request, shape, candidates, masked=masked)
        for candidate in candidates:
            candidate.check({"n": request.n, INPUTS: len(inputs), **values})
        sent = passed(request, candidates)
        generation = GenerationRequest(
            model=models[0].id,
            fallback_models=tuple(model.id for model in models[1:]),
            prompt=sent.prompt,
            n=request.n,
            routing=sent.routing,
            stream=request.n == 1 and all(model.supports_streaming for model in models),
            **values,
        )
        estimate = pricing.estimate(generation, candidates, inputs)
        masking = ("The mask is applied by compositing: outside of it the picture stays as it was.",) if masked else ()
        return Quote(
            request=generation,
            model_requested=named,
            estimate=estimate,
            reserve=pricing.reserve(estimate),
            least=pricing.reserve(pricing.least(generation, candidates, inputs)) or 0,
            warnings=(*warnings, *shape.warnings, *sent.warnings, *masking),
        )

    def _models(
        self, request: ImageRequest, live: Mapping[str, ImageModel], *, is_edit: bool
    ) -> tuple[str, list[ImageModel], list[str]]:
        """What the caller named, the model and its fallbacks, and why they are others than were named."""
        named, first = self._first(request, live, is_edit=is_edit)
        found = [first]
        for name in request.fallback_models:
            resolved = aliases.resolve(name, live)
            if resolved is None:
                raise self._unsupported(name, live, param="fallback_models")
            found.append(resolved)
        models = [live[each] for each in dict.fromkeys(resolved.id for resolved in found)]
        return named, models, [f"{each.reason} {each.id} is used instead." for each in found if each.reason]

    def _first(self, request: ImageRequest, live: Mapping[str, ImageModel], *, is_edit: bool) -> tuple[str, Resolved]:
        """The model that was named; else of the defaults the first that is live and makes so many pictures at once."""
        name = request.model
        if name is not None:
            resolved = aliases.resolve(name, live)
            if resolved is None:
                raise self._unsupported(name, live, param="model")
            return name, resolved
        defaults = self._edit_model if is_edit else self._generation_model
        names = [each.strip() for each in defaults.split(",") if each.strip()]
        found = [(each, resolved) for each in names if (resolved := aliases.resolve(each, live))]
        for each, resolved in found:
            count = live[resolved.id].parameters.get("n")
            if request.n == 1 or (count is not None and count.accepts(request.n)):
                return each, resolved
        if found:
            return found[0]
        raise self._unsupported(names[0] if names else "", live, param="model")

    def _unsupported(self, name: str, live: Mapping[str, ImageModel], *, param: str) -> DarkroomError:
        try:
            chat = self._catalogue.chat_model_ids() - set(live)
        except DarkroomError:
            chat = frozenset()  # it only serves to say more of the name
        return aliases.refusal(name, live=live, chat=chat, param=param)


def _values(request: ImageRequest, shape: Shape, candidates: Sequence[Candidate], *, masked: bool) -> dict[str, Any]:
    """Parameters for the provider, without what is as good as not said."""
    output_format, compression = _encoding(request, candidates, masked=masked)
    values = {
        "size": shape.size,
        "aspect_ratio": shape.aspect_ratio,
        "resolution": shape.resolution,
        "quality": _quality(request.quality, candidates),
        "background": request.background,
        "output_format": output_format,
        "output_compression": compression,
        "seed": request.seed,
    }
    return {name: value for name, value in values.items() if not _is_unsaid(name, value, candidates)}


def _is_unsaid(name: str, value: object, candidates: Sequence[Candidate]) -> bool:
    """Whether nothing is lost by leaving it out: what is left to the model, or true of every picture of its."""
    if value is None:
        return True
    if value == AUTO:
        return not all(each.accepts(name, AUTO) for each in candidates)
    return (name, value) == ("background", "opaque") and not all(each.lists(name) for each in candidates)


def _quality(given: str | None, candidates: Sequence[Candidate]) -> str | None:
    if given is not None:
        return _OLD_QUALITIES.get(given, given)
    return "medium" if {"medium", "high"} <= set(shared(candidates, "quality")) else None


def _encoding(request: ImageRequest, candidates: Sequence[Candidate], *, masked: bool) -> tuple[str | None, int | None]:
    """Format and compression for the provider; with a mask these are ours to see to.

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
        return None, None
    if request.background == "transparent":
        transparent = [each for each in (*_MASKED_FORMATS, "svg") if each in accepted]
        if given == "jpeg":
            raise _format_refusal("A JPEG cannot be transparent.", transparent or list(_MASKED_FORMATS))
        given = given or ("png" if "png" in accepted else None)
    if request.output_compression is not None and accepted and given not in _COMPRESSED_FORMATS:
        detail = f"`output_compression` is for JPEG and WebP, and `output_format` is {given or 'not given'}."
        raise _format_refusal(detail, [each for each in _COMPRESSED_FORMATS if each in accepted])
    return given, request.output_compression


def _format_refusal(detail: str, accepted: list[str]) -> InvalidParameter:
    fix = f"Set `output_format` to {' or '.join(accepted)}." if accepted else "Choose another model."
    return InvalidParameter(detail, fix=fix, param="output_format", context={"accepted": accepted})
