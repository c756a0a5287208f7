"""Finding out what a call cost: what each witness may say, and when it is believed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus
from darkroom.services.paid.key_watch import USAGE_LAG, watched
from darkroom.services.paid.together import BOOKS_COMPLETE, PATIENCE
from tests.unit.services.workshop import MODEL, PRICE, RESERVED, USER, Workshop

MINUTE = timedelta(minutes=1)


def _sent(shop: Workshop, **known: Any) -> Job:
    """A job that was sent with the key that Alice has now."""
    seen, listing = watched(
        shop.admit(),
        shop.ledger.charges_with(digest(shop.secret)),
        key_sha256=digest(shop.secret),
        used=lambda: shop.openrouter.inspect(shop.secret).used,
        is_listable=True,
        now=shop.clock.now,
    )
    on_key = seen.model_dump(include={"key_usage", "key_sha256", "key_charges"})
    job = shop.dispatch(seen, listing, **{**on_key, **known})
    if known.get("generation_id"):
        shop.jobs.note_generation(job, known["generation_id"])
    return shop.now(job)


def _buy(shop: Workshop) -> str:
    """Somebody pays for a picture with the key; the generation's id."""
    headers = {"Authorization": f"Bearer {shop.secret}"}
    with httpx.Client(base_url=shop.simulator.api, trust_env=False, timeout=20, headers=headers) as client:
        return client.post("/images", json={"model": MODEL, "prompt": "x"}).headers["x-generation-id"]


def test_what_was_never_sent_cost_nothing(shop: Workshop) -> None:
    job = shop.admit()
    shop.app.keys.disconnect(USER, "openrouter")
    assert shop.app.reconciliation.cost_of(job) == 0


def test_the_books_are_believed_at_once(shop: Workshop) -> None:
    job = _sent(shop)
    generation_id = _buy(shop)
    _buy(shop)
    shop.jobs.note_generation(job, generation_id)
    assert shop.app.reconciliation.cost_of(shop.now(job)) == PRICE


def test_as_much_as_the_job_can_cost_is_believed_at_once(shop: Workshop) -> None:
    job = _sent(shop)
    _buy(shop)
    assert shop.app.reconciliation.cost_of(job) == PRICE


def test_less_than_the_job_can_cost_is_believed_when_all_of_it_must_show(shop: Workshop) -> None:
    """Before that it may be what another program has paid with the key, and the job's own charge not show yet."""
    job = _sent(shop)
    job = job.model_copy(update={"cost": job.cost.model_copy(update={"reserved": RESERVED + 1})})
    _buy(shop)
    shop.clock.step(PATIENCE - MINUTE)
    assert shop.app.reconciliation.cost_of(job) is None
    shop.clock.step(MINUTE)
    assert shop.app.reconciliation.cost_of(job) == PRICE


def test_that_nothing_was_charged_is_believed_after_a_while(shop: Workshop) -> None:
    job = _sent(shop)
    shop.clock.step(PATIENCE - MINUTE)
    assert shop.app.reconciliation.cost_of(job) is None
    shop.clock.step(MINUTE)
    assert shop.app.reconciliation.cost_of(job) == 0


def test_a_key_that_has_used_nothing_since_has_paid_for_none_of_its_jobs(shop: Workshop) -> None:
    jobs = [_sent(shop), _sent(shop)]
    shop.clock.step(PATIENCE)
    assert [shop.app.reconciliation.cost_of(job) for job in jobs] == [0, 0]


def test_a_usage_that_went_down_proves_nothing(shop: Workshop) -> None:
    job = _sent(shop, key_usage=Decimal(1))
    shop.clock.step(10 * BOOKS_COMPLETE)
    assert shop.app.reconciliation.cost_of(job) is None


