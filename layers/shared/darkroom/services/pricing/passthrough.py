"""What is no parameter of a model: options for its sources, and fields of other APIs that have no counterpart here."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from darkroom.errors import InvalidParameter
from darkroom.errors.names import shown_name
from darkroom.models.generation import Routing
from darkroom.models.image_request import ImageRequest
from darkroom.services.catalogue.capabilities import Candidate

_OPTIONS = "provider.options"
_NEGATIVE = "negative_prompt"
_MODERATION = "moderation"


class Passed(Struct, frozen=True):
    prompt: str
    routing: Routing | None
    warnings: tuple[str, ...]


def passed(request: ImageRequest, candidates: Sequence[Candidate]) -> Passed:
    """The prompt and the routing as they are sent on, and what was not.

    A negative prompt becomes an option where every source has one, and else part of the prompt.

    Raises:
        InvalidParameter: an option is for a source that there is not, or that does not take it.
    """
    _check_options(request.provider, candidates)
    prompt, routing = request.prompt, request.provider
    warnings = []
    if request.negative_prompt is not None:
        if all(each.passes(_NEGATIVE) for each in candidates):
            routing = _with_option(routing, candidates, _NEGATIVE, request.negative_prompt)
        else:
            prompt = f"{prompt}\n\nAvoid: {request.negative_prompt}"
            warnings.append("The model takes no `negative_prompt`: what to avoid was put into the prompt.")
    if request.moderation is not None:
        if all(each.passes(_MODERATION) for each in candidates):
            routing = _with_option(routing, candidates, _MODERATION, request.moderation)
        else:
            warnings.append(_ignored(_MODERATION))
    warnings += [
        _ignored(name) for name in ("style", "input_fidelity", "reasoning") if getattr(request, name) is not None
    ]
    return Passed(prompt, routing, tuple(warnings))


def _check_options(routing: Routing | None, candidates: Sequence[Candidate]) -> None:
    taken: dict[str, set[str]] = {}
    for candidate in candidates:
        for endpoint in candidate.endpoints:
            taken.setdefault(endpoint.slug, set()).update(endpoint.passthrough)
    for slug, options in (routing.options if routing else {}).items():
        if slug not in taken:
            raise _refusal(f"`{_OPTIONS}` is for {shown_name(slug)!r}, which is no source of the model.", sorted(taken))
        for name in options:
            if name not in taken[slug]:
                raise _refusal(f"{slug} takes no option {shown_name(name)!r}.", sorted(taken[slug]))


def _with_option(routing: Routing | None, candidates: Sequence[Candidate], name: str, value: str) -> Routing:
    """With the option for every source that does not have it from the caller already."""
    options: dict[str, dict[str, Any]] = dict(routing.options) if routing else {}
    for slug in (endpoint.slug for candidate in candidates for endpoint in candidate.endpoints):
        options[slug] = {name: value, **options.get(slug, {})}
    return (routing or Routing()).model_copy(update={"options": options})


def _refusal(detail: str, accepted: list[str]) -> InvalidParameter:
    fix = f"It may be {', '.join(accepted)}." if accepted else f"Leave `{_OPTIONS}` out."
    return InvalidParameter(detail, fix=fix, param=_OPTIONS, context={"accepted": accepted})


def _ignored(name: str) -> str:
    return f"`{shown_name(name)}` was ignored: the model has no such parameter."
