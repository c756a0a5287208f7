"""Which models and prices of the catalogue are a direct provider's own."""

from collections.abc import Collection, Mapping
from typing import Final

from darkroom.errors import InvalidParameter
from darkroom.models.catalogue import ImageEndpoint
from darkroom.ports import Provider
from darkroom.services.providers import Choice

# Of those whose name is not that of the maker, or of the source.
_MAKERS: Final[Mapping[str, str]] = {"gemini": "google"}
_SOURCES: Final[Mapping[str, frozenset[str]]] = {"gemini": frozenset({"google-ai-studio", "google ai studio"})}


def makes(provider: Provider, model: str) -> bool:
    """Whether the model is the provider's own, so that its published price is what the provider takes."""
    return model.partition("/")[0] == _MAKERS.get(provider.name, provider.name)


def own_sources(provider: Provider, endpoints: Collection[ImageEndpoint]) -> tuple[ImageEndpoint, ...]:
    """Those of a model's sources that are the provider itself."""
    names = _SOURCES.get(provider.name, frozenset({provider.name}))
    return tuple(each for each in endpoints if {each.slug.lower(), each.source.lower()} & names)


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
