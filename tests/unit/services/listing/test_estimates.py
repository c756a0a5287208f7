"""What a turn is estimated at, against the invoice; and that no estimate, however low, weakens a limit."""

from decimal import Decimal
from typing import Any

import pytest

from darkroom.errors import CostLimit
from darkroom.models.catalogue import ChatModel, TokenPrices
from darkroom.models.chat import ChatRequest
from darkroom.models.conversation import Planned
from darkroom.models.job import Job, StoredImage
from darkroom.models.model_query import ModelQuery
from darkroom.models.user_settings import Limits, UserSettings
from darkroom.services.conversations import planner_estimate
from darkroom.services.pricing import chat_pricing
from darkroom.services.pricing.chat_pricing import ANSWERS
from local.simulator import Simulator
from local.simulator.catalogue import load
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.photos import photo, save
from tests.unit.services.planner_cases import CASES
from tests.unit.services.talking import NO_PLAN, USER, Talk

# Hundreds of runs over lines that other tests reach.
pytestmark = pytest.mark.no_cover

AMPLE = Limits(per_request=10**7, per_conversation=10**9, per_day=10**9, per_month=10**9)
TOLERANCE = 0.3


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def choose(studio: Studio, **given: Any) -> None:
    studio.settings.settings[USER] = UserSettings(**given)


def off(job: Job) -> float:
    """By how much of the actual cost the estimate is off."""
    assert job.cost.actual
    assert job.cost.estimated is not None
    return abs(job.cost.estimated - job.cost.actual) / job.cost.actual


def planned(studio: Studio, said: list[str]) -> list[Job]:
    """The planner's calls for each of these, each said in a conversation of its own; nothing comes from a cache."""
    talks = [Talk(studio).begin() for _ in said]
    return [talk.part(talk.say(each), "plan") for talk, each in zip(talks, said, strict=True)]


@pytest.mark.parametrize(
    "model", ["google/gemini-2.5-flash", "anthropic/claude-opus-4.6", "google/gemini-3-flash-preview"]
)
def test_what_people_say_is_estimated_within_thirty_per_cent(studio: Studio, model: str) -> None:
    choose(studio, limits=AMPLE, enable_image_generation=False, chat_model=model)
    jobs = planned(studio, [case.said for case in CASES])
    assert sum(off(job) <= TOLERANCE for job in jobs) >= 0.9 * len(jobs)
    estimated, actual = (sum(getattr(job.cost, name) for job in jobs) for name in ("estimated", "actual"))
    assert abs(estimated - actual) <= TOLERANCE * actual
    assert sum(studio.charged(USER)) == actual
    # The wall is elsewhere, and holds.
    assert all((job.cost.actual or 0) <= job.cost.reserved for job in jobs)
    assert all((job.cost.estimated or 0) <= job.cost.reserved for job in jobs)


@pytest.mark.parametrize("painter", ["black-forest-labs/flux.2-klein-4b", "google/gemini-2.5-flash-image"])
def test_what_is_painted_is_estimated_within_thirty_per_cent(studio: Studio, painter: str) -> None:
    studio.painter = painter
    choose(studio, limits=AMPLE)
    artistic = [case.said for case in CASES if case.type == "artistic"]
    turns = [(talk := Talk(studio).begin(), talk.say(said)) for said in artistic]
    painted = [job for talk, turn in turns for name, job in talk.parts(turn).items() if name.startswith("paint")]
    assert len(painted) == len(artistic)
    assert all(off(job) <= TOLERANCE for job in painted)
    assert all(off(turn) <= TOLERANCE for _, turn in turns)


PLANNERS = [model for model in load().models.values() if {"image", "text"} <= {*model.input} and "text" in model.output]
PHOTOGRAPH = save(photo("rocket", 2), "JPEG")


@pytest.mark.parametrize("model", [each.id for each in PLANNERS if each.routes_to is None])
def test_a_turn_of_each_planner_is_estimated_within_thirty_per_cent_and_works_as_it_comes(
    studio_simulator: Simulator, clock: SteppingClock, model: str
) -> None:
    """By the limits of a deployment, of which a request may cost a quarter of a dollar; also where it is a dime."""
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock, limits=Limits(per_request=100_000, per_day=5_000_000))
    studio.connect(USER)
    choose(studio, chat_model=model)
    turn = (talk := Talk(studio).begin(PHOTOGRAPH)).say("warmer")
    assert (turn.status, turn.result["version"]) == ("succeeded", "v2")
    call = talk.part(turn, "plan")
    assert (call.cost.actual or 0) <= call.cost.reserved
    row = next(each for each in studio.app.models.find(USER, ModelQuery()).rows if each.id == model)
    if model.endswith(":free"):
        assert (call.cost.estimated, call.cost.reserved, call.cost.actual, row.estimates["chat"]) == (0, 0, 0, 0)
        return
    assert off(call) <= TOLERANCE
    # What the list of models says a turn costs is the same.
    assert row.estimates["chat"] == pytest.approx(call.cost.actual, rel=TOLERANCE)


def test_a_long_talk_stays_estimated_well(talk: Talk, studio: Studio) -> None:
    choose(studio, limits=AMPLE)
    jobs = [talk.part(talk.say(said), "plan") for said in ("warmer", "mirror it", "hello", "undo", "sharpen it") * 3]
    assert sum(off(job) <= TOLERANCE for job in jobs if job.cost.actual) >= 0.9 * len(jobs)


