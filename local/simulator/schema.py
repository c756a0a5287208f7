"""Fills a JSON schema with what is to be said and done."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.simulator.intents import ADVICE, HISTORY, LOCAL, PAINT, Intent, spoken

Schema = Mapping[str, Any]
_TOLD_APART = ("op", "operation", "type", "kind", "name", "action", "tool")
_SAID = re.compile(r"reply|message|answer|said|summary|explanation|text|response|comment", re.IGNORECASE)
PROMPT = re.compile(r"prompt|instruction|description", re.IGNORECASE)
_WAYS = {
    "paint": (PAINT, r"paint|generat\w*|artistic|ai|image|repaint"),
    "local": (LOCAL, r"local|operations?|edit|deterministic|adjust|recipe|technical"),
    "history": (HISTORY, r"undo|redo|history|revert"),
    "talk": ("", r"reply|talk|chat|none|clarify|answer|text|question|refuse"),
}
_BOX = {"left": 0.1, "x": 0.1, "x0": 0.1, "top": 0.08, "y": 0.08, "y0": 0.08, "right": 0.9, "x1": 0.9, "bottom": 0.92}
_BOX |= {"y1": 0.92, "width": 0.8, "w": 0.8, "height": 0.84, "h": 0.84}
_DEEP = 12
# Which text of an operation takes an intent's mode, and what the amount of one is called.
_TAKES_MODE = {"text": "text|content", "replace_background": "background|colou?r", "convert": "format", "crop": "ratio"}
_AMOUNT = re.compile(r"amount|strength|angle|degrees|stops|scale|factor|kelvin|percent|value|intensity|level")


class Filler:
    """One plan for one schema.

    Args:
        wanted: what is to be done.
        reply: what the user is told.
        text: what the user said.
    """

    def __init__(self, schema: Schema, wanted: Sequence[Intent], *, reply: str, text: str) -> None:
        self._root = schema
        self._wanted = wanted
        self._reply = reply
        self._text = text

    def fill(self) -> Any:
        return self._value(self._root, "", 0)

    def _resolved(self, schema: Schema) -> Schema:
        """The schema that a reference points to."""
        for _ in range(_DEEP):
            reference = schema.get("$ref")
            if reference is None:
                return schema
            target: Any = self._root
            for part in str(reference).removeprefix("#/").split("/"):
                target = target.get(part, {}) if part and isinstance(target, Mapping) else target
            schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
        return schema

    def _choices(self, schema: Schema) -> list[Schema]:
        """The schemas that a value may follow; one, unless there is a choice."""
        schema = self._resolved(schema)
        choices = schema.get("anyOf") or schema.get("oneOf")
        if not choices:
            if len(schema.get("allOf") or []) == 1:
                return self._choices(schema["allOf"][0])
            return [schema]
        return [each for choice in choices for each in self._choices(choice)]

    def _value(
        self, schema: Schema, name: str, depth: int, intent: Intent | None = None, *, needed: bool = False
    ) -> Any:
        choices = self._choices(schema)
        nullable = any(_is(choice, "null") for choice in choices)
        choices = [choice for choice in choices if not _is(choice, "null") or choice.get("type") != "null"]
        if not choices:
            return None
        if nullable and not needed and not self._is_needed(name, choices, intent):
            return None
        chosen, intent = self._chosen(choices, intent)
        if "const" in chosen:
            return chosen["const"]
        if chosen.get("enum"):
            return self._of_enum(chosen["enum"], intent)
        if _is(chosen, "object") or "properties" in chosen:
            return self._object(chosen, depth, intent)
        if _is(chosen, "array"):
            return self._array(chosen, name, depth, intent)
        return self._scalar(chosen, name, intent)

    def _chosen(self, choices: list[Schema], intent: Intent | None) -> tuple[Schema, Intent | None]:
        """The choice to follow, and the intent that it is for."""
        wanted = [intent] if intent else list(self._wanted)
        for each in wanted if len(choices) > 1 else ():
            for choice in self._matching(choices, each):
                return choice, each
        quiet = [choice for choice in choices if re.search(_WAYS["talk"][1], str(_constant(choice)))]
        return (quiet or choices)[0], intent

    def _matching(self, choices: list[Schema], intent: Intent) -> list[Schema]:
        """The choices that are operations of the intent's kind, the likeliest first."""
        named = [({str(value).lower().replace("-", "_") for value in _constant(each)}, each) for each in choices]
        return [choice for name in intent.names for names, choice in named if name in names]

    def _object(self, schema: Schema, depth: int, intent: Intent | None) -> dict[str, Any]:
        if depth > _DEEP:
            return {}
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        required = schema.get("required") or []
        filled = {}
        amount = self._amount_of(properties, intent)
        known = intent.given if intent is not None and intent.given.keys() <= properties.keys() else {}
        for name, each in properties.items():
            if name in known:
                filled[name] = known[name]
            elif known and name not in _TOLD_APART:
                # Left out: the operation has a default that suits what is said.
                continue
            elif name in required or name == amount or self._is_needed(name, self._choices(each), intent):
                filled[name] = self._value(each, name, depth + 1, intent, needed=name == amount)
        return filled

    def _amount_of(self, properties: Mapping[str, Schema], intent: Intent | None) -> str | None:
        """The property that an intent's amount is for."""
        if intent is None or intent.amount is None:
            return None
        numbers = [
            name
            for name, each in properties.items()
            if any(_is(choice, "number") or _is(choice, "integer") for choice in self._choices(each))
        ]
        meant = (intent.mode, intent.kind, *intent.names)
        likeliest = [name for name in meant if name in numbers] or [name for name in numbers if _AMOUNT.search(name)]
        return next(iter(likeliest or [name for name in numbers if name != "radius"]), None)

    def _array(self, schema: Schema, name: str, depth: int, intent: Intent | None) -> list[Any]:
        items = schema.get("items") or {}
        choices = self._choices(items)
        filled: list[Any] = []
        held: list[Schema] = []
        if intent is None:
            for each in self._wanted:
                if self._matching(choices, each):
                    filled.append(self._value(items, name, depth + 1, each))
                elif (holder := self._holding(choices, each)) is not None and holder not in held:
                    held.append(holder)
                    filled.append(self._object(holder, depth + 1, None))
        while len(filled) < int(schema.get("minItems", 0)):
            filled.append(self._value(items, name, depth + 1, intent))
        return filled[: schema.get("maxItems")]

    def _holding(self, choices: list[Schema], intent: Intent) -> Schema | None:
        """The choice that holds a list of operations, the intent's among them."""
        for choice in choices:
            for each in (choice.get("properties") or {}).values():
                lists = [kind for kind in self._choices(each) if _is(kind, "array")]
                if any(self._matching(self._choices(kind.get("items") or {}), intent) for kind in lists):
                    return choice
        return None

    def _is_needed(self, name: str, choices: list[Schema], intent: Intent | None) -> bool:
        """Whether what may be left out has something to say here."""
        if intent is not None:
            return (
                bool(set(_constants(choices)) & set(intent.names))
                or (intent.mode is not None and intent.mode in _constants(choices))
                or self._takes_mode(name, intent)
                or name in _TOLD_APART
            )
        if PROMPT.search(name):
            return any(each.does == PAINT for each in self._wanted)
        arrays = [self._choices(choice.get("items") or {}) for choice in choices if _is(choice, "array")]
        lists = [item for array in arrays for item in array]
        return bool(_SAID.search(name)) or any(self._matching([*lists, *choices], each) for each in self._wanted)

    def _takes_mode(self, name: str, intent: Intent) -> bool:
        if intent.mode is None or (intent.kind == "crop" and ":" not in intent.mode):
            return False
        return bool(re.fullmatch(_TAKES_MODE.get(intent.kind, "-"), name))

    def _of_enum(self, values: Sequence[Any], intent: Intent | None) -> Any:
        if intent is not None:
            return next((name for name in (intent.mode, *intent.names) if name in values), values[0])
        does = {each.does for each in self._wanted} - {ADVICE}
        both = [value for value in values if re.fullmatch(r"both|hybrid|mixed", str(value), re.IGNORECASE)]
        if does >= {LOCAL, PAINT} and both:
            return both[0]
        for kind, words in _WAYS.values():
            if kind in does or (not kind and not does):
                for value in values:
                    if re.fullmatch(words, str(value), re.IGNORECASE):
                        return value
        named = [name for each in self._wanted for name in each.names if name in values]
        return (named or values)[0]

    def _scalar(self, schema: Schema, name: str, intent: Intent | None) -> Any:
        if _is(schema, "boolean"):
            return bool(schema.get("default", self._wants_painting(name)))
        if _is(schema, "number") or _is(schema, "integer"):
            return self._number(schema, name, intent)
        return self._string(schema, name, intent)

    def _wants_painting(self, name: str) -> bool:
        """Whether a yes or no asks for a wish to paint, and there is one."""
        return "paint" in name and any(each.does == PAINT for each in self._wanted)

    def _string(self, schema: Schema, name: str, intent: Intent | None) -> str:
        if name == "language":
            return self._wanted[0].language if self._wanted else spoken(self._text)
        painted = next((each.mode for each in self._wanted if each.does == PAINT), None)
        if PROMPT.search(name):
            text = (intent.mode if intent and intent.does == PAINT else None) or painted or self._text
        elif intent is not None and self._takes_mode(name, intent):
            text = str(intent.mode)
        elif intent is not None and intent.mode is not None and re.search("ratio|mode|target|preset", name):
            text = intent.mode
        elif "default" in schema and isinstance(schema["default"], str):
            text = schema["default"]
        else:
            text = self._reply
        return text.ljust(int(schema.get("minLength", 0)), ".")[: schema.get("maxLength")]

    def _number(self, schema: Schema, name: str, intent: Intent | None) -> float | int:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        value: float
        if intent is not None and intent.kind.startswith("crop") and name in _BOX:
            value = _BOX[name] * (1 if high is None else high)
        elif intent is not None and intent.amount is not None:
            value = _scaled(intent, name, low, high, schema.get("default"))
        else:
            default = schema.get("default")
            value = default if isinstance(default, int | float) else low or 0
        value = min(value, high) if high is not None else value
        value = max(value, low) if low is not None else value
        if value == schema.get("exclusiveMinimum") and high is not None:
            value = (value + high) / 2
        return round(value) if _is(schema, "integer") else round(float(value), 4)


def _scaled(intent: Intent, name: str, low: float | None, high: float | None, default: Any) -> float:
    """An amount from -100 to 100 in the units of a property."""
    amount = intent.amount or 0
    if name == intent.mode or re.search("degree|angle", name):
        return amount
    if re.search("kelvin", name) or (high is not None and high >= 2000):
        return 6500 - amount * 40
    if "factor" in name or default == 1 or (low is not None and low >= 0 and high is not None and 1 < high <= 10):
        return 1 + amount / 100
    if high is not None and (high <= 1 or (low is not None and low < 0)):
        return amount / 100 * high
    return amount


def _is(schema: Schema, kind: str) -> bool:
    of = schema.get("type")
    return kind in of if isinstance(of, list) else of == kind


def _constant(schema: Schema) -> list[Any]:
    """The constants by which an object is told from others."""
    if "const" in schema:
        return [schema["const"]]
    properties = schema.get("properties") or {}
    values: list[Any] = []
    for name in _TOLD_APART:
        each = properties.get(name) or {}
        values += [each["const"]] if "const" in each else list(each.get("enum") or [])
    return values


def _constants(choices: Sequence[Schema]) -> list[Any]:
    return [value for choice in choices for value in (*_constant(choice), *(choice.get("enum") or []))]
