"""The words by which providers say why they did not do it, in one table for all of them: `vocabulary.json`.

A word may stand in an error's `code`, `type`, `status`, `reason` or `metadata`, be the reason why a reply ended, or the
state of a task. It is compared in small letters with underscores: `RateLimitError`, `rate-limit-error` and
`RATE_LIMIT_ERROR` are one word. Sources, as of November 2026: OpenRouter's specification (`error_type`, availability
codes); OpenAI's guide to error codes; the error types of Anthropic's API; Google's `FinishReason`, `BlockedReason`,
`ErrorInfo.reason` and gRPC status names; Groq's and BFL's pages on errors; and the codes of Azure, ByteDance and
Alibaba, which OpenRouter passes on from its sources.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from darkroom import errors
from darkroom.errors import ContentRefused, DarkroomError

Kind = type[DarkroomError]

_WRITTEN: Final = json.loads(Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8"))


def _kinds(table: str) -> dict[str, Kind]:
    return {word: getattr(errors, kind) for kind, words in _WRITTEN[table].items() for word in words}


# What is said of the request or of the account, and will be said again; and what may have passed in a moment.
DECIDED: Final = _kinds("decided")
PASSING: Final = _kinds("passing")
# Words that are said of much and decide nothing: the status that each amounts to where there is none.
_STATUS: Final = {word: int(status) for status, words in _WRITTEN["statuses"].items() for word in words}
REFUSALS: Final = frozenset(word for word, kind in DECIDED.items() if kind is ContentRefused)

# Words that are not in the table: a verdict on what is forbidden is a refusal, whatever else the word has in it.
_FORBIDDEN: Final = frozenset(
    ("nsfw", "sensitive", "sexual", "violence", "violent", "hate", "harmful", "unsafe", "safety", "moderation")
)
_JUDGED: Final = frozenset(("content", "prompt", "image", "input", "output"))
_VERDICTS: Final = frozenset(("blocked", "flagged", "filtered", "moderated", "prohibited", "disallowed"))
_FINDINGS: Final = _VERDICTS | frozenset(("content", "detected", "violation", "violated", "refused"))

# What is said in sentences, where no word decides. Nothing here matches across more than one sentence.
_SENTENCES: Final[tuple[tuple[Kind, str], ...]] = (
    (
        ContentRefused,
        r"safety (?:system|filter|polic|guideline)|content (?:management )?polic|content moderation|content filter"
        r"|moderation (?:system|filter|polic)|usage polic|prohibited (?:use|content)|responsible ai"
        r"|(?:was|been|were|is) (?:flagged|moderated)\b|inappropriate content|unsafe content"
        r"|sensitive (?:content|words)"
        r"|\bnsfw\b|violat\w* [^.]{0,60}(?:polic|guideline|terms of)|blocked by [^.]{0,30}(?:safety|moderation)",
    ),
    (
        errors.InsufficientCredits,
        r"insufficient (?:credit|fund|balance|quota)|credit balance is too low|out of credit|not enough credit"
        r"|requires more credits|billing hard limit|payment required|key limit exceeded"
        # A quota of nothing is what an account without billing has.
        r"|exceeded your current quota.*\blimit: 0\b",
    ),
    (
        errors.InvalidApiKey,
        r"(?:invalid|incorrect|missing) (?:x-)?api[ -]key"
        r"|api key (?:is )?(?:not valid|invalid|expired|not found|disabled)"
        r"|no (?:cookie )?auth credentials|missing authentication|invalid authentication",
    ),
    (
        errors.UnsupportedModel,
        r"not a valid model|cannot be used with the|no endpoints found|(?:unknown|no such) model"
        r"|models?\b[^.]{0,20}\S{0,100} (?:does not exist|(?:is |was )?not found|has been decommissioned)",
    ),
    (
        errors.InvalidPrompt,
        r"prompt is too long|input is too long|maximum context length|context (?:length|window)[^.]{0,40}exceed"
        r"|exceed[^.]{0,60}context (?:length|window)|exceeds the maximum number of tokens|too many (?:input )?tokens",
    ),
    (errors.AccessForbidden, r"location is not supported"),
)
_SAID: Final = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), kind) for kind, pattern in _SENTENCES)
_LIMITED: Final = re.compile(r"rate[ -]?limit|too many requests", re.IGNORECASE)
_SEAMS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_PREFIX: Final = re.compile(r"^(?:finish|block|blocked)_reason_")
MAX_WORD: Final = 200


def normal(word: str) -> str:
    """A word as the table has it: `InternalError.DataInspectionFailed` is `internal_error_data_inspection_failed`."""
    parts = (part for part in _SEAMS.split(word[:MAX_WORD]) if part)
    return _PREFIX.sub("", "_".join(parts).lower(), count=1)


def readings(word: str) -> tuple[str, ...]:
    """A word, and its parts where it has some: `content_filter: SAFETY`, `InternalError.DataInspectionFailed`."""
    parts = [part for part in re.split(r"[.:;,/|]", word[:MAX_WORD]) if part.strip()]
    return tuple(dict.fromkeys(normal(each) for each in (word, *reversed(parts))))


def is_refusal(word: str | None) -> bool:
    """Whether a reason to end, or a task's state, says that the content was refused."""
    return word is not None and any(each in REFUSALS or _is_verdict(each) for each in readings(word))


def _is_verdict(word: str) -> bool:
    """Whether a word in the table's spelling says that content was refused, as `sexual_content_blocked` does."""
    parts = set(word.split("_"))
    return bool((parts & _FORBIDDEN and parts & _FINDINGS) or (parts & _JUDGED and parts & _VERDICTS))


def kind_of_words(words: Iterable[str], table: dict[str, Kind]) -> tuple[Kind, str] | None:
    """The first of the words that the table knows, and what it means; of what is decided, also one that says so."""
    words = tuple(words)
    for word in words:
        for each in readings(word):
            if each in table:
                return table[each], word
    if table is DECIDED:
        return next(((ContentRefused, word) for word in words if any(map(_is_verdict, readings(word)))), None)
    return None


def kind_of_sentence(said: str) -> Kind | None:
    return next((kind for pattern, kind in _SAID if pattern.search(said)), None)


def is_about_limits(said: str) -> bool:
    return _LIMITED.search(said) is not None


def status_of_words(words: Iterable[str]) -> int | None:
    """The status that the first word amounts to which has one; also of a word that is a number, such as "429"."""
    for word in words:
        if re.fullmatch(r"[45][0-9]{2}", word):
            return int(word)
        for each in readings(word):
            if each in _STATUS:
                return _STATUS[each]
    return None
