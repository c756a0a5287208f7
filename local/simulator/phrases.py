"""Phrases of operations' words in a sentence; the form of phrases is described in `darkroom.operations._words`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise, product

from msgspec import Struct

from darkroom.operations import _words
from local.simulator import values, wishes

Span = tuple[int, int]
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_BETWEEN = re.compile(wishes.BETWEEN)
_CLAUSES = re.compile(f"{wishes.BETWEEN}|{wishes.ASIDE}")
_KEPT = re.compile(wishes.KEPT)
# A thing that is in, on or behind what a phrase is about is another thing.
_WITHIN = re.compile(
    r"^ *(?:(?:the|all|every|everything|what|is|s|it|of|its|this|that|my|our|whole|entire|das|den|die|der|dem|"
    r"ganze\w*|gesamte\w*|alles|"
    r"le|la|les|l|tout|toute|ce|son|sa|el|los|las|lo|todo|toda|su|un|una|une|a|an|ein|eine|einen|en|de|du|des|"
    r"del|al|out|off|away) +)*"
    r"(?!(?:in|from|on|at|behind|im|aus|vom|auf|hinter|dans|sur|derriere|detras|sobre)\b)\w+ .*?"
    r"\b(?:in|from|on|at|behind|im|aus|vom|am|hinter|dans|sur|derriere|en|del|detras|sobre|au|de|a l|a la)\b"
)
_WITHIN_CJK = re.compile(
    r"里的|中的|里面的|上的|后面的|の[^a-z]*[人物者車字影線鳥犬猫]|に(?:いる|ある|写)|里|"
    r"的[^a-z]"
)
_MAX_WORDS, _MAX_LETTERS = 5, 9
_LOAN = re.compile(r"[a-z0-9& ]{4,}\*?")


@dataclass(frozen=True)
class Phrase:
    """One phrase of a language, ready to be looked for."""

    parts: tuple[re.Pattern[str], ...]
    never: tuple[re.Pattern[str], ...]
    # Of each part: whether it is a word that goes with the name of anything.
    is_class: tuple[bool, ...]
    text: str
    # Letters without which it cannot be there, which are sooner looked for.
    needed: tuple[str, ...]


class Found(Struct, frozen=True):
    """Where a phrase stands.

    Args:
        content: the places of its own words, without those that go with anything.
        score: how much of the sentence it explains.
    """

    way: _words.Way
    spans: tuple[Span, ...]
    content: tuple[Span, ...]
    score: float
    phrase: str

    @property
    def start(self) -> int:
        return min(self.spans)[0]

    @property
    def end(self) -> int:
        return max(end for _, end in self.spans)


@cache
def compiled(text: str, language: str) -> Phrase:
    parts: list[re.Pattern[str]] = []
    never: list[re.Pattern[str]] = []
    of_class: list[bool] = []
    for each in text.split(" "):
        (never if each.startswith("!") else parts).append(re.compile(_pattern(each.removeprefix("!"), language)))
        if not each.startswith("!"):
            of_class.append(each.startswith("{"))
    plain = (each for each in text.split(" ") if "{" not in each and not each.startswith("!"))
    needed = tuple(letters for each in plain for letters in _folded(each).removesuffix("*").split(" "))
    return Phrase(tuple(parts), tuple(never), tuple(of_class), text, needed)


def _pattern(part: str, language: str) -> str:
    pieces = re.split(r"(\{\w+\})", part)
    return "".join(
        _placeholder(each[1:-1], language) if each.startswith("{") else _literal(each) for each in pieces if each
    )


def _placeholder(name: str, language: str) -> str:
    if name in _words.CLASSES:
        given = _words.CLASSES[name].get(language, "")
        return "(?:" + "|".join(_literal(_words.folded(each)) for each in given.split(", ")) + ")" if given else r"(?!)"
    return values.pattern(name, language)


def _literal(word: str) -> str:
    folded = _folded(word)
    plain = re.escape(folded.removesuffix("*")).replace(r"\ ", r"\s+")
    if _CJK.search(folded):
        return plain
    return rf"(?<![a-z0-9]){plain}{'[a-z]*' if folded.endswith('*') else ''}(?![a-z0-9])"


def _folded(word: str) -> str:
    return _words.folded(word).replace("_", " ").replace("-", " ")


def find(text: str, way: _words.Way, language: str) -> Iterator[Found]:
    """All places of the way's phrases in a folded sentence; English ones, too, where they are used in others."""
    for spoken in dict.fromkeys((language, "en")):
        for given in way.phrases.get(spoken, ()):
            if spoken != language and not _LOAN.fullmatch(given):
                continue
            phrase = compiled(given, spoken)
            if not all(letters in text for letters in phrase.needed):
                continue
            for spans in _places(text, phrase):
                content = tuple(span for span, is_class in zip(spans, phrase.is_class, strict=True) if not is_class)
                score = _score(text, spans, phrase) * (1 if spoken == language else 0.7)
                yield Found(way, spans, content or spans, score, given)


def _places(text: str, phrase: Phrase) -> Iterator[tuple[Span, ...]]:
    places = [[found.span() for found in part.finditer(text)][:4] for part in phrase.parts]
    if not all(places):
        return
    for spans in product(*places):
        if _belong(text, spans) and not any(each.search(clause_at(text, spans[0][0])) for each in phrase.never):
            yield spans


def _belong(text: str, spans: Sequence[Span]) -> bool:
    """Whether words at these places are said of the same thing."""
    for (_, end), (start, _) in pairwise(sorted(spans)):
        if start < end:
            return False
        gap = text[end:start]
        words = re.findall(r"[a-z0-9]+", gap)
        if len(words) > _MAX_WORDS or len(gap) - sum(map(len, words)) - len(words) > _MAX_LETTERS:
            return False
        if _BETWEEN.search(gap) or (_WITHIN_CJK if _CJK.search(text) else _WITHIN).search(gap):
            return False
    return True


def _score(text: str, spans: Sequence[Span], phrase: Phrase) -> float:
    weights = (0.6 if is_class else 1.0 for is_class in phrase.is_class)
    letters = sum(_length(text[slice(*span)]) * weight for span, weight in zip(spans, weights, strict=True))
    return letters + 3 * (len(spans) - 1) - 0.2 * phrase.text.count("*")


def _length(said: str) -> int:
    return sum(3 if _CJK.match(letter) else 1 for letter in said)


@lru_cache(maxsize=64)
def clauses(text: str) -> tuple[Span, ...]:
    """The parts of a sentence between commas and words such as "and"."""
    ends = [found.span() for found in _CLAUSES.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    return tuple(zip(starts, [*(start for start, _ in ends), len(text)], strict=True))


def clause_at(text: str, place: int) -> str:
    return next((text[start:end] for start, end in clauses(text) if start <= place <= end), text)


def is_kept(text: str, found: Found) -> bool:
    """Whether the sentence says that this is to stay as it is."""
    kept = _KEPT.search(clause_at(text, found.start))
    own = {text[slice(*span)] for span in found.spans}
    return kept is not None and not any(kept[0] in each or each in kept[0] for each in own)


def read(block: str) -> Mapping[str, tuple[str, ...]]:
    """Phrases by language, in the form of operations' words."""
    found: dict[str, tuple[str, ...]] = {}
    for line in filter(None, map(str.strip, block.splitlines())):
        language, _, phrases = line.partition(": ")
        found[language] = (*found.get(language, ()), *filter(None, map(str.strip, phrases.split(","))))
    return found