def test_what_a_model_really_takes_is_learned_within_a_conversation(talk: Talk) -> None:
    """Say a model that thinks, or counts a picture for three times what we expect."""
    first = talk.part(talk.say("warmer"), "plan")
    message = talk.now.messages[-1]
    assert message.planned is not None
    assert (message.planned.model, message.planned.cost) == (first.model_requested, first.cost.actual)
    dear = message.model_copy(update={"planned": message.planned.model_copy(update={"cost": message.planned.cost * 3})})
    conversation = talk.now.model_copy(update={"messages": (talk.now.messages[0], dear)})
    assert talk.studio.conversations.save(conversation)
    second = talk.part(talk.submit("mirror it"), "plan")
    assert 2.5 < (second.cost.estimated or 0) / (first.cost.estimated or 1) < 3.5
    # What is set aside for it knows no such hopes.
    assert second.cost.reserved == pytest.approx(first.cost.reserved, rel=0.05)


def test_what_another_model_took_and_what_came_from_a_cache_teach_nothing() -> None:
    other = Planned(model="acme/other", tokens=100, cost=1_000_000)
    cached = Planned(model="acme/talker", tokens=100, cost=0)
    real = Planned(model="acme/talker", tokens=100, cost=50)
    assert planner_estimate.learned("acme/talker", [other, cached, None], tokens=200) is None
    assert planner_estimate.learned("acme/talker", [other, real, cached], tokens=200) == 100


def test_a_repair_is_estimated_too(talk: Talk) -> None:
    talk.answers(NO_PLAN)
    repair = talk.part(talk.say("warmer"), "repair")
    assert off(repair) <= TOLERANCE
    assert (repair.cost.estimated or 0) < repair.cost.reserved


def test_a_turn_shows_what_it_is_estimated_at_and_what_is_set_aside_from_the_beginning(talk: Talk) -> None:
    turn = talk.submit("make it a watercolour painting")
    first = talk.part(turn, "plan").cost
    shown = talk.studio.app.jobs.show(talk.turn(turn))["cost"]
    assert (shown["estimated_usd"], shown["reserved_usd"]) == (
        pytest.approx((first.estimated or 0) / 1e6),
        pytest.approx(first.reserved / 1e6),
    )
    assert (shown["actual_usd"], shown["settled"]) == (None, False)
    talk.run()
    parts = talk.parts(turn).values()
    cost = talk.turn(turn).cost
    assert cost.estimated == sum(part.cost.estimated or 0 for part in parts)
    assert cost.reserved == sum(part.cost.reserved for part in parts)


# ── Limits look at what it may cost ───────────────────────────────────────────────────────────────────────────────────


def test_a_low_estimate_does_not_pass_a_limit_that_the_bound_does_not_pass(talk: Talk, studio: Studio) -> None:
    usual = talk.part(talk.say("warmer"), "plan")
    bound = bound_of(studio, usual)
    assert (usual.cost.estimated or 0) < bound - 1 < usual.cost.reserved
    choose(studio, limits={"per_request": bound - 1})
    paid = studio.paid_requests()
    with pytest.raises(CostLimit) as refused:
        Talk(studio).begin().submit("warmer")
    assert refused.value.context["limit_usd"] == (bound - 1) / 1e6
    assert refused.value.context["estimated_usd"] == (usual.cost.estimated or 0) / 1e6
    assert studio.paid_requests() == paid
    choose(studio, limits={"per_request": bound})
    chat = work_of(talk.part(Talk(studio).begin().submit("warmer"), "plan"))[0]
    assert chat.max_completion_tokens == ANSWERS[-1], "its answer is as long as the limit allows"


def bound_of(studio: Studio, call: Job) -> int:
    """What the planner may cost by its published prices with the shortest answer that is asked for."""
    chat, shown = work_of(call)
    model = next(each for each in studio.app.catalogue.chat_models() if each.id == chat.model)
    found = chat_pricing.estimate([model], planner_estimate.shape(chat, shown).of_at_most(ANSWERS[-1]))
    assert found is not None
    return found


def work_of(call: Job) -> tuple[ChatRequest, StoredImage]:
    assert call.work is not None
    assert call.work.chat is not None
    return call.work.chat, call.work.inputs[0]


@pytest.mark.parametrize("per_request", [1, 100, 2_000])
def test_nothing_is_admitted_for_more_than_a_request_may_cost(
    studio_simulator: Simulator, clock: SteppingClock, per_request: int
) -> None:
    studio = Studio(studio_simulator, clock, limits=Limits(per_request=per_request))
    studio.connect(USER)
    with pytest.raises(CostLimit):
        Talk(studio).begin().submit("warmer")
    assert studio.charged(USER) == []


@pytest.mark.parametrize(
    ("model", "prices", "expected"),
    [
        ("acme/talker", {}, 1000 * 2 + 100 * 10),
        ("acme/talker", {"request": "0.005", "image": "0.001"}, 3000 + 5000 + 2 * 1000),
        ("acme/talker", {"prompt": None}, None),
        ("acme/talker:free", {"prompt": None}, 0),
    ],
)
def test_an_expectation_is_priced_by_what_is_published(
    model: str, prices: dict[str, str | None], expected: int | None
) -> None:
    given: dict[str, str | None] = {"prompt": "0.000002", "completion": "0.00001", **prices}
    found = TokenPrices(**{name: None if price is None else Decimal(price) for name, price in given.items()})
    talker = ChatModel(id=model, name=model, output_modalities=("text",), prices=found)
    assert chat_pricing.expected(talker, prompt_tokens=1000, answer_tokens=100, pictures=2) == expected
