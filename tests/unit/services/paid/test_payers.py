"""Who pays: whoever's limits a job was admitted under, whatever becomes of their key before it is worked on."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from darkroom.errors import CostLimit, DarkroomError, InvalidApiKey
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.digest import digest
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.models.user_settings import Limits, UserSettings
from local.simulator import Simulator
from local.simulator.state import hash_of
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.unit.services.batches import PAINTED, Gallery
from tests.unit.services.talking import NO_PLAN, Talk, operations, paint

USER = "alice"
# A painting costs 14,000: of those the stack pays one a day, and Alice any number.
CEILINGS = Limits(per_request=20_000, per_conversation=20_000, per_day=20_000, per_month=100_000)
OWN = Limits(per_request=100_000, per_conversation=5_000_000, per_day=5_000_000, per_month=5_000_000)
PRICE = 14_000


def _shared(simulator: Simulator, clock: SteppingClock, limits: Limits = CEILINGS) -> Studio:
    """A stack with a key of its own, and Alice, who has wider limits for what she pays herself."""
    simulator.reset()
    studio = Studio(simulator, clock, limits=limits, operator=simulator.state.mint("operator"))
    studio.settings.settings[USER] = UserSettings(limits=OWN)
    return studio


@pytest.fixture
def shared(studio_simulator: Simulator, clock: SteppingClock) -> Studio:
    return _shared(studio_simulator, clock)


@pytest.fixture
def own(shared: Studio) -> Studio:
    """The same, where Alice has a key of her own."""
    shared.connect(USER)
    return shared


def _made(studio: Studio) -> Job:
    terms = Terms(route="POST /v1/images/generations", is_async=True)
    return studio.app.generate.submit(Caller(user=USER), ImageRequest(prompt="a fox"), terms).job


def _on_the_stack(studio: Studio) -> int:
    assert studio.operator is not None
    of_key = hash_of(studio.operator)
    return sum(row["micro_usd"] for row in studio.simulator.state.invoice() if row["key_hash"] == of_key)


def _leave(studio: Studio) -> None:
    studio.app.keys.disconnect(USER, "openrouter")


def _assert_refused(studio: Studio, job: Job) -> None:
    """Nothing was spent or is set aside any more, and the job says what to do."""
    job = studio.job(job.user, job.id)
    assert job.error is not None
    assert (job.status, job.error["code"], job.error["charged"]) == (JobStatus.FAILED, "INVALID_API_KEY", False)
    assert "disconnected" in job.error["detail"]
    assert "again" in job.error["fix"]
    assert (job.cost.actual or 0, _on_the_stack(studio)) == (0, 0)
    assert all(account.reserved == 0 for account in studio.ledger.accounts.values())


# ── One job ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_job_of_somebody_whose_key_is_gone_is_not_the_stacks_to_pay(own: Studio) -> None:
    jobs = [_made(own) for _ in range(3)]
    _leave(own)
    own.carry_out()
    for job in jobs:
        _assert_refused(own, job)
    assert own.paid_requests() == []


def test_another_key_of_theirs_pays_it(own: Studio) -> None:
    job = _made(own)
    _leave(own)
    own.connect(USER)
    own.carry_out()
    assert own.job(USER, job.id).status is JobStatus.SUCCEEDED
    assert (own.charged(USER), _on_the_stack(own)) == ([PRICE], 0)


@pytest.mark.parametrize("stays", [True, False])
def test_a_job_under_the_stacks_limits_is_paid_with_the_users_key_if_there_is_one_by_then(
    shared: Studio, stays: bool
) -> None:
    job = _made(shared)
    assert not job.own_key
    shared.connect(USER)
    if not stays:
        _leave(shared)
    shared.carry_out()
    assert shared.job(USER, job.id).status is JobStatus.SUCCEEDED
    assert _on_the_stack(shared) == (0 if stays else PRICE)


def test_a_job_that_was_sent_is_not_looked_up_with_the_stacks_key(own: Studio) -> None:
    """Neither the stack's books nor what its key has used say anything of it."""
    own.simulator.scenario("cut_body", path="/images")
    job = _made(own)
    own.carry_out()
    assert own.job(USER, job.id).status is JobStatus.UNCERTAIN
    _leave(own)
    assert own.app.sweep.reconciliation.cost_of(own.job(USER, job.id)) is None
    with pytest.raises(InvalidApiKey):
        own.app.keys.reveal(USER, "openrouter", own=True)
    assert own.app.keys.reveal(USER, "openrouter", own=False) == own.operator


