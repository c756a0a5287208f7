"""Source that the standard library writes and compiles while packages are loaded: what is compiled once, when the layer
is built, need not be compiled at each start.

`dataclasses` writes the methods of a class, `collections.namedtuple` its constructor. Under Python 3.13 that is a
fifteenth of what a start takes, most of it pydantic's. `typing.TypedDict` compiles each annotation: some five hundred
in `pydantic_core.core_schema`, where only type checkers read them.

`layers/Makefile` has `write` make the file, by the Python that is to read it. Without the file all is as it always was.
"""

import builtins
import collections
import dataclasses
import marshal
import pkgutil
import sys
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import MAGIC_NUMBER, find_spec
from pathlib import Path
from types import CodeType
from typing import Any, Final

FILE: Final = Path(__file__).parent.with_name("written_code.bin")
# Who compiles what it has written, and by which of the builtins.
_WRITERS: Final = ((dataclasses, "exec"), (collections, "eval"))
_LOADED: Final = ("pydantic", "httpx", "aws_lambda_powertools.event_handler.api_gateway", "darkroom")


def use(file: Path = FILE) -> None:
    """From now on what is in the file is not compiled; it is ignored where it is missing or another Python's."""
    with suppress(OSError):
        told = file.read_bytes()
        if told.startswith(MAGIC_NUMBER):
            codes: Mapping[str, CodeType] = marshal.loads(told[len(MAGIC_NUMBER) :])  # noqa: S302 - of the layer itself
            _compile_by(lambda source, _: codes.get(source, source))


def load_untyped(package: str) -> None:
    """Loads a package, in which `TypedDict` makes classes without fields."""
    if package in sys.modules or find_spec(package) is None:
        return
    import typing_extensions

    kept = {each: vars(each)["TypedDict"] for each in (typing, typing_extensions)}
    for each in kept:
        vars(each)["TypedDict"] = _Untyped
    try:
        import_module(package)
    finally:
        for each, typed_dict in kept.items():
            vars(each)["TypedDict"] = typed_dict


class _Untyped:
    """As a TypedDict, what is made of it is a plain dictionary."""

    def __new__(cls, *given: Any, **fields: Any) -> Any:
        return dict(*given, **fields)

    def __init_subclass__(cls, **_: Any) -> None:
        """Takes what a TypedDict takes (`total`)."""


def _compile_by(compiled: Callable[[str, str], CodeType | str]) -> None:
    """Has the writers run what `compiled` makes of (source, `exec` or `eval`)."""
    for module, name in _WRITERS:
        run = getattr(builtins, name)

        def run_compiled(source: Any, *scope: Any, _run: Any = run, _mode: str = name) -> Any:
            return _run(compiled(source, _mode), *scope)

        # A module's globals come before the builtins.
        setattr(module, name, run_compiled)


def write(file: Path = FILE) -> None:
    """Loads what functions load, and writes what is compiled meanwhile."""
    codes: dict[str, CodeType] = {}

    def compiled(source: str, mode: str) -> CodeType:
        codes[source] = compile(source, "<string>", mode, dont_inherit=True)
        return codes[source]

    _compile_by(compiled)
    for name in _LOADED:
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}.") if name == "darkroom" else ():
            # The layer has no part of Lambda's runtime, nor of what the image alone has.
            with suppress(ImportError):
                import_module(module.name)
    file.write_bytes(MAGIC_NUMBER + marshal.dumps(codes))
