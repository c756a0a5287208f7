"""Values as forms and people write them: lists and objects as JSON text, numbers and switches as words, in any case."""

import json
import re
from typing import Any, Final

_SWITCH: Final = {
    "true": True,
    "1": True,
    "on": True,
    "yes": True,
    "false": False,
    "0": False,
    "off": False,
    "no": False,
}
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


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
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value.strip()) else value
