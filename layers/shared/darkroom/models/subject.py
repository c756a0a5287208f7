"""Which part of a picture is meant: a box around it, or points on it. The text that callers write, and what it says."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from darkroom.models.form_values import unfolded

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are exclusive."""

Position = Literal[
    "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"
]  # fmt: skip
"""Where on a canvas something is."""

MOST_POINTS: Final = 20
HOW: Final = (
    "Give a box as `left top right bottom` (`10% 10% 90% 80%`), or points as `x y; x y` (`320 240`), in pixels or per "
    "cent of the picture."
)
_LENGTH: Final = re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)(px|%)?", re.ASCII)
_SIDES: Final = ("left", "top", "width", "height")


class Length(Struct, frozen=True):
    """Pixels, or per cent of something."""

    value: float
    is_percent: bool = False

    def of(self, whole: int) -> int:
        return round(self.value * whole / 100 if self.is_percent else self.value)


class Subject(Struct, frozen=True):
    """Either `box` (left, top, right, bottom) or `points` (x, y)."""

    box: tuple[Length, ...] = ()
    points: tuple[tuple[Length, ...], ...] = ()


def subject_of(text: str) -> Subject:
    """What a text says; raises ValueError where it is neither a box nor points."""
    parts = [part for part in text.replace(",", " ").split(";") if part.strip()]
    groups = [tuple(map(_length, part.split())) for part in parts]
    if len(groups) == 1 and len(groups[0]) == 4:
        return Subject(box=groups[0])
    if not groups or len(groups) > MOST_POINTS or any(len(each) != 2 for each in groups):
        raise ValueError(f"{HOW} There are at most {MOST_POINTS} points")
    return Subject(points=tuple(groups))


def subject_text(value: Any) -> Any:
    """The text for numbers in lists (`[l, t, r, b]`, `[x, y]`, `[[x, y], …]`) and in objects (`{"box": …}`,
    `{"points": …}`, `{"left", "top", "width", "height"}`, `{"x", "y"}`); anything else as it is.
    """
    value = unfolded(value)
    if isinstance(value, Mapping):
        return _of_object(value)
    if _is_list(value) and value and all(map(_is_list, value)):
        return "; ".join(_written(each) for each in value)
    if _is_list(value) and value and all(isinstance(each, Mapping) for each in value):
        return "; ".join(str(_of_object(each)) for each in value)
    return _written(value) if _is_list(value) else value


def _of_object(value: Mapping[str, Any]) -> Any:
    keys = set(value)
    if keys in ({"box"}, {"points"}):
        (inside,) = value.values()
        is_flat = _is_list(inside) and len(inside) == (4 if keys == {"box"} else -1)
        is_nested = keys == {"points"} and _is_list(inside) and bool(inside)
        is_object = keys == {"box"} and isinstance(inside, Mapping)
        return subject_text(inside) if is_flat or is_nested or is_object else value
    if keys == set(_SIDES) and all(type(value[side]) in (int, float) for side in _SIDES):
        left, top, width, height = (value[side] for side in _SIDES)
        return _written([left, top, left + width, top + height])
    return _written([value["x"], value["y"]]) if keys == {"x", "y"} else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _written(values: Sequence[Any]) -> str:
    return " ".join(f"{each:.6f}".rstrip("0").rstrip(".") if type(each) is float else str(each) for each in values)


def _length(text: str) -> Length:
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:20]!r} is no length. {HOW}")
    return Length(float(found[1]), found[2] == "%")
