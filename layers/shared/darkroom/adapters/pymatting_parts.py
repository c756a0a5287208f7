"""The modules of pymatting that are used, without the others that its packages import.

`import pymatting` compiles some 30 functions for 72 seconds of one processor (pymatting 1.1). Closed-form matting needs
a few of them.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pkgutil import iter_modules
from typing import Final

PARTS: Final = ("pymatting.alpha.estimate_alpha_cf",)


def skip_package_imports(name: str = "pymatting") -> None:
    """Registers a package and those in it as imported, without what their `__init__` would import.

    Their modules are then imported one by one, each when it is asked for. Call before pymatting is imported;
    does nothing afterwards, or where the package is not installed.
    """
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None:
        return
    package = module_from_spec(spec)
    sys.modules[name] = package
    for part in iter_modules(package.__path__, f"{name}."):
        if part.ispkg:
            skip_package_imports(part.name)


def import_parts() -> None:
    """Imports what is used, which compiles it unless numba has it in its cache."""
    skip_package_imports()
    for part in PARTS:
        import_module(part)


def is_installed() -> bool:
    """Whether this process can have it at all: an image is built without it unless its owner asks."""
    return find_spec("pymatting") is not None


def is_imported() -> bool:
    """Whether closed-form matting can begin in this process."""
    return PARTS[0] in sys.modules
