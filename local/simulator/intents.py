"""What somebody who edits a picture means: sentences in, intentions out. The words stand with the operations."""

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from darkroom import operations
from darkroom.operations import _words
from local.simulator import parameters, wishes
from local.simulator.phrases import Found, clause_at, clauses, find, is_kept, read
from local.simulator.values import QUOTED

LOCAL, PAINT, HISTORY, ADVICE = "local", "paint", "history", "advice"
_QUOTES = re.compile(r"[\"“„«「『”](.{1,80}?)[\"”“»」』]|(?<!\w)[‘'‚](.{1,80}?)[’'‘](?!\w)")
_TYPO = 0.86
_WRITES = frozenset({"text", "watermark"})
# One word in capitals or several, and those which are words of the trade.
_NAME = re.compile(r"(?<![\w])[A-Z][A-Z&]*[A-Z](?: (?:[A-Z][A-Z&]*[A-Z]|[A-Z][a-z]+))*(?![\w])")
_NO_NAMES = frozenset(
    ("RGB", "CMYK", "HDR", "PNG", "JPEG", "JPG", "WEBP", "AI", "DPI", "EXIF", "GPS", "BW", "B&W", "LOGO", "OK")
)
_LATIN = re.compile(r"[a-z]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
PAINT_NAMES = (
    "generate",
    "paint",
    "generative",
    "generative_edit",
    "edit_image",
    "edit",
    "image",
    "repaint",
    "inpaint",
)
# What is meant by words of another operation beside it, in the same clause.
_SAYS_MORE: Mapping[str, frozenset[str]] = {
    "blur": frozenset({"background_blur", "sharpen"}),
    "brightness": frozenset({"auto_contrast", "exposure", "gamma"}),
    "contrast": frozenset({"auto_contrast", "curves"}),
    "crop": frozenset({"crop_to_subject", "resize"}),
    "crop_to_subject": frozenset({"refine_edges"}),
    "drop_shadow": frozenset({"gamma"}),
    "gamma": frozenset({"curves", "levels"}),
    "grain": frozenset({"denoise"}),
    "levels": frozenset({"posterize"}),
    "remove_background": frozenset({"background_blur", "crop", "crop_to_subject", "refine_edges"}),
    "resize": frozenset({"denoise", "posterize", "contrast", "saturation"}),
    "rotate": frozenset({"hue", "straighten", "brightness", "contrast", "saturation", "exposure"}),
    "saturation": frozenset({"vibrance", "vintage", "color_temperature", "white_balance"}),
    "text": frozenset({"watermark"}),
    "vintage": frozenset({"sepia"}),
}
_PUT_ON = frozenset({"border", "text", "watermark", "vignette"})
_BALANCE = re.compile("balan|abgleich|平衡|バランス")


class Intent(Struct, frozen=True):
    """One thing to do.

    Args:
        kind: the operation's name, or such as "undo".
        does: "local", "paint", "history" or "advice".
        names: what operations of that kind are called, the likeliest first.
        said: a sentence that tells the user.
        amount: from -100 to 100, or degrees.
        mode: which of several ways, such as "horizontal"; what is to be painted.
        given: the operation's parameters.
        language, text: what it was said in, and the words themselves.
    """

    kind: str
    does: str
    names: tuple[str, ...]
    said: str
    amount: float | None = None
    mode: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    language: str = "en"
    text: str = ""


@cache
def _ways() -> tuple[_words.Way, ...]:
    return tuple(way for name in operations.names() for way in _words.ways(operations.load(name)))


@cache
def _wishes(name: str) -> _words.Way:
    return _words.Way(name, {}, read(getattr(wishes, name)))


def intents(text: str) -> list[Intent]:
    """What a sentence asks for, in the order in which it does. A name in capitals may be what is to be written."""
    named = _NAME.sub(_as_quoted, text) if text != text.upper() and not _QUOTES.search(text) else text
    if named != text:
        found = _intents(named)
        if any(each.kind in _WRITES for each in found):
            return [replace(each, text=text.strip()) for each in found]
    return _intents(text)


def _as_quoted(found: "re.Match[str]") -> str:
    return found[0] if found[0] in _NO_NAMES else f"“{found[0]}”"


def _intents(text: str) -> list[Intent]:
    quoted: list[str] = []

    def keep(found: "re.Match[str]") -> str:
        quoted.append(next(each for each in found.groups() if each))
        return f" {QUOTED} "

    plain = _plain(_QUOTES.sub(keep, text))
    if not plain:
        return []
    language = language_of(plain, text)
    plain = _mended(plain, language)
    for name, does in (("UNDONE", "undo"), ("REDONE", "redo")):
        if _any(plain, name, language):
            return [Intent(does, HISTORY, _HISTORY[does], f"I did it: {does}.", language=language)]
    if _any(plain, "ADVISED", language) and not quoted:
        return [Intent("suggest", ADVICE, ("suggest",), _advice(language), language=language)]
    if re.search(wishes.SEEN, plain):
        return []
    if re.search(wishes.ASKED, plain) and text.rstrip().endswith(("?", "？", "か", "吗", "呢")) and not re.search(
        wishes.REQUESTED, plain
    ):  # fmt: skip
        return []
    found = _operations(plain, language)
    direct = _without_detours(found)
    wanted = [_as_written(_intent(each, plain, direct, quoted, language), text) for each in direct]
    return [*wanted, *_painted(plain, text, found, language)]


def _as_written(intent: Intent, text: str) -> Intent:
    """With the words that are to be written in the letters in which they were said."""
    given = dict(intent.given)
    if isinstance(given.get("text"), str):
        found = re.search(re.escape(given["text"]), text, re.IGNORECASE)
        given["text"] = found[0] if found else given["text"]
    return replace(intent, given=given, text=text.strip())


_HISTORY = {"undo": ("undo", "revert", "back"), "redo": ("redo", "forward")}


def _plain(text: str) -> str:
    folded = re.sub(r"(?<=[a-z0-9])-(?=[a-z])", " ", _words.folded(text))
    folded = re.sub(r"(?<=[a-z])-(?=\w)", " ", folded)
    return re.sub(r"\s+", " ", folded).strip()


def spoken(text: str) -> str:
    """The language of a sentence."""
    return language_of(_plain(text), text)


def language_of(plain: str, text: str = "") -> str:
    """The language of a folded sentence; which it is where several are possible is told by what is understood."""
    if re.search(r"[\u3040-\u30ff]", plain):
        return "ja"
    if re.search(r"[\u3400-\u9fff]", plain):
        return max(("zh", "ja"), key=lambda name: _understood(plain, name))
    words = re.findall(r"[a-z]+", plain)
    counts = {name: sum(word in common.split() for word in words) for name, common in wishes.COMMON.items()}
    for name, letters in wishes.LETTERS.items():
        counts[name] += 2 * sum(letter in letters for letter in text.casefold())
    best = max(counts.values())
    likely = [name for name, count in counts.items() if count == best]
    return max(likely, key=lambda name: _understood(plain, name)) if len(likely) > 1 else likely[0]


def _understood(plain: str, language: str) -> float:
    """How much of it is understood in that language."""
    wished = (find(plain, _wishes(name), language) for name in ("PAINTED", "CHANGED", "ADVISED", "TALKED"))
    return sum(each.score for each in (*_operations(plain, language), *(found for each in wished for found in each)))


@cache
def _vocabulary(language: str) -> tuple[str, ...]:
    blocks = [phrase for way in (*_ways(), *map(_wishes, ("CHANGED", "PAINTED", "ADVISED", "TALKED")))
              for spoken in (language, "en") for phrase in way.phrases.get(spoken, ())]  # fmt: skip
    words = {_words.folded(part).strip("*!") for phrase in blocks for part in phrase.split(" ") if "{" not in part}
    words |= {
        _words.folded(each).strip("*")
        for name in _words.CLASSES.values()
        for each in name.get(language, "").split(", ")
    }
    return tuple(sorted(words | set(wishes.COMMON.get(language, "").split())))


@cache
def _stems(language: str) -> "re.Pattern[str]":
    return re.compile("|".join(sorted(map(re.escape, filter(lambda word: len(word) > 2, _vocabulary(language))))))


def _mended(plain: str, language: str) -> str:
    """With words that are nearly words that are known in their place."""

    def mend(found: "re.Match[str]") -> str:
        word = found[0]
        if len(word) < 6 or word == QUOTED or _stems(language).match(word):
            return word
        near = difflib.get_close_matches(word, _vocabulary(language), n=1, cutoff=_TYPO)
        return near[0] if near and near[0][0] in (word[0], word[1]) else word

    return _LATIN.sub(mend, plain)


def _any(plain: str, name: str, language: str) -> bool:
    return any(True for _ in find(plain, _wishes(name), language))


def _operations(plain: str, language: str) -> list[Found]:
    """The operations that the sentence names, each once, by the phrases that explain most of it."""
    every = [found for way in _ways() for found in find(plain, way, language)]
    every = [each for each in every if not is_kept(plain, each) and not _is_taken_out(plain, each, language)]
    taken: list[Found] = []
    for each in sorted(every, key=lambda found: (-found.score, found.start)):
        same = next((other for other in taken if other.way.op == each.way.op), None)
        clash = any(_overlap(each.content, other.content) for other in taken)
        if same is not None:
            if not any(_overlap(each.content, other.content) for other in taken if other is not same):
                taken[taken.index(same)] = _together(same, each)
        elif not clash:
            taken.append(each)
    kept = [each for each in taken if not _is_said_better(each, taken, plain)]
    return sorted(kept, key=lambda found: found.start)


def _is_taken_out(plain: str, each: Found, language: str) -> bool:
    """Whether what an operation would put on the picture is to be taken out of it."""
    if each.way.op not in _PUT_ON:
        return False
    taken_out = _words.Way(each.way.op, {}, {language: (f"{{remove}} {each.phrase}",)})
    return any(True for _ in find(plain, taken_out, language))


def _is_said_better(each: Found, taken: Sequence[Found], plain: str) -> bool:
    if each.way.op == "white_balance" and not _BALANCE.search(each.phrase):
        # A complaint, and what is to be done about it.
        return any(other.way.op == "color_temperature" for other in taken)
    if each.way.op == "crop" and not each.way.sets and any(other.way.op == "crop_to_subject" for other in taken):
        return True
    better = _SAYS_MORE.get(each.way.op, frozenset())
    clause = clause_at(plain, each.start)
    return any(other.way.op in better and clause_at(plain, other.start) == clause for other in taken)


def _together(said: Found, also: Found) -> Found:
    """One wish in two ways of saying it; the first holds where they differ."""
    way = replace(said.way, sets={**also.way.sets, **said.way.sets}) if _agree(said, also) else said.way
    return replace(said, way=way, spans=(*said.spans, *also.spans), content=(*said.content, *also.content))


def _agree(said: Found, also: Found) -> bool:
    return not set(said.way.sets) & set(also.way.sets)


def _overlap(some: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> bool:
    return any(start < end2 and start2 < end for start, end in some for start2, end2 in others)


def _without_detours(found: list[Found]) -> list[Found]:
    """Who replaces a background need not remove it first."""
    pairs = zip(found, [*found[1:], None], strict=False)
    return [
        each
        for each, after in pairs
        if not (each.way.op == "remove_background" and after is not None and after.way.op == "replace_background")
    ]


def _intent(each: Found, plain: str, found: Sequence[Found], quoted: Sequence[str], language: str) -> Intent:
    scope = _scope(each, plain, found)
    before = sum(plain[: _scope_start(each, plain, found)].count(QUOTED) for _ in "1")
    texts = quoted[before:] or quoted
    given = parameters.filled(each.way, scope, texts[0] if texts else None, _beside(each, plain, scope))
    numeric = [value for value in given.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    modes = [value for value in given.values() if isinstance(value, str)]
    return Intent(
        each.way.op,
        LOCAL,
        (each.way.op, *_other_names(each.way.op)),
        _said(_words.shown(each.way, language), language),
        float(numeric[0]) if numeric else None,
        modes[0] if modes else None,
        given,
        language,
    )


def _said(name: str, language: str) -> str:
    return f"I made it {name}." if language == "en" and name.endswith("er") else f"{name[:1].upper()}{name[1:]}."


def _beside(each: Found, plain: str, scope: str) -> str:
    said = dict.fromkeys(plain[slice(*span)] for span in each.content)
    return functools.reduce(lambda text, word: text.replace(word, " "), said, scope)


@cache
def _other_names(op: str) -> tuple[str, ...]:
    """What schemas other than Darkroom's may call it: its English words."""
    words = [phrase for way in _words.ways(operations.load(op)) for phrase in way.phrases.get("en", ())]
    plain = dict.fromkeys(
        _words.folded(word).strip("*").replace(" ", "_") for word in words if not re.search(r"[!{]", word)
    )
    return (*plain, op.split("_")[-1], op.split("_")[0])


def _scope_start(each: Found, plain: str, found: Sequence[Found]) -> int:
    """Where that begins which is said of an operation: after the one before."""
    spans = clauses(plain)
    own = [index for index, (start, end) in enumerate(spans) if any(start <= s < end for s, _ in each.spans)] or [0]
    first = own[0]
    others = [other for other in found if other is not each]
    if any(spans[first][0] <= other.start < each.start for other in others):
        return max(other.end for other in others if spans[first][0] <= other.start < each.start)
    is_first = not any(other.start < each.start for other in others)
    return 0 if is_first else spans[first][0]


def _scope(each: Found, plain: str, found: Sequence[Found]) -> str:
    """The part of the sentence in which an operation's values stand."""
    start = _scope_start(each, plain, found)
    later = [other.start for other in found if other.start > each.start]
    if not later:
        return plain[start:]
    after = min(later)
    clause = max((begin for begin, _ in clauses(plain) if begin <= after), default=0)
    return plain[start : clause if clause > each.start else after]


def _painted(plain: str, text: str, found: Sequence[Found], language: str) -> list[Intent]:
    """The wish to paint, if there is one: for what no operation does."""
    free = [
        span
        for span in clauses(plain)
        if not any(span[0] <= place < span[1] for each in found for place, _ in each.spans)
    ]
    art = [
        each
        for each in find(plain, _wishes("PAINTED"), language)
        if not any(_overlap(each.content, other.content) for other in found)
    ]
    is_wanted = bool(art) or any(_free_change(plain, span, language) for span in free)
    if not found and not is_wanted and not _any(plain, "TALKED", language):
        is_wanted = len(_CJK.findall(plain)) >= 2 or len(plain.split()) >= 2
    if not is_wanted or (not art and not found and _any(plain, "TALKED", language) and not any(
        _free_change(plain, span, language) for span in free
    )):  # fmt: skip
        return []
    return [Intent("generate", PAINT, PAINT_NAMES, "I painted that.", mode=text.strip(), language=language)]


def _free_change(plain: str, span: tuple[int, int], language: str) -> bool:
    """Whether a clause without an operation asks for something to be changed."""
    clause = plain[slice(*span)]
    return (
        len(clause.strip()) > 3
        and _any(clause, "CHANGED", language)
        and not re.search(wishes.KEPT, clause)
        and QUOTED not in clause
    )


def _advice(language: str) -> str:
    """Steps that may be applied, in words."""
    names = ("auto_contrast", "vibrance", "sharpen", "crop_to_subject")
    steps = [_words.shown(_words.ways(operations.load(name))[0], language) for name in names]
    return " ".join(f"{number}. {step}." for number, step in enumerate(steps, 1))
