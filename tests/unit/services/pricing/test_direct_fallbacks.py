"""Where a model stands in for another at a provider that tells no cost, the ledger has what the invoice has."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from darkroom.models.caller import Caller
from darkroom.models.deadline import Deadline
from darkroom.models.generation import KeptPicture, RawAnswer
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus, PaidWork
from darkroom.models.key import StoredKey
from darkroom.providers import ProviderSettings, load
from local import providers as simulators
from local.providers._openai_like import OpenAiLikeSimulator
from local.simulator import Simulator
from tests.application import LIMITS, LONG, Studio
from tests.conftest import SteppingClock
from tests.fakes.paid import MemoryRawAnswerStore
from tests.unit.services.completing import TERMS, asked, submit

USER = "alice"
LEASE = timedelta(minutes=20)
LARGE = LIMITS.model_copy(update={"per_request": 1_000_000})


@dataclass(frozen=True)
class Case:
    """Args:
    cheap, dear: two models of the provider's; the one costs less than the other.
    """

    provider: str
    cheap: str
    dear: str
    paints: bool = False

    def __str__(self) -> str:
        return f"{self.provider}-{'pictures' if self.paints else 'chat'}"


CHAT = (
    Case("groq", "openai/gpt-oss-20b", "meta-llama/llama-3.3-70b-instruct"),
    Case("openai", "openai/gpt-4o-mini", "openai/gpt-5.1-chat"),
    Case("gemini", "google/gemini-2.5-flash", "google/gemini-3-flash-preview"),
)
PICTURES = (
    Case("openai", "openai/gpt-image-1-mini", "openai/gpt-image-2", paints=True),
    Case("gemini", "google/gemini-2.5-flash-image", "google/gemini-3-pro-image", paints=True),
)
ALL = (*CHAT, *PICTURES)
MAKERS = tuple(case for case in ALL if case.provider != "groq")


class Killed(BaseException):
    """What is raised where a process would be killed: nobody catches it."""


class Deadly(MemoryRawAnswerStore):
    """In which an answer is kept, and no more comes of it."""

    kills = False

    def write(self, user: str, job_id: str, answer: RawAnswer, *, as_picture: str | None = None) -> KeptPicture | None:
        kept = super().write(user, job_id, answer, as_picture=as_picture)
        if self.kills:
            raise Killed
        return kept


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, OpenAiLikeSimulator]]:
    worlds = {name: simulators.load(name)() for name in ("gemini", "groq", "openai")}
    for world in worlds.values():
        world.__enter__()
    try:
        yield {name: world for name, world in worlds.items() if isinstance(world, OpenAiLikeSimulator)}
    finally:
        for world in worlds.values():
            world.__exit__(None, None, None)


@pytest.fixture
def studio(studio_simulator: Simulator, clock: SteppingClock, running: dict[str, OpenAiLikeSimulator]) -> Studio:
    """Alice has keys of the three, and none of OpenRouter's."""
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock, limits=LARGE)
    studio.raw_answers = Deadly(studio.images)
    for name, world in running.items():
        world.reset()
        studio.direct[name] = load(name)(ProviderSettings(url=world.url))
        key = StoredKey(user=USER, provider=name, hint="", sha256="0" * 64, connected_at=clock())
        studio.vault.store(key, world.key)
    return studio


def admitted(studio: Studio, case: Case, first: str, second: str, **fields: Any) -> Job:
    given = {"model": first, "fallback_models": [second], **fields}
    if not case.paints:
        return submit(studio, asked("häßlich 猫" * 50, **given)).job
    request = ImageRequest.model_validate({"prompt": "a fox in the snow", **given})
    return studio.app.generate.submit(Caller(user=USER), request, TERMS).job


def in_either_order(cases: tuple[Case, ...]) -> list[Any]:
    return [
        pytest.param(case, *models, id=f"{case}-{name}")
        for case in cases
        for name, models in (("cheap-first", (case.cheap, case.dear)), ("dear-first", (case.dear, case.cheap)))
    ]


def withdraw(studio: Studio, world: OpenAiLikeSimulator, model: str) -> None:
    world.withdraw(str(studio.direct[world.name].serves(model)))


def assert_exact(studio: Studio, job: Job, world: OpenAiLikeSimulator, used: str) -> None:
    job = studio.job(USER, job.id)
    assert (job.status, job.provider, job.model_used) == (JobStatus.SUCCEEDED, world.name, used), job.error
    assert job.cost.actual == world.invoice() > 0
    assert job.cost.actual <= job.cost.reserved
    assert studio.budget(USER, "day").spent == world.invoice()
    assert (studio.charged(), len(world.charges)) == ([], 1)


@pytest.mark.parametrize("is_gone", [True, False])
@pytest.mark.parametrize(("case", "first", "second"), in_either_order(ALL))
def test_the_model_that_was_really_asked_is_paid_for(
    studio: Studio, running: dict[str, OpenAiLikeSimulator], case: Case, first: str, second: str, is_gone: bool
) -> None:
    world = running[case.provider]
    if is_gone:
        withdraw(studio, world, first)
    job = admitted(studio, case, first, second, provider=case.provider)
    studio.carry_out()
    assert_exact(studio, job, world, second if is_gone else first)


