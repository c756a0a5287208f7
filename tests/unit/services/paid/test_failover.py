"""A job that another provider may do goes there once it is proven that the first has taken nothing, and only then."""

from collections.abc import Iterator

import pytest

from darkroom.models.digest import digest
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import Job, JobStatus, PaidWork
from darkroom.models.key import StoredKey
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.accounts.keys import Keys
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.services.workshop import MODEL, PRICE, USER, Workshop

SECOND = "second"


@pytest.fixture(scope="module")
def simulators() -> Iterator[tuple[Simulator, Simulator]]:
    with Simulator() as first, Simulator() as second:
        yield first, second


@pytest.fixture
def second(simulators: tuple[Simulator, Simulator]) -> Simulator:
    simulators[1].reset()
    return simulators[1]


@pytest.fixture
def shop(simulators: tuple[Simulator, Simulator], second: Simulator, clock: SteppingClock) -> Workshop:
    """Where two providers serve the same models, each with an invoice of its own."""
    first = simulators[0]
    first.reset()
    shop = Workshop(first, clock)
    shop.direct[SECOND] = OpenRouter(ProviderSettings(url=second.url), retries=Retries(attempts=1))
    key = StoredKey(user=USER, provider=SECOND, hint="", sha256="", connected_at=clock.now)
    shop.vault.store(key, second.state.mint())
    return shop


def _admit(shop: Workshop, *others: str) -> Job:
    return shop.admit(work=_work(*others))


def _work(*others: str) -> PaidWork:
    return PaidWork(request=GenerationRequest(model=MODEL, prompt="a fox"), other_providers=others)


def _invoice(simulator: Simulator) -> int:
    return sum(charge["micro_usd"] for charge in simulator.state.invoice())


@pytest.mark.parametrize("scenario", ["overloaded", "rate_limited", "model_deprecated"])
def test_what_cost_nothing_is_done_by_the_next(shop: Workshop, second: Simulator, scenario: str) -> None:
    shop.simulator.scenario(scenario)
    job = shop.run(_admit(shop, SECOND))
    assert (job.status, job.provider, job.cost.actual) == (JobStatus.SUCCEEDED, SECOND, PRICE)
    assert (shop.invoice, _invoice(second), shop.budget_of(job).spent) == (0, PRICE, PRICE)
    assert shop.alarms == []


def test_a_job_that_went_on_is_listed_for_neither_key(shop: Workshop, second: Simulator) -> None:
    shop.simulator.scenario("overloaded")
    shop.run(_admit(shop, SECOND))
    keys = [shop.app.keys.reveal(USER, name, own=True) for name in ("openrouter", SECOND)]
    first, then = (shop.ledger.charges_with(digest(key)) for key in keys)
    assert (first.open, first.count, then.open, then.count) == (frozenset(), 0, frozenset(), 1)
    # What each had used when no call was open is still known.
    assert [each.anchor and each.anchor.usage for each in (first, then)] == [0, 0]


@pytest.mark.parametrize(
    ("own_key", "operated", "is_listed"), [(True, True, True), (False, False, True), (False, True, False)]
)
def test_only_calls_that_their_user_pays_are_listed(
    shop: Workshop, own_key: bool, operated: bool, is_listed: bool
) -> None:
    shop.app.keys.operated = frozenset({"openrouter"} if operated else ())
    sent = shop.run(shop.admit(own_key=own_key))
    known = shop.ledger.charges_with(digest(shop.secret))
    assert (known.count, known.open, known.anchor is not None) == (1, frozenset(), is_listed)
    assert sent.key_listed is is_listed


@pytest.mark.parametrize("scenario", ["cut_body", "moderation", "out_of_credit"])
def test_what_may_have_cost_something_or_is_nobodys_else_is_not(
    shop: Workshop, second: Simulator, scenario: str
) -> None:
    shop.simulator.scenario(scenario)
    job = shop.run(_admit(shop, SECOND))
    assert (job.provider, _invoice(second)) == ("openrouter", 0)
    assert job.status is not JobStatus.SUCCEEDED


def test_without_a_key_at_the_first_the_next_does_it(shop: Workshop, second: Simulator) -> None:
    shop.app.keys._vault.remove(USER, "openrouter")
    job = shop.run(_admit(shop, SECOND))
    assert (job.status, job.provider, shop.requests, _invoice(second)) == (JobStatus.SUCCEEDED, SECOND, 0, PRICE)


def test_when_none_can_the_last_ones_error_is_told_and_nothing_is_spent(shop: Workshop, second: Simulator) -> None:
    shop.simulator.scenario("overloaded")
    second.scenario("rate_limited")
    job = shop.run(_admit(shop, SECOND))
    assert (job.status, job.provider, job.cost.actual, job.error and job.error["code"]) == (
        JobStatus.FAILED,
        SECOND,
        0,
        "RATE_LIMIT",
    )
    assert shop.budget_of(job).remaining == shop.budget_of(job).limit


def test_of_one_that_was_sent_nobody_else_has_it(shop: Workshop, second: Simulator) -> None:
    """The worker died after the first refused it and it was sent to the second: whose answer was lost."""
    job = shop.dispatch(_admit(shop, SECOND), provider=SECOND)
    assert shop.now(job).provider == SECOND
    shop.run(job)
    assert (shop.requests, _invoice(second)) == (0, 0)


@pytest.mark.parametrize("own_key", [True, False])
def test_the_stacks_key_at_the_next_pays_only_what_its_own_limits_allowed(
    shop: Workshop, second: Simulator, own_key: bool
) -> None:
    """Alice's key there is gone since; the stack has one."""
    vault, stacks = shop.app.keys._vault, second.state.mint("operator")
    shop.app.keys = Keys(vault, {}, shop.clock, operator_key=lambda _name: stacks, operated=frozenset({SECOND}))
    shop.simulator.scenario("overloaded")
    admitted = shop.admit(work=_work(SECOND), own_key=own_key)
    vault.remove(USER, SECOND)
    job = shop.run(admitted)
    if own_key:
        assert job.error is not None
        assert (job.status, job.error["code"], job.error["charged"]) == (JobStatus.FAILED, "INVALID_API_KEY", False)
        assert (job.cost.actual, _invoice(second), shop.budget_of(job).reserved) == (0, 0, 0)
    else:
        assert (job.status, job.provider, _invoice(second)) == (JobStatus.SUCCEEDED, SECOND, PRICE)
