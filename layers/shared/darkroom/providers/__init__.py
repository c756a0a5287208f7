"""Model providers: one file each, whose name is the provider's, with a function `connect(settings) -> Provider`.

Files that begin with an underscore are what providers share. A provider is imported when it is asked for.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from darkroom.errors import InvalidParameter
from darkroom.providers._settings import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from darkroom.ports import Provider

    Connect = Callable[[ProviderSettings | None], Provider]

__all__ = ["ProviderSettings", "ProvidersByName", "load", "load_sending", "names"]


@cache
def names() -> tuple[str, ...]:
    """The providers there are, in the order of the alphabet."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(name: str) -> Connect:
    """What makes the provider of that name.

    Raises:
        InvalidParameter: there is none; the error lists those there are.
    """
    if name not in names():
        raise InvalidParameter(
            f"There is no provider {name!r}.",
            fix=f"Use one of: {', '.join(names())}.",
            param="provider",
            context={"accepted": list(names())},
        )
    connect: Connect = import_module(f"{__name__}.{name}").connect
    return connect


def load_sending() -> None:
    """Loads what calls are made by, as the first call does otherwise."""
    import_module(f"{__name__}._transport")


class ProvidersByName(Mapping[str, "Provider"]):
    """All the providers there are; one is loaded when it is first looked up, and is the same from then on.

    Args: settings_of: a provider's settings, by its name.
    """

    def __init__(self, settings_of: Callable[[str], ProviderSettings]) -> None:
        self._settings_of = settings_of
        self._loaded: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> Provider:
        if name not in self:
            raise KeyError(name)
        if name not in self._loaded:
            self._loaded[name] = load(name)(self._settings_of(name))
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in names()

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())