@pytest.mark.parametrize("wrong", ["thinking", "no_details"])
def test_thinking_and_counts_that_are_not_told_apart_too(
    studio: Studio, running: dict[str, OpenAiLikeSimulator], wrong: str
) -> None:
    case, name = (CHAT[1], "openai") if wrong == "thinking" else (PICTURES[0], "openai")
    world = running[name]
    withdraw(studio, world, case.dear)
    world.go_wrong(wrong)
    job = admitted(studio, case, case.dear, case.cheap, provider=name)
    studio.carry_out()
    cost = studio.job(USER, job.id).cost
    # Words that may have been pictures count as these; the dearer model's prices would be four times that.
    assert world.invoice() <= (cost.actual or 0) <= world.invoice() * 1.1


@pytest.mark.parametrize(("case", "first", "second"), in_either_order(MAKERS))
def test_in_place_of_openrouter_too(
    studio: Studio, running: dict[str, OpenAiLikeSimulator], case: Case, first: str, second: str
) -> None:
    studio.connect(USER)
    studio.simulator.scenario("overloaded")
    world = running[case.provider]
    withdraw(studio, world, first)
    job = admitted(studio, case, first, second)
    assert job.provider == "openrouter"
    studio.carry_out()
    assert_exact(studio, job, world, second)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(("case", "calls"), [(PICTURES[0], 1), (PICTURES[1], 2)], ids=["openai", "gemini"])
def test_two_pictures_are_as_many_calls_as_they_take_there(
    studio: Studio, running: dict[str, OpenAiLikeSimulator], case: Case, calls: int, in_place: bool
) -> None:
    """Asked for by name, or where OpenRouter fails without a charge."""
    world = running[case.provider]
    if in_place:
        studio.connect(USER)
        studio.simulator.scenario("overloaded")
    named = {} if in_place else {"provider": case.provider}
    request = {"prompt": "a fox", "model": case.cheap, "n": 2, **named}
    asked_for = studio.app.generate.submit(Caller(user=USER), ImageRequest.model_validate(request), TERMS).job
    assert asked_for.provider == ("openrouter" if in_place else case.provider)
    studio.carry_out()
    job = studio.job(USER, asked_for.id)
    assert (job.status, job.provider, len(job.images)) == (JobStatus.SUCCEEDED, case.provider, 2), job.error
    assert (len(world.charges), studio.charged()) == (calls, [])
    assert job.cost.actual == world.invoice() == studio.budget(USER, "day").spent
    assert sum(call.cost or 0 for call in job.calls) == (world.invoice() if calls > 1 else 0)


@pytest.mark.parametrize(("case", "first", "second"), in_either_order(ALL))
def test_an_answer_that_was_kept_before_the_worker_died_too(
    studio: Studio, running: dict[str, OpenAiLikeSimulator], case: Case, first: str, second: str
) -> None:
    world, kept = running[case.provider], studio.raw_answers
    withdraw(studio, world, first)
    job = admitted(studio, case, first, second, provider=case.provider)
    assert isinstance(kept, Deadly)
    kept.kills = True
    with pytest.raises(Killed):
        studio.carry_out()
    assert studio.job(USER, job.id).status is JobStatus.RUNNING
    studio.clock.step(LEASE)
    studio.app.sweep.run(Deadline(LONG))
    assert_exact(studio, job, world, second)


def test_of_a_model_without_rates_the_cost_is_unknown_and_all_that_was_set_aside_is_spent(
    studio: Studio, running: dict[str, OpenAiLikeSimulator]
) -> None:
    case, world = CHAT[1], running["openai"]
    job = admitted(studio, case, case.dear, case.cheap, provider="openai")
    assert job.work is not None
    rates = {"openai": {case.dear: job.work.rates["openai"][case.dear]}}
    studio.jobs.jobs[USER, job.id] = job.model_copy(update={"work": job.work.model_copy(update={"rates": rates})})
    withdraw(studio, world, case.dear)
    studio.carry_out()
    job = studio.job(USER, job.id)
    assert (job.status, job.cost.settled) == (JobStatus.SUCCEEDED, True)
    assert studio.budget(USER, "day").spent == job.cost.reserved > world.invoice() > 0
    assert (job.cost.actual, job.cost.charged) == (job.cost.reserved, "unknown")
    assert job.warnings[-1].startswith("The provider does not say what this cost")


def test_a_job_with_rates_of_another_form_can_be_read_and_has_none() -> None:
    of_a_provider: dict[str, Any] = {"lines": [], "tokens": {"prompt": "1", "completion": "2"}, "credit": None}
    work = PaidWork.model_validate({"rates": {"groq": of_a_provider, "gemini": None}})
    assert work.rates == {"groq": {}, "gemini": {}}
    request = {"model": "m", "prompt": "a fox", "rates": None}
    read = PaidWork.model_validate({"request": request}).request
    assert read is not None
    assert read.rates == {}


@pytest.mark.parametrize("case", ALL, ids=str)
def test_what_a_job_is_paid_by_can_be_stored(studio: Studio, case: Case) -> None:
    work = admitted(studio, case, case.cheap, case.dear, provider=case.provider).work
    assert work is not None
    assert work.rates[case.provider].keys() == {case.cheap, case.dear}
    assert PaidWork.model_validate_json(work.model_dump_json()) == work
