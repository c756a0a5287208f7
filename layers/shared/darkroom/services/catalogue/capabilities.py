"""Whether a model can do what is asked of it, by its own description and its sources'.

Sources of one model differ, and the model's own description is the union of theirs. So a request is good if there is
one source that takes all of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from darkroom.errors import DarkroomError, InvalidDimensions, InvalidParameter
from darkroom.models.catalogue import ImageEndpoint, ImageModel, ParameterRange
from darkroom.models.generation import Routing

Parameters = Mapping[str, ParameterRange]
INPUTS = "input_references"
_DIMENSIONS = ("size", "aspect_ratio", "resolution")
# Most models say that they take a seed, and not which. Those behind them keep seeds in integers of these sizes.
_MAX_SEEDS = (2**31 - 1, 2**32 - 1, 2**53 - 1, 2**63 - 1)


class Candidate(Struct, frozen=True):
    """A model that may serve a request, and those of its sources that may.

    Args:
        endpoints: those that routing allows; empty if the model has none on record.
    """

    model: ImageModel
    endpoints: tuple[ImageEndpoint, ...] = ()

    @property
    def sources(self) -> tuple[Parameters, ...]:
        """What each source takes."""
        return tuple(each.parameters or self.model.parameters for each in self.endpoints) or (self.model.parameters,)

    def lists(self, name: str) -> bool:
        return name in self.model.parameters and any(name in source for source in self.sources)

    def values(self, name: str) -> tuple[str, ...]:
        """What an enumerated parameter accepts, from one source or another."""
        return _values(name, (self.model.parameters,), self.sources)

    def accepts(self, name: str, value: object) -> bool:
        return any(self._takes(source, name, value) for source in self.sources)

    def passes(self, option: str) -> bool:
        """Whether every source takes the option for itself."""
        return bool(self.endpoints) and all(option in each.passthrough for each in self.endpoints)

    def can(self, asked: Mapping[str, Any]) -> bool:
        try:
            self.check(asked)
        except DarkroomError:
            return False
        return True

    def check(self, asked: Mapping[str, Any]) -> None:
        """Refuses what no source takes.

        Args:
            asked: values by parameter. `input_references` is a number of pictures.

        Raises:
            InvalidDimensions, InvalidParameter: naming the first parameter that is at fault.
        """
        left = self.sources
        for name, value in asked.items():
            able = tuple(source for source in left if self._takes(source, name, value))
            if not able:
                raise self._refusal(name, value, left)
            left = able

    def _takes(self, source: Parameters, name: str, value: object) -> bool:
        if name == "n" and value == 1:
            return True
        found = (self.model.parameters.get(name), source.get(name))
        if name == INPUTS and value == 0:
            return all(each is None or not each.min for each in found)
        return all(each is not None and each.accepts(value) for each in found)

    def _refusal(self, name: str, value: object, sources: Sequence[Parameters]) -> DarkroomError:
        if name == INPUTS:
            return self._inputs_refusal(int(str(value)), sources)
        kind = InvalidDimensions if name in _DIMENSIONS else InvalidParameter
        ranges = [source[name] for source in sources if name in source and name in self.model.parameters]
        context, fix = _accepted(name, ranges, _values(name, (self.model.parameters,), sources))
        detail = f"{self.model.id} does not take {name} {value}."
        return kind(detail, fix=fix, param=name, context={"model": self.model.id, **context})

    def _inputs_refusal(self, count: int, sources: Sequence[Parameters]) -> InvalidParameter:
        ranges = [source[INPUTS] for source in sources if INPUTS in source]
        least = min((int(each.min or 0) for each in ranges), default=0)
        most = max((int(each.max) for each in ranges if each.max is not None), default=0)
        detail = f"{self.model.id} works from {least} to {most} pictures, and was given {count}."
        if not most:
            detail = f"{self.model.id} makes new pictures only, and does not edit."
        fix = "Send fewer pictures, or choose another model." if count > most else "Send one, as an edit."
        context = {"model": self.model.id, "min": least, "max": most}
        return InvalidParameter(detail, fix=fix, param="image", context=context)


def calls_for(n: int, candidates: Sequence[Candidate], asked: Mapping[str, Any]) -> tuple[int, ...]:
    """How many pictures each call is to make, so that all together make n in as few calls as there can be.

    Args:
        asked: what else is asked of each call, as Candidate.check takes it.

    Raises:
        InvalidDimensions, InvalidParameter: not even one picture can be made so.
    """
    for most in range(n, 1, -1):
        sizes = (most,) * (n // most) + ((n % most,) if n % most else ())
        if all(each.can({**asked, "n": size}) for each in candidates for size in set(sizes)):
            return sizes
    for each in candidates:
        each.check({**asked, "n": 1})
    return (1,) * n


def max_seed(seed: int | None, candidates: Sequence[Candidate]) -> int | None:
    """The largest seed that certainly is taken where this one is; None without a seed."""
    if seed is None:
        return None
    told = [each["seed"].max for one in candidates for each in one.sources if "seed" in each]
    bounds = [int(most) for most in told if most is not None and most >= seed]
    return min([next(size for size in _MAX_SEEDS if seed <= size), *bounds])


def allowed(model: ImageModel, endpoints: Sequence[ImageEndpoint], routing: Routing | None) -> Candidate:
    """The model with those of its sources that the caller allows.

    Raises:
        InvalidParameter: there are sources, but not one of them is allowed.
    """
    left = tuple(each for each in endpoints if _is_allowed(each, routing))
    if endpoints and not left:
        slugs = sorted({each.slug for each in endpoints})
        raise InvalidParameter(
            f"`provider` leaves no source for {model.id}.",
            fix=f"It is served by {', '.join(slugs)}.",
            param="provider.only" if routing and routing.only else "provider.ignore",
            context={"model": model.id, "accepted": slugs},
        )
    return Candidate(model, left)


def shared(candidates: Sequence[Candidate], name: str) -> tuple[str, ...]:
    """What an enumerated parameter accepts of all models."""
    first, *others = candidates
    return tuple(value for value in first.values(name) if all(value in each.values(name) for each in others))


def _is_allowed(endpoint: ImageEndpoint, routing: Routing | None) -> bool:
    if routing is None:
        return True
    names = {endpoint.slug.lower(), endpoint.source.lower()}
    # `google-vertex/us` asks for a part of `google-vertex`, and to ignore it leaves the rest.
    only = {word for each in routing.only for word in (each.lower(), each.lower().partition("/")[0])}
    return (not only or bool(names & only)) and not names & {each.lower() for each in routing.ignore}


def _values(name: str, *groups: Sequence[Parameters]) -> tuple[str, ...]:
    """Those values that each group has, in the first one's order."""
    found = [
        dict.fromkeys(value for source in group if name in source for value in source[name].values) for group in groups
    ]
    return tuple(value for value in found[0] if all(value in each for each in found[1:]))


def _accepted(name: str, ranges: Sequence[ParameterRange], values: Sequence[str]) -> tuple[dict[str, Any], str]:
    """What a parameter takes, for the error's body and in words."""
    if values:
        return {"accepted": list(values)}, f"It takes {', '.join(values)}."
    bounds = [each for each in ranges if each.type == "range" and each.max is not None]
    if not bounds:
        return {"accepted": []}, f"Leave `{name}` out, or choose another model."
    least = min(int(each.min or 0) for each in bounds)
    most = max(int(each.max or 0) for each in bounds)
    return {"min": least, "max": most}, f"It takes {least} to {most}." if least < most else f"It takes {most} alone."
