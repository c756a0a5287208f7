"""Whoever goes on with a turn is killed at every point of it, its planner's call and its painter's. The turn comes to
its end, each of the two is asked once at the most, and conversation, ledger and invoice agree to the micro-dollar.
"""

import signal
from datetime import timedelta
from typing import Literal

import pytest

from darkroom.models.job import Job, JobStatus
from local.aws import Aws
from tests.conftest import SteppingClock
from tests.integration.crash.customers import Customer, assert_lawful, assert_usage_agrees, deliver, settle_everything
from tests.integration.crash.killing import Point, When, ended
from tests.integration.crash.shop import Place
from tests.integration.crash.talk_shop import TalkShop, go_on, serve_turn, sweep_turns

Part = Literal["plan", "paint1"]

# An operation, and then something to be painted.
SAID = "brighter, and put snow on the roof"
WHENS: tuple[When, ...] = ("before", "after")

# Nothing was sent, or what came was kept: nothing is lost.
HARMLESS = [
    Point("jobs", "claim", "after"),
    Point("jobs", "dispatch", "before"),
    Point("raw_answers", "write", "after"),
    Point("ledger", "close", "before"),
    Point("ledger", "close", "after"),
]
# What a turn does between its calls.
BETWEEN: list[tuple[Part, Point]] = [
    *(("plan", Point("jobs", "progress", when)) for when in WHENS),
    *(("plan", Point("images", "write_output", when)) for when in WHENS),
    *(("plan", Point("ledger", "admit", when)) for when in WHENS),
    *(("plan", Point("job_queue", "send", when)) for when in WHENS),
    # The picture is kept, as the answer that it is.
    ("paint1", Point("provider", "generate", "after")),
    *(("paint1", Point("jobs", "progress", when)) for when in WHENS),
    *(("paint1", Point("conversations", "save", when)) for when in WHENS),
    *(("paint1", Point("jobs", "finish", when)) for when in WHENS),
]
POINTS: list[tuple[Part, Point]] = [("plan", point) for point in HARMLESS]
POINTS += [("paint1", point) for point in HARMLESS] + BETWEEN


@pytest.fixture
def shop(place: Place, aws: Aws, clock: SteppingClock) -> TalkShop:
    return TalkShop(place, clock, aws)


def killed(shop: TalkShop, clock: SteppingClock, customer: Customer, part: Part, point: Point) -> Job:
    """The turn, whose worker was killed while it was at work on that part, or went on from there."""
    turn = shop.say(customer, SAID)
    if part == "paint1":
        deliver(shop)
    assert shop.ports.job_queue.take() == [(customer.user, f"{turn.id}-{part}")]
    process = go_on(shop.place, clock.now, customer.user, f"{turn.id}-{part}", kill=point)
    assert ended(process) == -signal.SIGKILL
    return turn


def end(shop: TalkShop, clock: SteppingClock, customer: Customer, turn: Job) -> Job:
    """The turn when everybody has come to rest: the books agree."""
    settle_everything(shop, clock)
    found, parts = customer.job(turn.id), shop.parts(turn)
    assert found.status.is_final
    assert found.turn is not None
    invoice = sum(customer.charges)
    assert found.cost.actual == sum(part.cost.actual or 0 for part in parts.values()) == invoice
    receipts = customer.receipts()
    assert sorted(receipt.job_id for receipt in receipts) == sorted(part.id for part in parts.values())
    assert sum(receipt.actual or 0 for receipt in receipts) == invoice
    assert_usage_agrees(customer)
    conversation = shop.app.conversations.find(customer.user, found.turn.conversation_id)
    assert conversation.spent == invoice
    refs = {ref.id for part in parts.values() for ref in part.budgets}
    budgets = shop.ports.ledger.budgets(customer.user, sorted(refs)).values()
    assert_lawful(budgets)
    assert {(budget.reserved, budget.spent) for budget in budgets} == {(0, invoice)}
    assert shop.alarms == []
    return found


