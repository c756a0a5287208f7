"""Writes `docs/operations.md` and `docs/images/operations.png` from the operations themselves.

    python -m local.recipes_doc

A test refuses a page that says anything else than the operations do.
"""

from collections.abc import Iterator
from typing import Any

from darkroom.operations import ENGINE_VERSION, MOST_OPERATIONS, load, names, schema
from local import recipes_sheet, state

PAGE = state.ROOT / "docs" / "operations.md"

_INTRODUCTION = f"""\
# Recipes

<!-- Written by `python -m local.recipes_doc` from the operations in `layers/shared/darkroom/operations`. -->

A recipe is a list of operations, done one after the other, without a model and without a cent:

```json
[
  {{"op": "crop", "ratio": "4:5"}},
  {{"op": "exposure", "stops": 0.5}},
  {{"op": "vintage", "amount": 60}},
  {{"op": "grain", "amount": 20, "seed": 7}},
  {{"op": "convert", "format": "jpeg", "quality": 90}}
]
```

![Every operation, on one photograph](images/operations.png)

*The photograph is `events/photo.jpg` (NASA, public domain). Each picture is what its caption says, made by the
operation itself.*

- **The same everywhere.** The same picture and recipe give the same pixels, on every machine with the same Pillow. What
  is random (`grain`) depends on a seed. This is version {ENGINE_VERSION} of the engine.
- **For any picture.** Lengths are per cents wherever that makes sense, so that a recipe suits a preview and the
  original.
- **Nothing is lost on the way.** Transparency and the color profile are kept; colors in a recipe are sRGB and are
  brought to the picture's profile. Operations on colors are joined and rounded once.
- **Neutral values do nothing**, exactly: what is at 0, or as it was, gives back the pixels that came.
- **Nothing is skipped.** An operation or a field that is unknown, or out of range, is refused with what is accepted; so
  is a recipe of more than {MOST_OPERATIONS} operations.

Operations marked **subject** look for the subject with the segmentation model, which only the background-removal
function carries.

"""


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    recipes_sheet.write()


def page() -> str:
    """The page in Markdown."""
    known = {each["properties"]["op"]["const"]: each for each in _alternatives()}
    contents = "\n".join(f"| [`{name}`](#{name}) | {_sentence(name)} |" for name in names())
    sections = "\n".join(_section(name, known[name]) for name in names())
    return f"{_INTRODUCTION}| operation | what it does |\n|---|---|\n{contents}\n\n{sections}"


def _alternatives() -> list[dict[str, Any]]:
    items = schema()["items"]
    found: list[dict[str, Any]] = items.get("oneOf") or items["anyOf"]
    return found


def _words(name: str) -> str:
    return " ".join((load(name).__doc__ or "").split())


def _sentence(name: str) -> str:
    first, stop, _ = _words(name).partition(". ")
    return first + stop.strip()


def _section(name: str, described: dict[str, Any]) -> str:
    subject = " **Subject.**" if load(name).needs_subject else ""
    fields = [row for field, about in described["properties"].items() if field != "op" for row in _rows(
        field, about, required=field in described["required"]
    )]  # fmt: skip
    table = "\n| field | takes | default | |\n|---|---|---|---|\n" + "\n".join(fields) + "\n" if fields else ""
    return f"## {name}\n\n{_words(name)}{subject}\n{table}"


def _rows(field: str, about: dict[str, Any], *, required: bool) -> Iterator[str]:
    default = "*required*" if required else _shown(about.get("default"))
    yield f"| `{field}` | {_takes(about)} | {default} | {about.get('description', '')} |"
    within = about.get("items", {})
    for inner, described in within.get("properties", {}).items():
        yield from _rows(f"{field}[].{inner}", described, required=inner in within.get("required", ()))


def _shown(default: object) -> str:
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _takes(about: dict[str, Any]) -> str:
    """What a field accepts, in words."""
    if "enum" in about:
        return ", ".join(f"`{word}`" for word in about["enum"])
    kind = about.get("type", "")
    if kind in ("number", "integer"):
        return ("a whole number" if kind == "integer" else "a number") + _range(about)
    if kind == "array":
        return f"a list of {about.get('minItems', 0)} to {about['maxItems']}"
    return {"boolean": "`true`, `false`", "string": "text"}.get(str(kind), str(kind))


def _range(about: dict[str, Any]) -> str:
    low, high = about.get("minimum"), about.get("maximum")
    if "exclusiveMaximum" in about and about.get("type") == "integer":
        high = about["exclusiveMaximum"] - 1
    if low is not None and high is not None:
        return f", {low:g} to {high:.10g}"
    if low is not None:
        return f", {low:g} or more"
    return f", more than {about['exclusiveMinimum']:g}" if "exclusiveMinimum" in about else ""


if __name__ == "__main__":
    main()
