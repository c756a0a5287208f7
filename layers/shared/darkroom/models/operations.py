"""An operation as plain data. What it may hold is decided by `darkroom.operations`, which reads it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

# Names that have "color" in them, as they were stored and as British English spells them.
_SPELLED: Final = {
    name.replace("color", "colour"): name
    for name in ("color", "colored", "outline_color", "keep_colors", "color_profile")
}
_GREY: Final = {"gray_world": "grey_world"}


def spelled(given: Any) -> Any:
    """An operation with its name and fields in American spelling; what is no object, and values, stay as they are."""
    if not isinstance(given, Mapping):
        return given
    known = {
        _SPELLED.get(name, name) if _SPELLED.get(name) not in given else name: each for name, each in given.items()
    }
    op = known.get("op")
    if isinstance(op, str):
        known["op"] = op.replace("colour", "color")
    if isinstance(known.get("method"), str):
        known["method"] = _GREY.get(known["method"], known["method"])
    return known


OperationStep = Annotated[dict[str, Any], BeforeValidator(spelled)]
