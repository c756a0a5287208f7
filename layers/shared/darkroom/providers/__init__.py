"""Model providers: one file each, whose name is the provider's, with a function `connect(settings) -> Provider`.

Files that begin with an underscore are what providers share. A provider is imported when it is asked for.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module

from darkroom.errors import InvalidParameter
from darkroom.ports import Provider
from darkroom.providers._settings import ProviderSettings

__all__ = ["Connect", "ProviderSettings", "load", "names"]

Connect = Callable[[ProviderSettings | None], Provider]


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
