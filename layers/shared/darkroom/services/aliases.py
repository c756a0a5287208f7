"""From the name that a caller gives a model to the id of a live one."""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from darkroom.errors import UnsupportedModel
from darkroom.services.alias_table import ALIASES, INEXPENSIVE, TEXT_FAMILIES

MOST_SUGGESTIONS = 5
_MOST_NEAR = 3
_ROUTER = "openrouter/"
_FREE = ":free"
# OpenAI's snapshots: `gpt-image-2-2026-04-21`.
_DATED = re.compile(r"-20\d\d-\d\d-\d\d$")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A live model's id, and why it is another than was named, if it is."""

    id: str
    reason: str | None = None


def normalise(name: str) -> str:
    """Lower case, without blanks around and inside, and without the `openrouter/` that some libraries put before."""
    text = "-".join(name.lower().split())
    while text.startswith(_ROUTER):
        text = text.removeprefix(_ROUTER)
    return text


def resolve(name: str, live: Collection[str]) -> Resolved | None:
    """The live model that is meant; None if there is none.

    A name without its maker is enough where only one model has it. What asks for a free variant is never given the one
    that has to be paid for.
    """
    exact = name.strip().lower()
    if exact in live:
        return Resolved(exact)
    wanted = normalise(name)
    for form in (wanted, _DATED.sub("", wanted)):
        if found := _live(form, live):
            return Resolved(found)
        alias = ALIASES.get(form)
        stand_in = next((each for each in alias.candidates if each in live), None) if alias else None
        if alias and stand_in:
            return Resolved(stand_in, f"{name.strip()} {alias.reason}.")
    return None


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
    if slug.startswith(TEXT_FAMILIES) and "image" not in slug:
        return f"{shown} makes text, and no pictures; besides, it is not offered any more under this name."
    return f"There is no image model {shown!r}."


def _slug(model: str) -> str:
    return model.rpartition("/")[2]
