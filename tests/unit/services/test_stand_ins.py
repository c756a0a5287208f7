"""Where the provider does not serve the first model, the next one does, is paid for once, and that is said once."""

from typing import Any

import pytest

from darkroom.models.caller import Caller
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.models.user_settings import UserSettings
from local.providers._openai_like import OpenAiLikeSimulator
from local.simulator import Simulator
from tests.application import KLEIN, PLANNER, Studio
from tests.conftest import SteppingClock
from tests.unit.services.completing import PAINTER, TERMS, asked, done
from tests.unit.services.talking import USER, Talk, assert_books_agree, own

SECOND_PAINTER = "black-forest-labs/flux.2-pro"
SECOND = "openai/gpt-4o-mini"
THIRD = "google/gemini-3-flash-preview"
GONE = ("model_not_found", "gone", "model_unavailable", "model_deprecated")
AWAY = (*GONE, "temporarily_unavailable")


@pytest.fixture
def studio(studio_simulator: Simulator, clock: SteppingClock) -> Studio:
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock, planner=f"nobody/gone,{PLANNER},{SECOND},{THIRD}")
    studio.connect(USER)
    return studio


def _said(first: str, used: str) -> str:
    return f"{first} could not serve this; {used} did instead."


def _painted(studio: Studio, model: str = KLEIN) -> Job:
    given = {"prompt": "a fox", "model": model, "fallback_models": [SECOND_PAINTER], "max_cost_usd": "0.1"}
    job = studio.app.generate.submit(Caller(user=USER), ImageRequest.model_validate(given), TERMS).job
    studio.carry_out()
    return studio.job(USER, job.id)


@pytest.mark.parametrize("scenario", GONE)
def test_a_picture_by_another_model_says_so_once(studio: Studio, scenario: str) -> None:
    studio.simulator.scenario(scenario, model=KLEIN)
    job = _painted(studio)
    assert (job.status, job.model_used) == (JobStatus.SUCCEEDED, SECOND_PAINTER), job.error
    assert own(job.warnings) == (_said(KLEIN, SECOND_PAINTER),)
    assert studio.charged(USER) == [job.cost.actual]


def test_the_model_that_was_asked_says_nothing_and_one_that_is_gone_is_told_once(studio: Studio) -> None:
    assert own(_painted(studio).warnings) == ()
    assert own(_painted(studio, "nobody/gone").warnings) == (
        f"nobody/gone is not offered here; {SECOND_PAINTER} is used instead.",
    )


@pytest.mark.parametrize("scenario", AWAY)
def test_a_completion_goes_on_to_the_next_model(studio: Studio, scenario: str) -> None:
    studio.simulator.scenario(scenario, model=PLANNER)
    studio.simulator.scenario(scenario, model=SECOND)
    job = done(studio, asked(model=PLANNER, fallback_models=[SECOND, THIRD]))
    assert (job.status, job.model_requested, job.model_used) == (JobStatus.SUCCEEDED, PLANNER, THIRD), job.error
    assert own(job.warnings) == (_said(PLANNER, THIRD),)
    assert studio.charged(USER) == [job.cost.actual]
    assert 0 < (job.cost.actual or 0) <= job.cost.reserved


def test_where_none_of_them_serves_nothing_is_paid(studio: Studio) -> None:
    for model in (PLANNER, SECOND):
        studio.simulator.scenario("model_not_found", model=model)
    job = done(studio, asked(model=PLANNER, fallback_models=[SECOND]))
    assert (job.status, job.cost.actual, studio.charged(USER)) == (JobStatus.FAILED, 0, [])


@pytest.mark.parametrize("scenario", AWAY)
def test_a_turn_is_planned_by_the_stacks_next_model(studio: Studio, scenario: str) -> None:
    studio.simulator.scenario(scenario, model=PLANNER)
    talk = Talk(studio).begin()
    turn = talk.say("warmer")
    assert (turn.status, turn.result["type"], turn.model_used) == (JobStatus.SUCCEEDED, "technical", SECOND), turn.error
    assert own(turn.warnings) == (_said(PLANNER, SECOND),)
    assert talk.part(turn, "plan").model_requested == PLANNER
    assert_books_agree(talk, turn)


