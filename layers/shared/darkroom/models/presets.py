"""Built-in frames: canvas, share of it, background and file for a use, and the rules that a picture there has to meet.

A preset is an option of a cut-out, and a recipe that everybody has.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, convert

from darkroom.errors import InvalidParameter


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """What a picture has to meet; None where it may be as it likes.

    Attributes:
        least_longest, most_longest, least_shortest: of its sides, in pixels.
        ratio: of width to height.
        background: `white`: at its edge each pixel is (255, 255, 255); `plain`: they are nearly the same;
            `transparent`.
        fill: how much of its width or height, whichever is more, the subject takes, in per cent: from, to.
        formats: as `Picture.source_format` has them.
    """

    least_longest: int | None = None
    most_longest: int | None = None
    least_shortest: int | None = None
    ratio: tuple[int, int] | None = None
    background: Literal["white", "plain", "transparent"] | None = None
    fill: tuple[float, float] | None = None
    formats: tuple[str, ...] | None = None
    most_bytes: int | None = None


class Preset(Struct, frozen=True):
    """Attributes: options: of a cut-out, by their names; `fit` is always among them."""

    name: str
    title: str
    options: dict[str, Any]
    rules: Rules

    @property
    def size(self) -> tuple[int, int]:
        width, _, height = str(self.options["fit"]).partition("x")
        return int(width), int(height)

    @property
    def steps(self) -> tuple[dict[str, Any], ...]:
        """The same as operations of a recipe."""
        width, height = self.size
        place: dict[str, Any] = {name: self.options[name] for name in ("fill", "position") if name in self.options}
        steps: list[dict[str, Any]] = [{"op": "remove_background"}]
        steps.append({"op": "frame", "width": width, "height": height, **place})
        if "shadow" in self.options:
            steps.append({"op": "drop_shadow", "kind": self.options["shadow"], "grow": False})
        if "background" in self.options:
            steps.append({"op": "replace_background", "background": self.options["background"]})
        return (*steps, {"op": "convert", "format": self.options["format"]})


@cache
def presets() -> dict[str, Preset]:
    """By name."""
    written = json.loads(Path(__file__).with_name("presets.json").read_text(encoding="utf-8"))
    return {row["name"]: convert(row, Preset) for row in written}


def preset_named(name: str) -> Preset:
    """Raises InvalidParameter, which lists those there are."""
    found = presets().get(name)
    if found is None:
        known = list(presets())
        raise InvalidParameter(
            f"There is no preset {name[:64]!r}.",
            fix=f"There are: {', '.join(known)}.",
            param="preset",
            context={"known": known},
        )
    return found
