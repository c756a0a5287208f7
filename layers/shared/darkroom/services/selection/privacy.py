"""Zero data retention: that nothing which is sent is kept anywhere but here.

OpenRouter's door for chat takes `"provider": {"zdr": true}`. Its door for pictures knows no such preference; it takes
`only`, a list of sources. Which models have a source that keeps nothing is published, but not which source that is; so
a model counts if it is among them and has one source alone, and that one is named.
"""

from collections.abc import Callable, Collection, Sequence

from darkroom.errors import InvalidParameter
from darkroom.models.catalogue import ImageEndpoint, ImageModel
from darkroom.models.generation import Routing
from darkroom.services.selection.providers import Choice

EndpointsOf = Callable[[str], Sequence[ImageEndpoint]]


def wanted(asked: bool | None, choice: Choice | None) -> bool:
    """By the request, else by the caller's settings."""
    if asked is not None or choice is None:
        return bool(asked)
    return bool(choice.settings.zero_data_retention)


def kept_from(
    routing: Routing | None, models: Sequence[ImageModel], endpoints_of: EndpointsOf, private: Collection[str]
) -> Routing:
    """The routing that leaves those sources alone which keep nothing.

    Args:
        private: ids of the models that have such a source.

    Raises:
        InvalidParameter: nobody says of a model that there is one, or which one it is.
    """
    only: list[str] = []
    for model in models:
        sources = endpoints_of(model.id) if model.id in private else ()
        if len(sources) != 1:
            raise _refusal(model.id)
        only.append(sources[0].slug)
    return (routing or Routing()).model_copy(update={"only": tuple(dict.fromkeys(only))})


def _refusal(model: str) -> InvalidParameter:
    return InvalidParameter(
        f"Nobody says of a source of {model} that it keeps nothing.",
        fix="Choose another model, or send `zdr`: false; `zero_data_retention` of PATCH /v1/settings is for all.",
        param="zdr",
        context={"model": model},
    )
