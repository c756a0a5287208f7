"""Which models and prices of the catalogue are a direct provider's own."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import TypeVar

from darkroom.errors import InvalidParameter
from darkroom.models.catalogue import ChatEndpoint, ImageEndpoint, TokenPrices
from darkroom.ports import Provider
from darkroom.services.selection.providers import Choice

_Endpoint = TypeVar("_Endpoint", ImageEndpoint, ChatEndpoint)


def makes(provider: Provider, model: str) -> bool:
    """Whether the model is the provider's own, so that its published price is what the provider takes."""
    return model.partition("/")[0] in provider.makers


def own_sources(provider: Provider, endpoints: Collection[_Endpoint]) -> tuple[_Endpoint, ...]:
    """Those of a model's sources that are the provider itself, whichever variant a slug like `acme/fp8` names."""
    return tuple(each for each in endpoints if _names(each) & provider.sources)


def _names(endpoint: ImageEndpoint | ChatEndpoint) -> set[str]:
    slug = endpoint.slug.lower()
    return {slug, slug.partition("/")[0], endpoint.source.lower()}


def dearest(each: Sequence[TokenPrices]) -> TokenPrices:
    """For each thing the highest price; unknown where it is for one of them, or where there are none."""
    found: dict[str, Decimal | None] = {}
    for name in TokenPrices.model_fields:
        prices: list[Decimal | None] = [getattr(one, name) for one in each]
        known = [price for price in prices if price is not None]
        is_needed = name in ("prompt", "completion")
        found[name] = None if not known or (is_needed and len(known) < len(prices)) else max(known)
    return TokenPrices(**found)


def check(choice: Choice | None, *, routing: bool, zdr: bool) -> None:
    """Refuses what only OpenRouter can be asked for.

    Args:
        routing: whether there are preferences among sources.
        zdr: whether nothing is to be kept.

    Raises:
        InvalidParameter: the provider is another.
    """
    if choice is None or not choice.is_direct:
        return
    title = choice.provider.title
    if routing:
        raise InvalidParameter(
            f"{title} serves its models itself; preferences among sources are for OpenRouter.",
            fix=f"Send `provider`: `{choice.name}`, or have OpenRouter serve you (`ai_provider`, PATCH /v1/settings).",
            param="provider",
        )
    if zdr:
        raise InvalidParameter(
            f"{title} cannot be told with a request to keep nothing.",
            fix="Send `provider`: `openrouter`, or `zdr`: false; see `zero_data_retention` of PATCH /v1/settings.",
            param="zdr",
        )
