"""What a message says for itself of its planner and painter: how much to think, which sources, and where to paint."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from darkroom.errors import CallerError, InvalidParameter, UnsupportedModel
from darkroom.models.chat import ChatRequest, Reasoning
from darkroom.models.generation import Routing
from darkroom.models.job import Job, JobStatus, TurnChoices
from darkroom.models.source import ImageSource
from darkroom.models.user_settings import UserSettings
from darkroom.providers import ProviderSettings, load
from darkroom.services.conversations.planner_prompt import _MASKED
from local.providers._openai_like import OpenAiLikeSimulator
from tests.application import PLANNER, Studio
from tests.photos import save
from tests.unit.services.talking import PICTURE, USER, Talk, assert_books_agree, operations, own, paint

OPUS, MINI = "anthropic/claude-opus-4.6", "openai/gpt-4o-mini"


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def planned_by(talk: Talk, turn: Job) -> ChatRequest:
    work = talk.part(turn, "plan").work
    assert work is not None
    assert work.chat is not None
    return work.chat


def mask(size: tuple[int, int] = (60, 40)) -> ImageSource:
    """Transparent in the right half, which may change."""
    black = Image.new("RGBA", size, "black")
    black.paste((0, 0, 0, 0), (size[0] // 2, 0, *size))
    return ImageSource("mask", data=save(black, "PNG"))


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def test_a_planner_thinks_as_much_as_it_is_told_to(talk: Talk) -> None:
    plain = talk.say("warmer")
    turn = talk.say("cooler", choices=TurnChoices(model=OPUS, reasoning=Reasoning(effort="low")))
    assert talk.studio.paid_requests()[-1]["body"]["reasoning"] == {"effort": "low"}
    assert "reasoning" not in talk.studio.paid_requests()[0]["body"]
    # Thought is taken from the answer's length, so there has to be room for both.
    assert planned_by(talk, turn).max_completion_tokens >= planned_by(talk, plain).max_completion_tokens
    assert (turn.status, own(turn.warnings)) == (JobStatus.SUCCEEDED, ())
    assert_books_agree(talk, plain, turn)


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium"])
def test_thought_is_estimated_and_set_aside(talk: Talk, effort: Any) -> None:
    choices = TurnChoices(reasoning=Reasoning(effort=effort))
    plain, thinking = (talk.part(talk.submit("warmer", choices=each), "plan") for each in (TurnChoices(), choices))
    if effort == "none":
        assert thinking.cost.reserved == pytest.approx(plain.cost.reserved, rel=0.01)
    else:
        assert (thinking.cost.estimated or 0) > (plain.cost.estimated or 0)
        assert thinking.cost.reserved > plain.cost.reserved


def test_a_model_that_does_not_think_is_not_told_to(talk: Talk) -> None:
    turn = talk.say("warmer", choices=TurnChoices(model=MINI, reasoning=Reasoning(effort="high")))
    assert "reasoning" not in talk.studio.paid_requests()[-1]["body"]
    assert own(turn.warnings) == (f"`reasoning` was ignored: {MINI} does not think before it answers.",)


def test_preferences_among_sources_hold_for_planner_and_painter(talk: Talk) -> None:
    choices = TurnChoices(routing=Routing(sort="price", ignore=("acme",)), zdr=False)
    talk.plans(paint("A balloon."))
    turn = talk.say("add a balloon", choices=choices)
    assert turn.status is JobStatus.SUCCEEDED, turn.error
    planner, painter = (each["body"]["provider"] for each in talk.studio.paid_requests()[-2:])
    assert {"sort": "price", "ignore": ["acme"]}.items() <= planner.items()
    assert "max_price" in planner
    assert painter == {"sort": "price", "ignore": ["acme"]}


def test_sources_that_do_not_serve_the_painter_are_refused_before_it_is_paid(talk: Talk) -> None:
    talk.plans(paint("A balloon."))
    turn = talk.say("add a balloon", choices=TurnChoices(routing=Routing(only=("google-ai-studio",))))
    assert (turn.status, turn.error and turn.error["param"]) == (JobStatus.FAILED, "provider.only")
    assert talk.posts() == ["chat"]


@pytest.mark.parametrize(
    ("choices", "error", "param"),
    [
        (TurnChoices(image_model="acme/gone"), UnsupportedModel, "model"),
        (TurnChoices(image_model=OPUS), UnsupportedModel, "model"),
        (TurnChoices(image_model="openai/gpt-image-1-mini", zdr=True), InvalidParameter, "zdr"),
    ],
)
def test_a_painter_that_could_not_paint_is_refused_before_the_planner_is_paid(
    talk: Talk, studio: Studio, choices: TurnChoices, error: type[CallerError], param: str
) -> None:
    with pytest.raises(error) as refused:
        talk.submit("add a balloon", choices=choices)
    assert (refused.value.param, refused.value.charged, studio.paid_requests()) == (param, False, [])


def test_what_is_marked_is_painted_and_the_rest_stays_to_the_pixel(talk: Talk) -> None:
    before = pixels(PICTURE)
    talk.plans(paint("A red balloon."))
    turn = talk.say("add a red balloon", mask=mask())
    assert turn.status is JobStatus.SUCCEEDED, turn.error
    after = pixels(talk.bytes_of(talk.shown))
    assert np.array_equal(after[:, :30], before[:, :30])
    assert not np.array_equal(after[:, 30:], before[:, 30:])
    chat = planned_by(talk, turn)
    assert _MASKED in chat.messages[0].text
    painting = talk.studio.paid_requests()[-1]["body"]
    assert "Change only the area from 50 %" in painting["prompt"]
    assert {each.role for each in talk.part(turn, "plan").lineage} == {"image", "mask"}
    assert_books_agree(talk, turn)


def test_operations_know_no_mask_so_none_is_done_of_a_marked_picture(talk: Talk) -> None:
    talk.plans(operations({"op": "brightness", "amount": 20}), times=2)
    turn = talk.say("brighter", mask=mask())
    assert (turn.status, talk.now.current) == (JobStatus.SUCCEEDED, "v1")
    assert turn.result["reply"].startswith("Nothing was changed.")


def test_a_picture_that_was_cropped_before_is_not_painted_by_a_mask_that_no_longer_fits(talk: Talk) -> None:
    talk.plans(operations({"op": "crop", "ratio": "1:1"}), paint("A balloon."))
    turn = talk.say("square, and add a balloon", mask=mask())
    assert (turn.status, turn.error and turn.error["param"]) == (JobStatus.FAILED, "mask")
    assert talk.posts() == ["chat"]


def test_a_mask_of_another_size_or_of_no_picture_is_refused_for_nothing(talk: Talk, studio: Studio) -> None:
    with pytest.raises(InvalidParameter, match="The mask is 20 x 20 pixels") as refused:
        talk.submit("warmer", mask=mask((20, 20)))
    assert refused.value.param == "mask"
    with pytest.raises(InvalidParameter, match="no picture yet"):
        Talk(studio).begin(None).submit("a fox", mask=mask())
    assert studio.paid_requests() == []


def test_a_provider_that_lacks_a_skill_is_passed_over_and_it_is_said_so(studio: Studio) -> None:
    studio.direct |= {name: load(name)(ProviderSettings()) for name in ("groq", "anthropic")}
    studio.settings.settings[USER] = UserSettings(provider="groq")
    quote = studio.app.providers.choose(USER, "edit")
    assert (quote.name, quote.warnings) == ("openrouter", ("Groq edits no pictures; OpenRouter is asked instead.",))
    asked = studio.app.providers.choose(USER, "edit", asked="anthropic", is_one_of_several=True)
    assert asked.warnings == ("Anthropic edits no pictures; OpenRouter is asked instead.",)
    with pytest.raises(InvalidParameter):
        studio.app.providers.choose(USER, "edit", asked="anthropic")


def test_another_provider_that_serves_in_its_place_is_told_in_the_turn(
    studio: Studio, talk: Talk, gemini: OpenAiLikeSimulator
) -> None:
    studio.simulator.scenario("temporarily_unavailable", model=PLANNER)
    turn = talk.say("warmer", choices=TurnChoices(model=PLANNER))
    assert turn.status is JobStatus.SUCCEEDED, turn.error
    assert own(turn.warnings) == ("OpenRouter could not serve this; Gemini was asked instead.",)
    assert (gemini.requests() > 0, turn.cost.charged) == (True, True)