# ── A recipe's batch ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("messages", [0, 1, 2])
def test_what_a_batch_has_still_to_paint_is_not_the_stacks_to_pay(own: Studio, messages: int) -> None:
    """None, or some, of its paintings were admitted when the key went."""
    gallery = Gallery(own)
    batch = gallery.apply(PAINTED, 3)
    for _ in range(messages):
        gallery.step()
    _leave(own)
    gallery.run()
    assert [code for _, code, _ in gallery.errors(batch)] == ["INVALID_API_KEY"] * 3
    for part in gallery.parts(batch).values():
        _assert_refused(own, part)
    assert (len(gallery.parts(batch)), own.paid_requests(), gallery.wall(batch)) == (3, [], (0, 0))


def test_a_batch_under_the_stacks_limits_keeps_them_when_a_key_comes_and_goes(shared: Studio) -> None:
    gallery = Gallery(shared)
    batch = gallery.apply(PAINTED, 3)
    shared.connect(USER)
    while not gallery.parts(batch):
        gallery.step()
    first = gallery.part(batch, 0)
    assert (batch.own_key, first.own_key, first.budgets) == (False, True, batch.budgets)
    _leave(shared)
    gallery.run()
    # What was begun as Alice's is not the stack's; what was not, is, and one is all that its day has room for.
    assert [code for _, code, _ in gallery.errors(batch)] == ["INVALID_API_KEY", "BUDGET_EXCEEDED"]
    assert 0 < _on_the_stack(shared) <= (CEILINGS.per_day or 0)
    assert gallery.now(first).key_sha256 is None


# ── A turn ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_turns_planner_is_not_the_stacks_to_pay(own: Studio) -> None:
    talk = Talk(own).begin()
    turn = talk.submit("warmer")
    _leave(own)
    talk.run()
    _assert_refused(own, talk.turn(turn))
    assert talk.posts() == []


def test_a_turns_painter_that_was_admitted_is_not_the_stacks_to_pay(own: Studio) -> None:
    talk = Talk(own).begin()
    turn = talk.submit("make it a watercolour painting")
    own.carry_out()
    assert "paint0" in talk.parts(turn)
    _leave(own)
    talk.run()
    _assert_refused(own, talk.part(turn, "paint0"))
    assert (talk.turn(turn).status, talk.posts()) == (JobStatus.FAILED, ["chat"])


def test_a_turns_painter_is_not_begun_at_the_stacks_expense(own: Studio) -> None:
    talk = Talk(own).begin()
    talk.plans(operations({"op": "remove_background"}), paint("a fox"))
    turn = talk.submit("cut it out, then a fox")
    own.carry_out()
    _leave(own)
    talk.run()
    error = talk.turn(turn).error
    assert error is not None
    assert (error["code"], set(talk.parts(turn)), talk.posts()) == ("INVALID_API_KEY", {"plan"}, ["chat"])
    assert _on_the_stack(own) == 0


def test_asking_the_planner_once_more_is_not_the_stacks_to_pay(own: Studio) -> None:
    talk = Talk(own).begin()
    talk.answers(NO_PLAN)
    turn = talk.submit("warmer")
    own.carry_out()
    assert "repair" in talk.parts(turn)
    _leave(own)
    talk.run()
    _assert_refused(own, talk.part(turn, "repair"))
    assert (talk.turn(turn).status, talk.posts()) == (JobStatus.FAILED, ["chat"])


