"""What an error says, from whichever shape: its words, its sentences, and what its sources said within it.

{"error": {"code": "moderation_blocked", "type": "image_generation_user_error", "message": "…", "param": "prompt"}}
{"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": "{\\"error\\":{\\"code\\":…}}"}}}
{"error": "text"}      {"errors": [{"code": "…", "title": "…"}]}      {"type": "error", "code": "…", "message": "…"}
{"detail": "text"}     [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"reason": "…"}]}}]
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from darkroom.providers import _vocabulary, _wire
from darkroom.providers._vocabulary import Kind

MAX_SENTENCE: Final = 4000
_MAX_DEPTH: Final = 5
_MAX_WORDS: Final = 40
_WORDS: Final = (
    *("error_type", "code", "type", "status", "reason", "name", "error", "provider_error_code"),
    *("finish_reason", "finishReason", "native_finish_reason", "stop_reason", "blockReason", "block_reason"),
)
_SENTENCES: Final = ("message", "detail", "title", "msg", "error", "raw", "error_message", "failure_reason")
_WITHIN: Final = (
    *("error", "errors", "metadata", "availability", "details", "detail", "innererror", "inner_error", "body"),
    *("response", "promptFeedback", "message"),
)
# What a source of an intermediary answered: it speaks of the intermediary's account there, not of the user's.
_SOURCES: Final = ("raw", "provider_error", "upstream_error")
_ENDS: Final = (
    *("finish_reason", "finishReason", "native_finish_reason", "stop_reason", "status", "state", "block_reason"),
    "blockReason",
)
_NAMES: Final = frozenset({"error", "exception", "api_error", "zod_error"})
_A_WORD: Final = re.compile(r"[A-Za-z][\w.-]{1,80}", re.ASCII)


class Said(Struct, frozen=True):
    """Args:
    words: what it calls itself, the outermost first, then what a source of it did.
    sentences: for people, in the same order.
    own: how many of the words, and of the sentences, are not a source's.
    number: a status among its words.
    """

    words: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    own: tuple[int, int] = (0, 0)
    number: int | None = None

    @property
    def message(self) -> str:
        return " ".join(dict.fromkeys(self.sentences))[:MAX_SENTENCE]

    @property
    def status(self) -> int | None:
        """The status that it amounts to, where it says so itself."""
        return self.number or _vocabulary.status_of_words(self.words)

    def status_with(self, outer: int) -> int:
        """The status that it amounts to in an answer with this one. A 200 says nothing, and a 5xx may hide a number."""
        if 400 <= outer < 500:
            return outer
        return (self.number or outer) if outer >= 500 else (self.status or 502)

    def kind(self, *, passing: bool) -> Kind | None:
        """What it means by its words, else by its sentences; None if only its status can tell.

        Args:
            passing: also what may have passed in a moment.
        """
        if found := _vocabulary.kind_of_words(self.words, _vocabulary.DECIDED):
            return found[0]
        if kind := next(filter(None, map(_vocabulary.kind_of_sentence, self.sentences)), None):
            return kind
        found = _vocabulary.kind_of_words(self.words, _vocabulary.PASSING) if passing else None
        return found[0] if found else None

    @property
    def is_about_source(self) -> bool:
        """Whether it is only a source that said so: of its own words and sentences none decides."""
        own = Said(self.words[: self.own[0]], self.sentences[: self.own[1]])
        return self.own != (len(self.words), len(self.sentences)) and own.kind(passing=False) is None


def error_within(value: Any) -> Any:
    """The error that an answer tells of, whatever it is called; None if it tells of none."""
    if isinstance(value, list):
        value = value[0] if value else None
    found = _wire.mapping(value)
    for name in ("error", "errors"):
        if found.get(name):
            return found[name]
    kind = found.get("type")
    if isinstance(kind, str) and (kind == "error" or kind.endswith((".failed", ".error"))):
        return _wire.mapping(found.get("response")).get("error") or found
    is_bare = isinstance(found.get("message"), str) and ("code" in found or found.get("success") is False)
    return found if is_bare or isinstance(found.get("detail"), str) else None


def refusal_in(frames: Iterable[Any]) -> str | None:
    """The reason to end, or the state of a task, by which an answer without a picture says that it was refused."""
    for frame in frames:
        for each in _ends(_wire.mapping(frame)):
            for name in _ENDS:
                if _vocabulary.is_refusal(reason := _wire.label(each.get(name))):
                    return reason
            if blocked := _wire.label(_wire.mapping(each.get("promptFeedback")).get("blockReason")):
                return blocked
    return None


def _ends(frame: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An answer, and each of its choices."""
    yield frame
    for name in ("choices", "candidates", "data", "images", "artifacts"):
        yield from map(_wire.mapping, _wire.sequence(frame.get(name))[:_MAX_WORDS])


def said_in(error: Any) -> Said:
    """What an error says."""
    words: list[str] = []
    sentences: list[str] = []
    sources: list[Any] = []
    numbers: list[int] = []
    for each in _parts(error, sources):
        _take(each, words, sentences, numbers)
    own = (len(words), len(sentences))
    for source in sources[:3]:
        for each in _parts(source, []):
            _take(each, words, sentences, [])
    return Said(tuple(words[:_MAX_WORDS]), tuple(sentences[:_MAX_WORDS]), own, next(iter(numbers), None))


def _parts(value: Any, sources: list[Any], depth: int = 0) -> Iterator[Any]:
    """An error and what lies within it, the outermost first. What a source said is put aside."""
    if depth > _MAX_DEPTH:
        return
    value = _unpacked(value)
    if isinstance(value, list):
        for each in value[:_MAX_WORDS]:
            yield from _parts(each, sources, depth + 1)
        return
    yield value
    if isinstance(value, dict):
        sources += [value[name] for name in _SOURCES if value.get(name)]
        for name in _WITHIN:
            inner = _unpacked(value.get(name))
            if isinstance(inner, dict | list):
                yield from _parts(inner, sources, depth + 1)


def _unpacked(value: Any) -> Any:
    """A JSON document within a string, as what it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return _wire.parse_json(value)
    except ValueError:
        return value


def _take(value: Any, words: list[str], sentences: list[str], numbers: list[int]) -> None:
    if isinstance(value, str):
        _take_sentence(value, words, sentences)
        return
    found: Mapping[str, Any] = _wire.mapping(value)
    for name in _WORDS:
        word = found.get(name)
        if isinstance(word, int) and not isinstance(word, bool) and 400 <= word < 600:
            numbers.append(word)
        elif isinstance(word, str) and _wire.label(word) and not (name in ("name", "type") and _is_name(word)):
            if re.fullmatch(r"[45][0-9]{2}", word.strip()) and name != "provider_error_code":
                numbers.append(int(word))
            if name != "error" or _A_WORD.fullmatch(word):
                words.append(word[: _vocabulary.MAX_WORD])
    if found.keys() & {"reasons", "flagged_input"}:
        words.append("flagged")
    for name in _SENTENCES:
        if isinstance(found.get(name), str):
            _take_sentence(found[name], words, sentences)


def _is_name(word: str) -> bool:
    return _vocabulary.normal(word) in _NAMES


def _take_sentence(said: str, words: list[str], sentences: list[str]) -> None:
    text = _wire.text(said[:MAX_SENTENCE])
    if text is None or text.lstrip().startswith(("{", "[")):
        return
    sentences.append(text)
    if _A_WORD.fullmatch(text):
        words.append(text)