@pytest.mark.parametrize(("part", "point"), POINTS, ids=str)
def test_it_is_planned_once_and_painted_once(
    part: Part, point: Point, shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    turn = end(shop, clock, customer, killed(shop, clock, customer, part, point))
    assert (turn.status, turn.error, turn.result["version"]) == (JobStatus.SUCCEEDED, None, "v2")
    assert (customer.requests, len(customer.charges)) == (2, 2)
    assert shop.parts(turn).keys() == {"plan", "paint1"}
    conversation = shop.app.conversations.find(customer.user, str(turn.result["conversation"]))
    assert [message.role for message in conversation.messages] == ["user", "assistant"]
    assert [version.id for version in conversation.versions] == ["v1", "v2"]
    names = ["paint" if step.paint else (step.operation or {})["op"] for step in conversation.versions[1].steps]
    assert names == ["brightness", "paint"]
    assert turn.started_at is not None


@pytest.mark.parametrize("part", ["plan", "paint1"])
@pytest.mark.parametrize(
    "point", [Point("jobs", "dispatch", "after"), Point("raw_answers", "write", "before")], ids=str
)
def test_what_may_have_been_paid_for_is_not_asked_for_again(
    part: Part, point: Point, shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    turn = end(shop, clock, customer, killed(shop, clock, customer, part, point))
    assert (turn.status, turn.images) == (JobStatus.FAILED, ())
    # Before the answer was kept it had come; after the dispatch was written down nothing was sent yet.
    was_sent = point.role == "raw_answers"
    sent = int(part == "paint1") + int(was_sent)
    assert (customer.requests, len(customer.charges)) == (sent, sent)
    assert turn.cost.charged is (sent > 0)
    assert turn.error is not None
    assert turn.error["charged"] is turn.cost.charged


# Of a process that carries out the turn that it admitted. Other writes are taken by tests with stores in memory.
IN_PLACE = [
    Point("ledger", "admit", "after"),
    *HARMLESS[1:],
    *(Point("jobs", "progress", when) for when in WHENS),
    Point("conversations", "save", "before"),
]


def served(shop: TalkShop, clock: SteppingClock, customer: Customer, point: Point) -> Job:
    """The turn that was killed while its process carried it out."""
    conversation = shop.begin(customer)
    process = serve_turn(shop.place, clock.now, customer.caller, conversation.id, SAID, kill=point)
    assert ended(process) == -signal.SIGKILL
    turn: Job
    (turn,) = (job for job in shop.ports.jobs.page(customer.user, limit=100).jobs if job.turn)
    return turn


@pytest.mark.parametrize("point", IN_PLACE, ids=str)
def test_in_place_it_is_planned_once_and_painted_once(
    point: Point, shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    turn = end(shop, clock, customer, served(shop, clock, customer, point))
    assert (turn.status, turn.error, turn.result["version"]) == (JobStatus.SUCCEEDED, None, "v2")
    assert (customer.requests, len(customer.charges)) == (2, 2)


@pytest.mark.parametrize(
    ("point", "sent"), [(Point("jobs", "dispatch", "after"), 0), (Point("raw_answers", "write", "before"), 1)], ids=str
)
def test_in_place_what_may_have_been_paid_for_is_not_asked_for_again(
    point: Point, sent: int, shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    turn = end(shop, clock, customer, served(shop, clock, customer, point))
    assert (turn.status, turn.images, turn.cost.charged) == (JobStatus.FAILED, (), sent > 0)
    assert (customer.requests, len(customer.charges)) == (sent, sent)


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize(("role", "method"), [("ledger", "admit"), ("jobs", "progress"), ("job_queue", "send")])
def test_a_sweep_that_is_killed_while_it_goes_on_is_finished_by_the_next(
    role: str, method: str, when: When, shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    turn = killed(shop, clock, customer, "plan", Point("ledger", "close", "after"))
    clock.step(timedelta(minutes=6))
    assert ended(sweep_turns(shop.place, clock.now, Point(role, method, when))) == -signal.SIGKILL
    done = end(shop, clock, customer, turn)
    assert (done.status, customer.requests, len(customer.charges)) == (JobStatus.SUCCEEDED, 2, 2)


def test_a_conversation_that_is_removed_while_its_turn_is_dead_is_not_made_anew(
    shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    turn = killed(shop, clock, customer, "plan", Point("raw_answers", "write", "after"))
    assert turn.turn is not None
    shop.app.conversations.remove(customer.user, turn.turn.conversation_id)
    settle_everything(shop, clock)
    found = customer.job(turn.id)
    assert (found.status, found.cost.actual) == (JobStatus.FAILED, sum(customer.charges))
    assert (customer.requests, len(customer.charges)) == (1, 1)
    assert shop.app.conversations.page(customer.user) == ([], None)


def unsettled(shop: TalkShop, customer: Customer) -> Job:
    """A turn that is over, of which nobody said what its plan cost."""
    customer.simulator.scenario("missing_usage", key=customer.secret, path="/chat/completions")
    turn = shop.say(customer, "brighter")
    deliver(shop)
    found = customer.job(turn.id)
    assert (found.status, found.cost.settled) == (JobStatus.SUCCEEDED, False)
    return found


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize(("role", "method"), [("ledger", "close"), ("conversations", "save"), ("jobs", "settle")])
def test_a_sweep_that_is_killed_while_it_tells_what_a_turn_cost_is_finished_by_the_next(
    role: str, method: str, when: When, shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    turn = unsettled(shop, customer)
    clock.step(timedelta(minutes=6))
    assert ended(sweep_turns(shop.place, clock.now, Point(role, method, when))) == -signal.SIGKILL
    done = end(shop, clock, customer, turn)
    assert (done.status, done.cost.charged, customer.requests) == (JobStatus.SUCCEEDED, True, 1)
    conversation = shop.app.conversations.find(customer.user, str(done.result["conversation"]))
    assert [message.cost for message in conversation.messages] == [0, sum(customer.charges)]


def test_a_job_that_kills_each_sweep_holds_up_no_other(
    shop: TalkShop, clock: SteppingClock, customer: Customer
) -> None:
    bad = killed(shop, clock, customer, "plan", Point("raw_answers", "write", "after"))
    clock.step(timedelta(seconds=1))
    good = unsettled(shop, customer)
    deadly = Point("raw_answers", "read", "before")
    for _ in range(2):
        clock.step(timedelta(minutes=6))
        assert ended(sweep_turns(shop.place, clock.now, deadly)) == -signal.SIGKILL
    assert customer.job(good.id).cost.settled
    # As soon as it kills no more, it is ended as if it never had.
    settle_everything(shop, clock)
    assert customer.job(bad.id).status is JobStatus.SUCCEEDED
    assert sum(receipt.actual or 0 for receipt in customer.receipts()) == sum(customer.charges)
