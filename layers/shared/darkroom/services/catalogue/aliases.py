"""From the name that a caller gives a model to the id of a live one.

`aliases.json` has the names that models had, or were given elsewhere, and which models stand in for them today: of
models for pictures and of those for text, by JSON because that is read in a fraction of a millisecond at a cold start.
Names are in lower case, without what `normalise` takes away and without dates. Of the candidates the first that is live
is taken; one without a slash stands for the list of that name in `stand_ins`. No candidate for text makes pictures, and
what was free of charge leads to what is free of charge alone. `text_families` are the beginnings of names of models for
text, behind their maker's name; `inexpensive` are suggested where no name is near, the cheapest first by the prices of
November 2026.
"""

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import UnsupportedModel


class Alias(Struct, frozen=True):
    """Stand-ins for some names, and why they are needed: the end of a sentence that begins with the name."""

    names: tuple[str, ...]
    candidates: tuple[str, ...]
    reason: str


_WRITTEN: Final[Mapping[str, Any]] = json.loads(Path(__file__).with_name("aliases.json").read_text(encoding="utf-8"))


def _table(name: str) -> tuple[Alias, ...]:
    stand_ins = _WRITTEN["stand_ins"]
    return tuple(
        Alias(
            tuple(row["names"]),
            tuple(model for each in row["candidates"] for model in stand_ins.get(each, [each])),
            row["reason"],
        )
        for row in _WRITTEN[name]
    )


CHAT_TABLE: Final = _table("chats")
ALIASES: Final = {name: alias for alias in (*_table("images"), *CHAT_TABLE) for name in alias.names}
INEXPENSIVE: Final[tuple[str, ...]] = tuple(_WRITTEN["inexpensive"])
_TEXT_FAMILIES: Final = tuple(_WRITTEN["text_families"])

MOST_SUGGESTIONS = 5
_MOST_NEAR = 3
# What libraries and other doors to the same models put before their names.
_DOORS = ("openrouter/", "models/", "gemini/", "groq/", "vertex_ai/")
_FREE = ":free"
# OpenAI's snapshots and Anthropic's: `gpt-image-2-2026-04-21`, `claude-3-sonnet-20240229`.
_DATED = re.compile(r"-20\d\d-?\d\d-?\d\d$")
# Anthropic writes `claude-opus-4-6` where others write `claude-opus-4.6`.
_DASHED = re.compile(r"(?<=[a-z]-\d)-(?=\d(?:-|$))")


class Resolved(Struct, frozen=True):
    """A live model's id, and why it is another than was named, if it is."""

    id: str
    reason: str | None = None


class Followed(Struct, frozen=True):
    """Live models in the order of their names, and why they are others than were named."""

    models: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def normalise(name: str) -> str:
    """Lower case, without blanks around and inside, and without what libraries put before a name."""
    text = "-".join(name.lower().split())
    while door := next((each for each in _DOORS if text.startswith(each)), None):
        text = text.removeprefix(door)
    return text


def resolve(name: str, live: Collection[str]) -> Resolved | None:
    """The live model that is meant; None if there is none.

    A name without its maker is enough where only one model has it. What asks for a free variant is never given one that
    has to be paid for.
    """
    exact = name.strip().lower()
    if exact in live:
        return Resolved(exact)
    for form in _forms(normalise(name)):
        if found := _live(form, live):
            return Resolved(found)
        alias = ALIASES.get(form)
        stand_in = next((each for each in alias.candidates if each in live), None) if alias else None
        if alias and stand_in:
            # Of a model that is live the table knows other doors' names, too: nothing stands in for it.
            return Resolved(stand_in, None if _is_same(form, stand_in) else f"{name.strip()} {alias.reason}.")
    return None


def is_known(name: str, live: Collection[str]) -> bool:
    """Whether it means a live model, be it one whose free variant is gone."""
    return resolve(name, live) is not None or resolve(name.strip().removesuffix(_FREE), live) is not None


def follow(names: Sequence[str], live: Collection[str]) -> Followed | None:
    """The models that are meant, of which the first is to be asked and the others may stand in; None if there is none.

    A model that is gone is passed over for the next in turn, which a warning says.
    """
    found = [(name, resolve(name, live)) for name in names]
    models = tuple(dict.fromkeys(each.id for _, each in found if each))
    if not models:
        return None
    gone = [
        f"{name.strip()[:100]} is not offered here; {models[0]} is used instead." for name, each in found if not each
    ]
    replaced = [f"{each.reason} {each.id} is used instead." for _, each in found if each and each.reason]
    return Followed(models, (*gone, *replaced))


def refusal(name: str, *, live: Collection[str], chat: Collection[str] = (), param: str = "model") -> UnsupportedModel:
    """Why the name cannot be used, and which ones can.

    Args:
        chat: ids of the models that make text.
    """
    suggestions = suggest(name, live)
    return UnsupportedModel(
        _why(name, live, chat),
        fix=f"Use for example {suggestions[0]}." if suggestions else "GET /v1/models lists the models there are.",
        param=param,
        context={"suggestions": suggestions},
    )


def suggest(name: str, live: Collection[str]) -> list[str]:
    """Live ids: those with the nearest names first, then inexpensive ones."""
    wanted = normalise(name).removesuffix(_FREE)
    by_name = {_slug(each): each for each in live} | {each: each for each in live}
    near = [by_name[each] for each in difflib.get_close_matches(wanted, by_name, n=_MOST_NEAR)]
    inexpensive = [each for each in INEXPENSIVE if each in live]
    return list(dict.fromkeys((*near, *inexpensive, *live)))[:MOST_SUGGESTIONS]


def _forms(wanted: str) -> tuple[str, ...]:
    """A name as it is, without its date, and as the lists write its version."""
    undated = _DATED.sub("", wanted)
    return tuple(dict.fromkeys((wanted, undated, _DASHED.sub(".", undated))))


def _is_same(form: str, model: str) -> bool:
    return form in (model, _slug(model))


def _live(wanted: str, live: Collection[str]) -> str | None:
    if wanted in live:
        return wanted
    same = [each for each in live if _slug(each) == wanted]
    return same[0] if len(same) == 1 else None


def _why(name: str, live: Collection[str], chat: Collection[str]) -> str:
    shown = name.strip()[:100]
    wanted = normalise(name)
    if wanted.endswith(_FREE) and (paid := resolve(wanted.removesuffix(_FREE), live)):
        return f"{shown} is not offered free of charge any more; {paid.id} has to be paid for."
    if wanted in chat or any(_slug(each) == wanted for each in chat):
        return f"{shown} makes text, and no pictures."
    slug = _slug(wanted)
    if slug.startswith(_TEXT_FAMILIES) and "image" not in slug:
        return f"{shown} makes text, and no pictures; besides, it is not offered any more under this name."
    return f"There is no image model {shown!r}."


def _slug(model: str) -> str:
    return model.rpartition("/")[2]