def test_a_turns_models_are_priced_at_the_dearest(studio: Studio) -> None:
    alone = Studio(studio.simulator, studio.clock, planner=PLANNER)
    alone.connect(USER)
    one = Talk(alone).begin().say("warmer").id
    several = Talk(studio).begin().say("warmer").id
    dearest = Studio(studio.simulator, studio.clock, planner=THIRD)
    dearest.connect(USER)
    other = Talk(dearest).begin().say("warmer").id
    reserved = [
        each.job(USER, f"{turn}-plan").cost.reserved
        for each, turn in ((alone, one), (studio, several), (dearest, other))
    ]
    assert reserved[0] < reserved[1]
    # The names of the others make the request a little longer.
    assert reserved[2] <= reserved[1] <= reserved[2] * 1.05


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (SECOND, THIRD)),
        # 16,384 tokens are all that the second can say.
        ({"max_completion_tokens": 20_000}, (THIRD,)),
        ({"fallback_models": [SECOND]}, (SECOND,)),
    ],
)
def test_the_stacks_other_models_limit_no_completion(
    studio: Studio, given: dict[str, Any], expected: tuple[str, ...]
) -> None:
    studio.planner = f"{PLANNER},{SECOND},openrouter/auto,{PAINTER},{THIRD}"
    complete = studio.app.complete
    job = complete.submit(Caller(user=USER), asked(model=None, **given), TERMS).job
    assert job.work is not None
    assert job.work.completion is not None
    assert (job.work.completion.model, job.work.completion.fallback_models) == (PLANNER, expected)


def test_nobody_stands_in_for_a_model_of_the_users_own(studio: Studio) -> None:
    studio.settings.settings[USER] = UserSettings(chat_model=THIRD)
    studio.simulator.scenario("model_not_found", model=THIRD)
    turn = Talk(studio).begin().say("warmer")
    assert (turn.status, studio.charged(USER)) == (JobStatus.FAILED, [])


@pytest.mark.parametrize("given", [{}, {"plugins": [{"id": "web"}], "max_cost_usd": "0.1"}])
def test_another_provider_complains_of_the_callers_fields_alone(
    studio: Studio, gemini: OpenAiLikeSimulator, given: dict[str, Any]
) -> None:
    studio.simulator.scenario("temporarily_unavailable", model=PLANNER)
    job = done(studio, asked(model=PLANNER, **given))
    assert (job.status, job.provider, gemini.requests() > 0) == (JobStatus.SUCCEEDED, "gemini", True), job.error
    instead = "OpenRouter could not serve this; Gemini was asked instead."
    assert own(job.warnings) == (instead, *(("Gemini knows no plugins: left out.",) if given else ()))


@pytest.mark.parametrize("is_gone", [True, False])
@pytest.mark.parametrize(
    ("planners", "fallback"), [(f"{PLANNER},{SECOND},{THIRD}", THIRD), (f"{THIRD},{SECOND},{PLANNER}", PLANNER)]
)
def test_the_stacks_other_models_keep_no_provider_from_standing_in_and_each_is_paid_for_as_what_it_is(
    studio: Studio, gemini: OpenAiLikeSimulator, planners: str, fallback: str, is_gone: bool
) -> None:
    """Gemini makes two of the three."""
    studio.planner = planners
    studio.simulator.scenario("overloaded")
    first = planners.partition(",")[0]
    if is_gone:
        gemini.withdraw(first.removeprefix("google/"))
    turn = Talk(studio).begin().say("warmer")
    assert turn.status is JobStatus.SUCCEEDED, turn.error
    plan = studio.job(USER, f"{turn.id}-plan")
    assert (plan.provider, plan.model_used) == ("gemini", fallback if is_gone else first)
    assert plan.work is not None
    assert plan.work.chat is not None
    assert plan.work.chat.fallback_models == (fallback,)
    assert plan.cost.actual == gemini.invoice() > 0
    assert plan.cost.actual <= plan.cost.reserved
    assert studio.charged(USER) == []