def test_a_turn_under_the_stacks_limits_keeps_them_when_a_key_comes(
    studio_simulator: Simulator, clock: SteppingClock
) -> None:
    """Else the stack would pay for a call beyond its limit of a request, once the key is gone again."""
    none = _shared(studio_simulator, clock, CEILINGS.model_copy(update={"per_request": 0}))
    with pytest.raises(CostLimit) as refused:
        Talk(none).begin().submit("warmer")
    least = re.search(r"may cost \$([\d.]+),", refused.value.detail)
    assert least is not None
    enough = round(float(least[1]) * 1_000_000) + 1
    strict = _shared(studio_simulator, clock, CEILINGS.model_copy(update={"per_request": enough}))
    talk = Talk(strict).begin()
    talk.answers(NO_PLAN)
    turn = talk.submit("warmer")
    strict.connect(USER)
    talk.run()
    error = talk.turn(turn).error
    assert error is not None
    assert (error["code"], talk.posts()) == ("COST_LIMIT", ["chat"])


def test_where_the_planner_alone_is_the_users_the_stack_paints_within_its_limits(shared: Studio) -> None:
    """With a key of a provider that only writes, and none of a painter's."""
    talk = Talk(shared).begin()
    turn = talk.submit("make it a watercolour painting")
    plan = talk.part(turn, "plan")
    wide = tuple(ref.model_copy(update={"limit": ref.limit * 100}) for ref in plan.budgets)
    like = plan.model_copy(update={"provider": "groq", "own_key": True, "budgets": wide})
    job = shared.app.turns.painting.job(talk.turn(turn), "a fox", None, like=like, spent=0)
    assert (job.own_key, job.provider, job.budgets) == (False, "openrouter", plan.budgets)


# ── Whatever the order ────────────────────────────────────────────────────────────────────────────────────────────────


def _talk(studio: Studio) -> None:
    Talk(studio).begin().submit("make it a watercolour painting")


def _batch(studio: Studio) -> None:
    Gallery(studio).apply(PAINTED, 2)


def _tick(studio: Studio) -> None:
    if studio.job_queue.sent:
        studio.carry_out()
        return
    if studio.render_queue.sent:
        Gallery(studio).step()


_MOVES: dict[str, Callable[[Studio], object]] = {
    "connect": lambda studio: studio.connect(USER),
    "disconnect": _leave,
    "make": _made,
    "talk": _talk,
    "batch": _batch,
    "work": _tick,
    "later": lambda studio: studio.clock.step(timedelta(hours=13)),
}


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from(sorted(_MOVES)), min_size=4, max_size=12).map(lambda moves: ["connect", *moves]))
@example(moves=["connect", "make", "disconnect", "work"])
@example(moves=["connect", "batch", "work", "disconnect", "work", "make"])
@example(moves=["talk", "connect", "work", "disconnect", "later", "make", "make"])
def test_the_stack_never_pays_more_than_its_ceiling_and_nothing_of_who_pays_themselves(
    studio_simulator: Simulator, moves: list[str]
) -> None:
    studio = _shared(studio_simulator, SteppingClock())
    assert studio.operator is not None
    for move in (*moves, *["work"] * 6):
        try:
            _MOVES[move](studio)
        except DarkroomError:
            continue
        finally:
            paid = _paid_by(studio, digest(studio.operator))
            assert sum(paid.values()) == _on_the_stack(studio)
            assert all(amount <= (CEILINGS.per_day or 0) for amount in paid.values())


def _paid_by(studio: Studio, key_sha256: str) -> Counter[str]:
    """What was paid with a key, by the day's budget that it was taken from."""
    paid: Counter[str] = Counter()
    for job in studio.of(USER).values():
        if job.is_paid and job.key_sha256 == key_sha256:
            assert not job.own_key or not job.cost.actual
            paid[next(ref.id for ref in job.budgets if ref.name == "day")] += job.cost.actual or 0
    return paid
