"""Values as forms and people write them: lists and objects as JSON text, numbers and switches as words, in any case."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_SWITCH: Final = {
    **dict.fromkeys(("true", "1", "on", "yes"), True),
    **dict.fromkeys(("false", "0", "off", "no"), False),
}
_PROMPT_FAULTS: Final = ("string_too_short", "string_too_long", "value_error")
_PRIVATE: Final = ("zdr", "data_collection")
_WHOLE: Final = re.compile(r"([+-]?\d{1,18})(?:\.0{1,9})?", re.ASCII)
_DOLLARS: Final = re.compile(r"(?:US)?\$?\s*(\d{1,9}(?:\.\d{1,9}|,\d{1,2})?)\s*\$?", re.ASCII)
# What JavaScript's FormData makes of null and undefined, and what an input makes of nothing.
_NOTHING: Final = ("", "null", "undefined")


def given(fields: Mapping[str, Any], *texts: str) -> dict[str, Any]:
    """The fields that say something: those that are null, or a word that a client writes for it, are absent.

    Args:
        texts: names of free texts, in which these are words like any other.
    """
    return {
        name: value for name, value in fields.items() if not (value is None if name in texts else is_nothing(value))
    }


def is_nothing(value: Any) -> bool:
    """Whether a value is null, or what a client writes for it."""
    return value is None or (isinstance(value, str) and value.strip() in _NOTHING)


def is_prompt_fault(fault: Mapping[str, Any]) -> bool:
    """Whether one of pydantic's faults is a `prompt` that says nothing or is too long.

    One that is missing, or is no text, is a field's fault like any other.
    """
    return bool(fault["loc"]) and fault["loc"][-1] == "prompt" and fault["type"] in _PROMPT_FAULTS


def provider_by_name(schema: dict[str, Any]) -> None:
    """Has a model's JSON Schema say what its callers write: `provider` as a name, or as an object."""
    fields = schema["properties"]
    fields.pop("provider_name", None)
    kinds = fields["provider"].get("anyOf", [fields["provider"]])
    fields["provider"] = {
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": 50}, *kinds],
        "description": "A name (`openai`, `auto`, …): who is to serve. An object: OpenRouter's preferences.",
    }


def split_provider(said: dict[str, Any]) -> dict[str, Any]:
    """The fields with `provider` as a name in `provider_name`, and of an object what asks for privacy in `zdr`.

    OpenRouter's `data_collection: "deny"` asks for less than `zdr`, and is granted with it.
    """
    provider = unfolded(said.get("provider"))
    if isinstance(provider, str):
        said["provider_name"] = said.pop("provider")
    elif isinstance(provider, dict):
        private = (switch(provider.get("zdr")) is True) or provider.get("data_collection") == "deny"
        rest = {name: value for name, value in provider.items() if name not in _PRIVATE and value is not None}
        del said["provider"]
        said |= ({"provider": rest} if rest else {}) | ({"zdr": True} if private else {})
    return said


def unfolded(value: Any) -> Any:
    """Lists and objects come as JSON text in a form."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def lowered(value: Any) -> Any:
    """A word of a fixed set, in whichever case it was written."""
    return value.strip().lower() if isinstance(value, str) else value


def file_format(value: Any) -> Any:
    """The name of a file format: `jpg` is `jpeg`, and a media type is the format it names."""
    word = lowered(value)
    if not isinstance(word, str):
        return word
    word = word.removeprefix(".").removeprefix("image/")
    return {"jpg": "jpeg", "svg+xml": "svg"}.get(word, word)


def switch(value: Any) -> Any:
    """A boolean where a form has a word for it."""
    return _SWITCH.get(value.strip().lower(), value) if isinstance(value, str) else value


def whole_number(value: Any) -> Any:
    """A whole number where a form has its digits."""
    found = _WHOLE.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(found[1]) if found else value


def dollars(value: Any) -> Any:
    """An amount as people type it: with a dollar sign before it, or with a decimal comma.

    `1,000` stays as it is, and is refused: it may be a thousand or one.
    """
    found = _DOLLARS.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1].replace(",", ".") if found else value
