"""Simulators of single providers, a file each, named as the provider's own file: `darkroom/providers/{name}.py`.

Each has a class `Simulator` with what `local.providers._base.World` lists. The contract suite and `make up` find them
by name. Files that begin with an underscore are what they share.
"""

import pkgutil
from importlib import import_module

from local.providers._base import Simulator, World, rates_of

__all__ = ["Simulator", "World", "load", "names", "rates_of"]


def names() -> tuple[str, ...]:
    """Those there are, in the order of the alphabet."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(name: str) -> type[World]:
    """Raises LookupError that says what to write."""
    if name not in names():
        raise LookupError(f"There is no simulator of {name}: write local/providers/{name}.py with a class Simulator.")
    found: type[World] = import_module(f"{__name__}.{name}").Simulator
    return found