def test_of_what_was_delivered_that_is_never_believed(shop: Workshop) -> None:
    job = _sent(shop, generation_id="gen-img-unknown")
    made = job.model_copy(update={"status": JobStatus.SUCCEEDED})
    shop.clock.step(10 * BOOKS_COMPLETE)
    assert shop.app.reconciliation.cost_of(made) is None


def test_without_a_record_of_the_keys_usage_only_the_books_can_tell(shop: Workshop) -> None:
    job = _sent(shop, key_usage=None)
    _buy(shop)
    shop.clock.step(10 * BOOKS_COMPLETE)
    assert shop.app.reconciliation.cost_of(job) is None


@pytest.mark.parametrize("generation_id", [None, "gen-img-unknown"])
def test_the_books_silence_counts_when_they_are_complete_and_could_have_known(
    shop: Workshop, generation_id: str | None
) -> None:
    job = _sent(shop, key_usage=None, generation_id=generation_id)
    shop.clock.step(BOOKS_COMPLETE - MINUTE)
    assert shop.app.reconciliation.cost_of(job) is None
    shop.clock.step(MINUTE)
    assert shop.app.reconciliation.cost_of(job) == (0 if generation_id else None)


@pytest.mark.parametrize("key", ["another", "none"])
def test_another_key_knows_nothing_of_the_call(shop: Workshop, key: str) -> None:
    job = _sent(shop)
    _buy(shop)
    if key == "none":
        shop.app.keys.disconnect(USER, "openrouter")
    else:
        shop.app.keys.connect(USER, "openrouter", shop.simulator.state.mint())
    # Nothing was ever paid with the new one, which is no proof of anything.
    shop.clock.step(10 * BOOKS_COMPLETE)
    assert shop.app.reconciliation.cost_of(job) is None


@pytest.mark.parametrize("path", ["/generation", "/key"])
def test_a_provider_that_cannot_be_asked_says_nothing(shop: Workshop, path: str) -> None:
    job = _sent(shop, generation_id="gen-img-unknown")
    shop.simulator.scenario("overloaded", path=path)
    shop.clock.step(10 * BOOKS_COMPLETE)
    assert shop.app.reconciliation.cost_of(job) is None


@pytest.mark.parametrize("when", ["before", "open", "just settled"])
def test_another_job_on_the_key_hides_what_this_one_cost(shop: Workshop, when: str) -> None:
    """A key's usage may lag, so what was settled just before the dispatch counts, too."""
    other = shop.admit()
    if when == "open":
        shop.dispatch(other)
    else:
        shop.run(other)
        shop.clock.step(USAGE_LAG if when == "before" else USAGE_LAG - MINUTE)
    job = _sent(shop)
    _buy(shop)
    shop.clock.step(PATIENCE)
    assert shop.app.reconciliation.cost_of(job) == (PRICE if when == "before" else None)


def test_another_job_that_cost_nothing_hides_nothing(shop: Workshop) -> None:
    job = _sent(shop)
    shop.simulator.scenario("moderation", times=1)
    shop.run(shop.admit())
    _buy(shop)
    shop.clock.step(PATIENCE)
    assert shop.app.reconciliation.cost_of(job) == PRICE


def test_a_usage_far_above_the_reservation_is_not_this_jobs(shop: Workshop) -> None:
    job = _sent(shop)
    for _ in range(3):
        _buy(shop)
    shop.clock.step(PATIENCE)
    assert shop.app.reconciliation.cost_of(job) is None


def test_a_usage_that_fell_proves_nothing(shop: Workshop) -> None:
    job = _sent(shop, key_usage=Decimal(5))
    shop.clock.step(PATIENCE)
    assert shop.app.reconciliation.cost_of(job) is None


def test_a_tiny_difference_is_rounded_up_to_a_micro_dollar(shop: Workshop) -> None:
    _buy(shop)
    job = _sent(shop, key_usage=Decimal("0.0139999999"))
    shop.clock.step(PATIENCE)
    assert shop.app.reconciliation.cost_of(job) == 1
