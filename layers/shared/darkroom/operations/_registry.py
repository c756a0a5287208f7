"""Which operations there are, found by their files' names; and recipes as JSON."""

import pkgutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from darkroom.errors import InvalidParameter
from darkroom.models.operations import spelled
from darkroom.models.recipe import MOST_STEPS
from darkroom.operations import _words
from darkroom.operations._base import Operation, Schema
from darkroom.operations._complaint import complaint
from darkroom.operations._schema import schema_of, strictly

MOST_OPERATIONS: Final = MOST_STEPS
_PACKAGE: Final = __name__.rpartition(".")[0]


@cache
def names() -> tuple[str, ...]:
    """The operations there are, in the order of the alphabet."""
    files = pkgutil.iter_modules([str(Path(__file__).parent)])
    return tuple(sorted(file.name for file in files if not file.ispkg and not file.name.startswith("_")))


@cache
def load(name: str) -> type[Operation]:
    """The operation of that name.

    Raises:
        InvalidParameter: there is none; the error lists those there are.
    """
    if name not in names():
        meant = [each for each in names() if _words.means(_operation_in(each), name)]
        near = meant or get_close_matches(name, names(), n=1)
        likely = " or ".join(f"`{each}`" for each in near)
        raise InvalidParameter(
            f"There is no operation {name[:60]!r}.",
            fix=(f"Did you mean {likely}? " if near else "") + f"There are: {', '.join(names())}.",
            param="op",
            context={"accepted": list(names())},
        )
    return _operation_in(name)


def _operation_in(name: str) -> type[Operation]:
    module = import_module(f"{_PACKAGE}.{name}")
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, Operation)
        and each.__module__ == module.__name__
        and "op" in each.model_fields
    ]
    if len(found) != 1 or found[0].model_fields["op"].default != name:
        raise TypeError(f"{module.__name__} has to hold exactly one operation, whose `op` is {name!r}")
    return found[0]


def schema(*, strict: bool = False) -> Schema:
    """The schema of a recipe: an array of operations, without references, each with its sentence and its fields.

    Args:
        strict: for OpenAI's structured outputs with `strict: true`. Every field is then required, with null where it
            may be left out; defaults are said in the descriptions. The array has to be put into an object, since the
            root cannot be an array. Not said in either: what holds between two fields, such as `white` above `black`.
            `parse` checks that, and takes null for left out where the schema offers it.
    """
    known = [schema_of(load(name)) for name in names()]
    return {
        "type": "array",
        "maxItems": MOST_OPERATIONS,
        "items": {"anyOf": [strictly(each) if strict else each for each in known]},
    }


def parse(items: Sequence[Mapping[str, Any]], param: str = "operations") -> tuple[Operation, ...]:
    """A recipe, as it comes in JSON.

    Args:
        param: what the list is called where it comes from.

    Raises:
        InvalidParameter: the first thing that is wrong; `param` is like `operations[2].temperature`.
    """
    if len(items) > MOST_OPERATIONS:
        raise InvalidParameter(
            f"The recipe has {len(items)} operations; at most {MOST_OPERATIONS} are accepted.",
            fix="Split it into several.",
            param=param,
        )
    return tuple(_parsed(item, f"{param}[{index}]") for index, item in enumerate(items))


def _parsed(item: object, at: str) -> Operation:
    item = spelled(item)
    name = item.get("op") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(name, str):
        raise InvalidParameter(
            f"{at} does not say which operation it is.",
            fix='Give an object such as {"op": "flip"}. Operations are: ' + ", ".join(names()) + ".",
            param=f"{at}.op",
            context={"accepted": list(names())},
        )
    try:
        return load(name).model_validate(dict(item))
    except InvalidParameter as error:
        error.param = f"{at}.{error.param}"
        raise
    except ValidationError as error:
        raise complaint(error, load(name), at) from error


def dump(operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """The recipe as JSON; equal recipes give equal JSON.

    Every field is in it but those that are None, defaults too: should a default ever change, the recipe will not.
    """
    return [each.model_dump(mode="json", exclude_none=True) for each in operations]


def described(step: Mapping[str, Any], language: str) -> str:
    """What a step of a recipe does, with its values, in the words of a language or else in English."""
    return _words.described(load(str(step["op"])), step, language)


@cache
def called(name: str) -> frozenset[str]:
    """All plain words for an operation, in every language, folded."""
    phrases = (each for language in _words.LANGUAGES for each in _words.called(load(name), language))
    return frozenset(map(_words.folded, phrases))
