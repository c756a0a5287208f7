"""The planner: answers a request to edit with whatever plan the given JSON schema can hold.

It knows no particular schema. It looks for a list of operations told apart by a constant (`"op": "crop"`), for text
that is said to the user and for a prompt that goes to a painter, and fills what matches; anything else that is required
gets the least that is valid.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageStat

from local.simulator.chat_request import text_of
from local.simulator.intents import HISTORY, LOCAL, PAINT, Intent, intents
from local.simulator.listed import expanded
from local.simulator.schema import Filler
from local.simulator.unpainted import possible

Messages = Sequence[Mapping[str, Any]]
_SORRY = "I am not sure what to change. You can say, for example: warmer, crop to the subject, black and white."


def plan(messages: Messages, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A plan for what was said last, in the schema's shape; without a schema in one of our own."""
    text = last_said(messages)
    schema = expanded(schema, "\n".join(text_of(each) for each in messages if each.get("role") == "system"))
    wanted = possible(intents(text), schema)
    if not schema.get("properties") and "$ref" not in schema:
        return {
            "reply": _reply_to(wanted),
            "operations": [_plainly(intent) for intent in wanted if intent.does == LOCAL],
            "prompt": next((intent.mode for intent in wanted if intent.does == PAINT), None),
            "history": next((intent.kind for intent in wanted if intent.does == HISTORY), None),
        }
    filled = Filler(schema, wanted, reply=_reply_to(wanted), text=text).fill()
    return filled if isinstance(filled, dict) else {"value": filled}


def reply(messages: Messages, pictures: Sequence[Image.Image]) -> str:
    """An answer in words."""
    text = last_said(messages)
    wanted = intents(text)
    seen = describe(pictures[-1]) if pictures else ""
    if wanted and not text.rstrip().endswith("?"):
        return " ".join(part for part in (_reply_to(wanted), seen) if part)
    if seen:
        return seen
    return f"You said: “{text.strip()[:200]}”. {_SORRY}" if text.strip() else _SORRY


def describe(picture: Image.Image) -> str:
    """What can be said of a picture without understanding it."""
    red, green, blue = ImageStat.Stat(picture.convert("RGB")).mean
    light = (red + green + blue) / 3
    names = {"red": red, "green": green, "blue": blue}
    strongest = max(names, key=lambda name: names[name])
    colour = strongest if names[strongest] - min(names.values()) > 18 else "grey"
    brightness = "dark" if light < 85 else "bright" if light > 170 else "medium-bright"
    return f"I see a {brightness}, mostly {colour} picture of {picture.width} by {picture.height} pixels."


def last_said(messages: Messages) -> str:
    said = [text_of(message) for message in messages if message.get("role") == "user"]
    return said[-1] if said else ""


def _reply_to(wanted: Sequence[Intent]) -> str:
    return " ".join(intent.said for intent in wanted) or _SORRY


def _plainly(intent: Intent) -> dict[str, Any]:
    return {"op": intent.kind, **intent.given}
