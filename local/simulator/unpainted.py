"""What is made of a wish to paint where a schema leaves no room for painting: what comes near to it, and the truth."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from local.simulator.intents import LOCAL, PAINT, PAINT_NAMES, Intent, intents
from local.simulator.schema import PROMPT

# A look for which light and colour do something, and what is asked for in its place.
_NEAR = (
    (r"sketch|pencil|skizze|zeichn\w*|dibuj\w*|dessin\w*", "black and white"),
    (r"night|nacht|noche|nuit", "darker"),
    (r"sunset|autumn", "warmer"),
    (r"winter|snow\w*|fog\w*|schnee|nieve|neige", "cooler"),
    (
        r"oil|painting|watercolou?r|van gogh|monet|cartoon|anime|aquarell\w*|gem[aä]lde|acuarela|[oó]leo|peinture",
        "vivid",
    ),
)
_NOTHING = "I cannot paint, and nothing else comes near to it."
_INSTEAD = "I cannot paint; this is as near to it as light and colour come."


def possible(wanted: Sequence[Intent], schema: Mapping[str, Any]) -> list[Intent]:
    """What can be done of it, and what is said of what cannot."""
    painted = next((each for each in wanted if each.does == PAINT), None)
    if _can_paint(schema):
        return _painted(wanted, schema)
    if painted is None:
        return list(wanted)
    near = [each for each in _near(painted.mode or "") if set(each.names) & _constants(schema)]
    done = [each for each in wanted if each.does == LOCAL]
    said = _INSTEAD if near or (done and _constants(schema) & set(done[0].names)) else _NOTHING
    kept = [replace(each, said=said) if each is painted else each for each in wanted]
    return [*kept, *(each for each in near if each.kind not in {other.kind for other in done})]


def _painted(wanted: Sequence[Intent], schema: Mapping[str, Any]) -> list[Intent]:
    """With what the schema has no operation for painted, where operations are to do little or nothing."""
    offered = _constants(schema)
    if "operations" not in offered:
        return list(wanted)
    missed = [each for each in wanted if each.does == LOCAL and each.kind not in offered]
    kept = [each for each in wanted if each not in missed]
    if missed and not any(each.does == PAINT for each in kept):
        kept.append(
            Intent("generate", PAINT, PAINT_NAMES, "I painted that.", mode=missed[0].text, language=missed[0].language)
        )
    return kept


def _near(text: str) -> list[Intent]:
    plain = next((words for look, words in _NEAR if re.search(rf"\b(?:{look})\b", text, re.IGNORECASE)), "")
    return intents(plain)


def _can_paint(schema: Mapping[str, Any]) -> bool:
    """Whether it has a place for a prompt, or a name for painting."""
    if not schema.get("properties") and "$ref" not in schema:
        return True
    return bool(_constants(schema) & set(PAINT_NAMES)) or any(
        PROMPT.search(name) for part in _parts(schema) for name in _mapping(part.get("properties"))
    )


def _constants(schema: Mapping[str, Any]) -> set[str]:
    return {str(part["const"]) for part in _parts(schema) if "const" in part}


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """It, and all mappings that it is made of, in no order."""
    remaining = [schema]
    while remaining:
        each = remaining.pop()
        if isinstance(each, Mapping):
            yield each
            remaining.extend(each.values())
        elif isinstance(each, list):
            remaining.extend(each)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
