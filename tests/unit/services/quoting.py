"""Models and sources made by hand, a client of the simulator, and quotes from it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from darkroom.models.catalogue import ImageEndpoint, ImageModel, ParameterRange, PriceLine
from darkroom.models.image_request import ImageRequest
from darkroom.models.quote import InputShape, Quote
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.catalogue.capabilities import Candidate
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.pricing.quotes import Quotes
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock

GENERATION_MODEL = "nobody/gone, black-forest-labs/flux.2-klein-4b"
EDIT_MODEL = "google/gemini-2.5-flash-image"
SQUARE = InputShape(width=1024, height=1024)


def enum(*values: str) -> ParameterRange:
    return ParameterRange(type="enum", values=values)


def between(least: int, most: int) -> ParameterRange:
    return ParameterRange(type="range", min=Decimal(least), max=Decimal(most))


def line(usd: object, billable: str = "output_image", unit: str = "image", variant: str | None = None) -> PriceLine:
    amount = None if usd is None else Decimal(str(usd))
    return PriceLine.model_construct(billable=billable, unit=unit, usd=amount, variant=variant)


def source(slug: str = "acme", *prices: PriceLine, passthrough: Sequence[str] = (), **parameters: Any) -> ImageEndpoint:
    return ImageEndpoint(
        source=slug.title(), slug=slug, parameters=parameters, passthrough=tuple(passthrough), prices=prices
    )


def candidate(
    *sources: ImageEndpoint, model: str = "acme/painter", parameters: Mapping[str, ParameterRange] | None = None
) -> Candidate:
    """A model whose own description is the union of its sources', unless told otherwise."""
    union: dict[str, ParameterRange] = {}
    for each in sources:
        for name, found in each.parameters.items():
            before = union.get(name, found)
            union[name] = found.model_copy(update={"values": tuple(dict.fromkeys(before.values + found.values))})
    described = union if parameters is None else dict(parameters)
    return Candidate(ImageModel(id=model, name=model, parameters=described), sources)


def provider(simulator: Simulator) -> OpenRouter:
    return OpenRouter(ProviderSettings(url=simulator.url, attempts=1))


def catalogue(simulator: Simulator) -> Catalogue:
    return Studio(simulator, SteppingClock()).app.catalogue


def quotes(simulator: Simulator) -> Quotes:
    models = {"DARKROOM_IMAGE_GENERATION_MODEL": GENERATION_MODEL, "DARKROOM_IMAGE_EDIT_MODEL": EDIT_MODEL}
    return Studio(simulator, SteppingClock(), painter=None, environ=models).app.quotes


def quote(
    quoting: Quotes, model: str | None = None, *, inputs: Sequence[InputShape] = (), masked: bool = False, **fields: Any
) -> Quote:
    request = ImageRequest.model_validate({"prompt": "A red fox", "model": model, **fields})
    return quoting.quote(request, inputs=inputs, masked=masked)
