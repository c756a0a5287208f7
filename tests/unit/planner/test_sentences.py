"""Labelled sentences: what people say, what they mean, and how many of them the simulator's planner gets right."""

import json
from pathlib import Path

import pytest

from darkroom import operations
from darkroom.models.plan import Plan
from darkroom.operations import _words
from darkroom.services.conversations.planner import Planner
from local import planner_eval
from local.planner_eval import Sentence, fits, read, score
from local.simulator import Simulator, planner

HERE = Path(__file__).parent
MIN_SHARE, MIN_SHARE_OF_A_LANGUAGE = 0.9, 0.8
MODEL = "google/gemini-2.5-flash"


def planned(text: str) -> Plan:
    """What the simulator's planner answers to Darkroom's request, as Darkroom reads it."""
    request = planner_eval.request(text, b"0", MODEL)
    assert request.json_schema is not None
    messages = [{"role": each.role, "content": each.text} for each in request.messages]
    answer = json.dumps(planner.plan(messages, request.json_schema.schema_), ensure_ascii=False)
    return Planner().read(answer, may_paint=True, method="hybrid", has_picture=True)


@pytest.mark.parametrize("path", sorted(HERE.glob("*.jsonl")), ids=lambda path: path.stem)
def test_what_people_say_is_understood_in_every_language(path: Path) -> None:
    scores = score(read(path), planned)
    told = "\n".join((*scores.wrong, str(scores)))
    assert set(scores.total) == set(_words.LANGUAGES)
    assert scores.share >= MIN_SHARE, told
    assert min(map(scores.of, scores.total)) >= MIN_SHARE_OF_A_LANGUAGE, told


def names_shown() -> list[tuple[str, str, str]]:
    """Each operation's name in each language, which is the first phrase of the first thing that it is said for."""
    return [
        (name, language, _words.shown(_words.ways(operations.load(name))[0], language))
        for name in operations.names()
        for language in _words.LANGUAGES
    ]


def test_every_operation_is_reached_by_its_name_in_every_language() -> None:
    missed = []
    for name, _, said in names_shown():
        plan = planned(said)
        done = [each["op"] for action in plan.actions for each in getattr(action, "operations", ())]
        if done != [name]:
            missed.append((name, said, done))
    assert missed == []


def test_all_that_words_imply_is_an_operation_that_can_be_done() -> None:
    for name in operations.names():
        fields = operations.load(name).model_fields
        for way in _words.ways(operations.load(name)):
            assert set(way.sets) < set(fields)
            assert "en" in way.phrases
            assert all(phrase.strip() == phrase != "" for phrases in way.phrases.values() for phrase in phrases)
            assert not any(set("*!{}_") & set(_words.shown(way, language)) for language in way.phrases)
        assert set(_words.ways(operations.load(name))[0].phrases) == set(_words.LANGUAGES), name


@pytest.mark.parametrize(
    ("expect", "is_met"),
    [
        ([["brightness"]], True),
        ([["contrast", {"op": "brightness", "with": {"amount": [10, 30]}}]], True),
        ([[{"op": "brightness", "with": {"amount": 20}}]], True),
        ([[{"op": "brightness", "with": {"amount": [30, 40]}}]], False),
        ([["brightness"], ["contrast"]], False),
        ([["paint"]], False),
        ("nothing", False),
        ("suggest", False),
    ],
)
def test_the_harness_knows_right_from_wrong(expect: object, *, is_met: bool) -> None:
    assert fits(planned("brighter"), Sentence("en", "brighter", expect)) is is_met  # type: ignore[arg-type]


def test_a_real_model_is_scored_after_its_cost_was_said(
    studio_simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio_simulator.reset()
    arguments = [MODEL, "--url", studio_simulator.url, "--limit", "3", str(HERE / "built.jsonl")]
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    assert planner_eval.main([*arguments, "--yes"]) == 1
    monkeypatch.setenv("OPENROUTER_API_KEY", studio_simulator.key)
    assert planner_eval.main(arguments) == 1, "there is no terminal to ask at"
    assert studio_simulator.state.invoice() == []
    assert planner_eval.main([*arguments, "--yes"]) == 0
    told = capsys.readouterr().out
    assert "3 sentences will cost about $" in told
    assert "all: 3 of 3 (100.0%)" in told
    assert len(studio_simulator.state.invoice()) == 3


@pytest.mark.parametrize(
    ("said", "op", "text"),
    [
        ("add a watermark ACME", "watermark", "ACME"),
        ("put ACME in the top left corner as text", "text", "ACME"),
        ("watermark that says ACME Corp", "watermark", "ACME Corp"),
        ("write Hello World at the bottom", "text", "Hello World"),
        ("Setze das Wasserzeichen ACME GmbH rechts unten", "watermark", "ACME"),
        ('write "Acme inc" on it', "text", "Acme inc"),
        ("add a small watermark", "watermark", "Darkroom"),
    ],
)
def test_what_is_to_be_written_keeps_its_letters(said: str, op: str, text: str) -> None:
    (action,) = planned(said).actions
    [step] = list(getattr(action, "operations", ()))
    assert (step["op"], step["text"]) == (op, text)


@pytest.mark.parametrize(("said", "op"), [("convert to PNG", "convert"), ("MAKE IT WARMER", "color_temperature")])
def test_capitals_alone_are_nothing_to_write(said: str, op: str) -> None:
    (action,) = planned(said).actions
    assert [each["op"] for each in getattr(action, "operations", ())] == [op]
