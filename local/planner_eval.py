"""`make planner-eval MODEL=…`: has a real planner plan the labelled sentences, and says how many it got right.

    python -m local.planner_eval MODEL [--url ORIGIN] [--yes] [--limit N] [FILE …]

The key is `OPENROUTER_API_KEY`. A line of a file is `{"language", "text", "expect"}`: `expect` is a list of steps, each
a list of what will do (an operation's name, `{"op", "with": {parameter: value or [least, most]}}`, or `paint`), or
`suggest` for advice in words, or `nothing`.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from darkroom import operations
from darkroom.errors import DarkroomError
from darkroom.images.preview import preview
from darkroom.models.chat import ChatRequest
from darkroom.models.conversation import Conversation, Version
from darkroom.models.deadline import Deadline
from darkroom.models.generation import Reference
from darkroom.models.job import StoredImage
from darkroom.models.money import said
from darkroom.models.operations import spelled
from darkroom.models.plan import HistoryAction, OperateAction, Plan
from darkroom.operations import _words
from darkroom.ports.providers import PaidCall, Watch
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.conversations.planner import InvalidPlan, Planner
from darkroom.services.conversations.planner_estimate import prompt_tokens
from darkroom.services.pricing import chat_pricing, token_counts
from local import state

SENTENCES: Final = state.ROOT / "tests" / "unit" / "planner"
PHOTO: Final = state.ROOT / "events" / "photo.jpg"
_SECONDS: Final = 120
# Not what is asked of a planner, whose answers are kept short.
_MIN_ADVICE: Final = 20

Planned = Callable[[str], Plan]


@dataclass(frozen=True, slots=True)
class Sentence:
    language: str
    text: str
    expect: str | Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """How many sentences of each language were planned as expected, and which were not."""

    right: Mapping[str, int]
    total: Mapping[str, int]
    wrong: tuple[str, ...]

    @property
    def share(self) -> float:
        return sum(self.right.values()) / max(sum(self.total.values()), 1)

    def of(self, language: str) -> float:
        return self.right.get(language, 0) / self.total[language]

    def __str__(self) -> str:
        rows = [
            f"{name}: {self.right.get(name, 0)} of {each} ({self.of(name):.0%})" for name, each in self.total.items()
        ]
        return "\n".join((*rows, f"all: {sum(self.right.values())} of {sum(self.total.values())} ({self.share:.1%})"))


def read(path: Path) -> list[Sentence]:
    return [Sentence(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def score(sentences: Iterable[Sentence], planned: Planned) -> Scores:
    """What a planner makes of the sentences. A plan that cannot be used is a wrong one."""
    right, total, wrong = Counter[str](), Counter[str](), []
    for each in sentences:
        total[each.language] += 1
        try:
            plan = planned(each.text)
        except (InvalidPlan, DarkroomError) as error:
            wrong.append(f"{each.language}: {each.text}: {error}")
            continue
        if fits(plan, each):
            right[each.language] += 1
        else:
            done = [action.model_dump(mode="json") for action in plan.actions]
            wrong.append(f"{each.language}: {each.text}: {json.dumps(done, ensure_ascii=False)}")
    return Scores(right, total, tuple(wrong))


def fits(plan: Plan, sentence: Sentence) -> bool:
    """Whether a plan does what is expected, in that order, and nothing else."""
    steps = list(_steps(plan))
    if isinstance(sentence.expect, str):
        return not steps and (sentence.expect == "nothing" or _advises(plan.reply, sentence.language))
    return len(steps) == len(sentence.expect) and all(
        any(_matches(step, wanted) for wanted in alternatives)
        for step, alternatives in zip(steps, sentence.expect, strict=True)
    )


def _steps(plan: Plan) -> Iterable[Mapping[str, Any] | str]:
    for action in plan.actions:
        if isinstance(action, OperateAction):
            yield from action.operations
        else:
            yield action.kind if isinstance(action, HistoryAction) else "paint"


def _matches(step: Mapping[str, Any] | str, wanted: Any) -> bool:
    if isinstance(step, str):
        return bool(step == wanted)
    named = spelled({"op": wanted} if isinstance(wanted, str) else {"op": wanted["op"], **wanted["with"]})
    return all(_holds(step.get(name), value) for name, value in named.items())


def _holds(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list) and len(wanted) == 2:
        return isinstance(value, int | float) and wanted[0] <= value <= wanted[1]
    return bool(value == wanted)


def _advises(reply: str, language: str) -> bool:
    """Whether an answer names something that could be applied."""
    told = _words.folded(reply)
    phrases = (
        _words.folded(phrase).replace("_", " ").strip("*")
        for name in operations.names()
        for way in _words.ways(operations.load(name))
        for phrase in way.phrases.get(language, ())
    )
    plain = (phrase for phrase in phrases if "{" not in phrase and "!" not in phrase)
    return len(reply) >= _MIN_ADVICE and any(phrase in told for phrase in plain)


def request(text: str, picture: bytes, model: str) -> ChatRequest:
    """What a planner is asked about a picture that nothing was done to."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    image = StoredImage(key="photo", media_type="image/jpeg", width=1024, height=768, bytes=len(picture), sha256="0")
    talk = Conversation(
        id="conv_0", user="user", created_at=now, updated_at=now, expires_at=now + timedelta(days=1),
        versions=(Version(id="v1", image=image, created_at=now),), current="v1",
    )  # fmt: skip
    return Planner().request(talk, text, has_picture=True, model=model, method="hybrid", may_paint=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.planner_eval", description="Scores a planner's model.")
    parser.add_argument("model", help="such as google/gemini-2.5-flash")
    parser.add_argument("files", nargs="*", type=Path, help="labelled sentences; those of the tests by default")
    parser.add_argument("--url", default=os.environ.get("OPENROUTER_URL"), help="OpenRouter's origin, or a simulator's")
    parser.add_argument("--limit", type=int, help="of each file, only so many sentences")
    parser.add_argument("--yes", action="store_true", help="without asking (make planner-eval YES=1)")
    options = parser.parse_intermixed_args(arguments)
    key = os.environ.get("OPENROUTER_API_KEY", "")
    if not key:
        print("OPENROUTER_API_KEY is not set: it is the key that pays.", file=sys.stderr)
        return 1
    provider = OpenRouter(ProviderSettings(url=options.url))
    files = options.files or sorted(SENTENCES.glob("*.jsonl"))
    sentences = [each for path in files for each in read(path)[: options.limit]]
    picture = preview(PHOTO.read_bytes())
    if not _is_meant(provider, options.model, sentences, picture, asks=not options.yes):
        return 1
    spent: list[int] = []
    scores = score(sentences, lambda text: _asked(provider, request(text, picture, options.model), picture, key, spent))
    print("\n".join(scores.wrong))
    print(f"{scores}\nIt cost {said(sum(spent))}.")
    return 0


def _asked(provider: OpenRouter, wanted: ChatRequest, picture: bytes, key: str, spent: list[int]) -> Plan:
    last = wanted.messages[-1].model_copy(update={"images": (Reference(data=picture),)})
    sent = wanted.model_copy(update={"messages": (*wanted.messages[:-1], last)})
    answer = provider.chat(sent, PaidCall(key, Deadline(_SECONDS), Watch(_unheard, _unheard, _unheard, _unheard)))
    spent.append(answer.usage.cost or 0)
    return Planner().read(answer.text, may_paint=True, method="hybrid", has_picture=True)


def _unheard(_: Any) -> Any:
    """There is no job to write it down with, and no reader."""
    return False


def _is_meant(
    provider: OpenRouter, model: str, sentences: Sequence[Sentence], picture: bytes, *, asks: bool
) -> bool:  # fmt: skip
    """Says what it will cost, and asks."""
    found = next((each for each in provider.chat_models() if each.id == model), None)
    if found is None:
        print(f"OpenRouter has no chat model {model!r}.", file=sys.stderr)
        return False
    shown = StoredImage(key="photo", media_type="image/jpeg", width=768, height=768, bytes=len(picture), sha256="0")
    tokens = [prompt_tokens(request(each.text, picture, model), shown) for each in sentences]
    costs = [
        chat_pricing.expected(found, prompt_tokens=each, answer_tokens=token_counts.PLAN, pictures=1) for each in tokens
    ]
    if None in costs:
        print(f"Nobody says what {model} costs.", file=sys.stderr)
        return False
    print(f"{len(sentences)} sentences will cost about {said(sum(filter(None, costs)))} with {model}.")
    if not asks:
        return True
    if not sys.stdin.isatty():
        print("There is no terminal to ask at: YES=1 goes on without asking.", file=sys.stderr)
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")


if __name__ == "__main__":
    raise SystemExit(main())
