"""Webhooks from row to receiver: real HTTP servers on 127.0.0.1, verified by the library that receivers use."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from darkroom.errors import ServiceUnavailable, UrlRefused
from darkroom.models.job import JobStatus, KeptCutout
from darkroom.models.webhook import Delivery, WebhookSecrets
from darkroom.services.paid.webhooks import (
    BACK_OFF,
    CUTOUT_WAIT,
    GIVE_UP_AFTER,
    JITTER,
    LOST_AFTER,
    MOST_ATTEMPTS,
    NEVER_SENT_AFTER,
    new_secret,
    signed,
)
from tests.conftest import SteppingClock
from tests.fakes.webhooks import Call, MemoryWebhookQueue, MemoryWebhookStore, Receiver, receiving
from tests.paid_jobs import paid_job, succeeded
from tests.unit.services.delivering import World, verified


@pytest.fixture
def clock() -> SteppingClock:
    """Begins now: receivers take no event that is more than five minutes old, or ahead."""
    clock = SteppingClock()
    clock.now = datetime.now(UTC)
    return clock


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def world(clock: SteppingClock, receiver: Receiver) -> World:
    return World(clock, receiver)


# An event


def test_a_job_whose_pictures_are_being_cut_out_is_told_of_when_they_are_there(world: World) -> None:
    job = succeeded(paid_job("alice", world.clock.now, id="job_1"), world.clock.now)
    assert job.work is not None
    job = job.model_copy(update={"work": job.work.model_copy(update={"cutout_format": "png"})})
    world.jobs.add(job)
    world.announce()
    assert world.deliver() == CUTOUT_WAIT
    world.clock.step(timedelta(minutes=1))
    assert world.deliver() == timedelta(seconds=30)
    assert world.receiver.calls == []
    assert world.delivery.attempts == 0
    assert world.jobs.keep_cutouts(world.jobs.jobs["alice", "job_1"], (KeptCutout(image=job.images[0]),))
    assert world.deliver() is None
    assert verified(world.receiver.calls[0], world.webhooks.secret("alice").current)["type"] == "job.succeeded"


def test_a_cut_out_that_never_comes_keeps_no_event_back_for_ever(world: World) -> None:
    job = succeeded(paid_job("alice", world.clock.now, id="job_1"), world.clock.now)
    assert job.work is not None
    world.jobs.add(job.model_copy(update={"work": job.work.model_copy(update={"cutout_format": "png"})}))
    world.announce()
    wait, looks = world.deliver(), 0
    while wait is not None:
        looks += 1
        world.clock.step(wait)
        wait = world.deliver()
    assert len(world.receiver.calls) == 1
    assert looks < 20, "a message that is received thirty times is a dead letter"


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED])
def test_an_event_carries_the_job_and_is_signed(world: World, status: JobStatus) -> None:
    delivery = world.add(status)
    assert world.deliver() is None
    [call] = world.receiver.calls
    event = verified(call, world.webhooks.secret("alice").current)
    assert event["type"] == f"job.{status.value}"
    assert datetime.fromisoformat(event["timestamp"]) == delivery.created_at
    link = "https://out.example/1"
    assert event["data"] == {"id": "job_1", "object": "job", "status": status.value, "link": link}
    assert call.headers["webhook-id"] == "msg_job_1"
    assert call.headers["webhook-timestamp"] == str(int(world.clock.now.timestamp()))
    assert call.path == "/hook?key=CANARY"
    assert (world.delivery.status, world.delivery.attempts, world.delivery.last_reply) == ("delivered", 1, "204")
    assert world.delivery.last_attempt_at == world.clock.now


def test_what_was_changed_on_the_way_is_not_verified(world: World) -> None:
    world.add()
    world.deliver()
    [call] = world.receiver.calls
    secret = world.webhooks.secret("alice").current
    for name, value in (("webhook-id", "msg_job_2"), ("webhook-timestamp", "0")):
        with pytest.raises(WebhookVerificationError):
            verified(Call(call.path, {**call.headers, name: value}, call.body), secret)
    with pytest.raises(WebhookVerificationError):
        verified(Call(call.path, call.headers, call.body.replace(b"job_1", b"job_2")), secret)
    with pytest.raises(WebhookVerificationError):
        verified(call, new_secret())


@given(st.text(), st.text("abcz_019", min_size=1))
def test_any_body_is_signed_as_the_receivers_library_signs_it(body: str, event_id: str) -> None:
    at, secret = datetime.now(UTC), new_secret()
    headers = signed(event_id, at, body.encode(), WebhookSecrets(current=secret, created_at=at))
    assert headers["webhook-signature"] == Webhook(secret).sign(event_id, at, body)


def test_a_delivered_event_is_not_sent_again(world: World) -> None:
    world.add()
    for _ in range(3):
        assert world.deliver() is None
    assert len(world.receiver.calls) == 1


@pytest.mark.parametrize(("user", "delivery_id"), [("alice", "msg_job_2"), ("bob", "msg_job_1")])
def test_an_event_that_is_not_there_is_done_with(world: World, user: str, delivery_id: str) -> None:
    world.add()
    assert world.webhooks.deliver(user, delivery_id) is None
    assert world.receiver.calls == []


def test_an_event_of_a_removed_job_is_over(world: World) -> None:
    world.add()
    world.jobs.remove("alice", "job_1")
    assert world.deliver() is None
    assert (world.delivery.status, world.delivery.last_reply) == ("failed", "The job was removed.")
    assert world.receiver.calls == []


# Attempts


def test_what_fails_is_sent_again_ever_later_and_then_given_up(world: World) -> None:
    world.receiver.statuses = [500] * 99
    world.add()
    waits = [world.deliver()]
    while waits[-1] is not None:
        waits.append(world.after(waits[-1]))
    assert waits == [*BACK_OFF, None]
    assert [wait.total_seconds() for wait in BACK_OFF] == [5, 30, 120, 600, 1800, 7200, 21600]
    assert len(world.receiver.calls) == MOST_ATTEMPTS == 8
    assert (world.delivery.status, world.delivery.attempts, world.delivery.last_reply) == ("failed", 8, "500")
    assert list(world.store.list_open()) == []
    world.clock.step(timedelta(days=1))
    assert world.deliver() is None
    assert len(world.receiver.calls) == 8


def test_each_attempt_has_the_same_id_its_own_time_and_fresh_links(world: World, clock: SteppingClock) -> None:
    world.receiver.statuses = [503, 302]
    world.add()
    clock.step(timedelta(seconds=-60))  # so that all are within what the library takes for now
    assert world.after(world.after(world.deliver())) is None
    secret = world.webhooks.secret("alice").current
    events = [verified(call, secret) for call in world.receiver.calls]
    assert {call.headers["webhook-id"] for call in world.receiver.calls} == {"msg_job_1"}
    assert len({event["timestamp"] for event in events}) == 1
    assert [event["data"]["link"][-1] for event in events] == ["1", "2", "3"]
    times = [int(call.headers["webhook-timestamp"]) for call in world.receiver.calls]
    assert [later - times[0] for later in times] == [0, 5, 35]
    assert world.delivery.status == "delivered"


@pytest.mark.parametrize("status", [300, 302, 308, 400, 401, 404, 429, 500, 503])
def test_a_reply_that_is_no_success_is_not_the_last_word(world: World, status: int) -> None:
    world.receiver.statuses = [status]
    world.add()
    assert world.deliver() == BACK_OFF[0]
    assert (world.delivery.status, world.delivery.last_reply) == ("pending", str(status))


def test_a_receiver_that_wants_nothing_more_is_left_alone(world: World) -> None:
    world.receiver.statuses = [500, 410]
    world.add()
    assert world.after(world.deliver()) is None
    assert (world.delivery.status, world.delivery.attempts, world.delivery.last_reply) == ("failed", 2, "410")


def test_a_receiver_that_is_not_there_is_tried_again(world: World) -> None:
    world.add(url="https://127.0.0.1/hook?key=CANARY")
    assert world.deliver() == BACK_OFF[0]
    assert world.delivery.last_reply
    assert "127.0.0.1" not in world.delivery.last_reply
    assert "CANARY" not in world.delivery.last_reply


def test_a_second_message_does_not_hurry_the_next_attempt(world: World, clock: SteppingClock) -> None:
    world.receiver.statuses = [500, 500]
    world.add()
    world.deliver()
    clock.step(timedelta(seconds=1))
    left = world.deliver()
    assert left == BACK_OFF[0] * (1 - JITTER) - timedelta(seconds=1)
    assert (len(world.receiver.calls), world.delivery.attempts) == (1, 1)
    assert world.after(left) == BACK_OFF[1]
    assert len(world.receiver.calls) == 2


@pytest.mark.parametrize(("edge", "factor"), [(0, 0.8), (1, 1.2)])
def test_waits_differ_by_a_fifth(clock: SteppingClock, receiver: Receiver, edge: int, factor: float) -> None:
    receiver.statuses = [500]
    world = World(clock, receiver, uniform=lambda *edges: edges[edge])
    world.add()
    assert world.deliver() == BACK_OFF[0] * factor


# Admission and sweep


def test_a_url_that_will_never_be_called_is_refused(world: World) -> None:
    world.webhooks.check(world.receiver.url)
    world.webhooks.check("https://receiver.example/hook")
    for url in ("http://receiver.example/hook", "https://169.254.169.254/", "https://localhost/", "hook"):
        with pytest.raises(UrlRefused) as refusal:
            world.webhooks.check(url)
        assert refusal.value.param == "webhook_url"


def test_a_lost_message_is_sent_again_once_an_hour(world: World, clock: SteppingClock) -> None:
    world.add()
    clock.step(NEVER_SENT_AFTER - timedelta(seconds=1))
    assert world.webhooks.resend_stale() == []
    clock.step(timedelta(seconds=1))
    assert [delivery.id for delivery in world.webhooks.resend_stale()] == ["msg_job_1"]
    assert world.queue.sent == [("alice", "msg_job_1")]
    clock.step(timedelta(minutes=5))
    assert world.webhooks.resend_stale() == []
    clock.step(LOST_AFTER)
    assert len(world.webhooks.resend_stale()) == 1
    assert world.deliver() is None
    clock.step(LOST_AFTER * 2)
    assert world.webhooks.resend_stale() == []
    assert len(world.queue.sent) == 2


def test_a_delivery_that_waits_for_its_time_is_not_lost(world: World, clock: SteppingClock) -> None:
    world.add(attempts=7, last_attempt_at=clock.now, last_reply="500")
    for step, sent in (
        (BACK_OFF[-1] * (1 + JITTER), 0),
        (LOST_AFTER - timedelta(seconds=1), 0),
        (timedelta(hours=1), 1),
    ):
        clock.step(step)
        assert len(world.webhooks.resend_stale()) == sent


def test_the_sweep_can_be_told_how_long_is_too_long(world: World, clock: SteppingClock) -> None:
    world.add()
    clock.step(timedelta(minutes=2))
    assert len(world.webhooks.resend_stale(timedelta(minutes=2))) == 1


@pytest.mark.parametrize("reply", [None, "500"])
def test_a_delivery_is_given_up_after_a_day(world: World, clock: SteppingClock, reply: str | None) -> None:
    world.add(last_reply=reply)
    clock.step(GIVE_UP_AFTER)
    assert world.webhooks.resend_stale() == []
    assert world.delivery.status == "failed"
    assert world.delivery.last_reply == (reply or "No attempt was made within a day.")
    assert world.queue.sent == []


def test_a_day_is_longer_than_all_attempts_take() -> None:
    assert sum(BACK_OFF, timedelta()) * (1 + JITTER) + LOST_AFTER < GIVE_UP_AFTER


def test_a_usage_report_is_told_of_and_signed_like_a_job(world: World) -> None:
    secret = world.webhooks.secret("alice").current
    world.add(job_id="", report="2026-10")
    assert world.deliver() is None
    event = verified(world.receiver.calls[0], secret)
    assert (event["type"], event["data"]) == ("usage.report", {"month": "2026-10", "of": "alice"})
    assert world.delivery.status == "delivered"
    assert world.shown == 0


def test_a_report_that_is_gone_is_not_told_of(world: World) -> None:
    world.add(job_id="", report="2026-09")
    assert world.deliver() is None
    assert (world.delivery.status, world.receiver.calls) == ("failed", [])


class _BrokenStore(MemoryWebhookStore):
    def save(self, delivery: Delivery) -> None:
        if delivery.requeued_at is not None and delivery.id == "msg_job_1":
            raise ServiceUnavailable("DynamoDB is away.")
        super().save(delivery)


class _BrokenQueue(MemoryWebhookQueue):
    is_broken = True

    def send(self, user: str, delivery_id: str, *, delay_seconds: int = 0) -> None:
        if self.is_broken and delivery_id == "msg_job_1":
            raise ServiceUnavailable("SQS is away.")
        super().send(user, delivery_id)


@pytest.mark.parametrize("broken", ["store", "queue"])
def test_one_delivery_that_fails_keeps_no_other_waiting(clock: SteppingClock, receiver: Receiver, broken: str) -> None:
    queue = _BrokenQueue()
    queue.is_broken = broken == "queue"
    world = World(clock, receiver, store=_BrokenStore() if broken == "store" else None, queue=queue)
    for n in (1, 2, 3):
        world.add(id=f"msg_job_{n}", job_id=f"job_{n}")
    clock.step(NEVER_SENT_AFTER)
    assert [delivery.id for delivery in world.webhooks.resend_stale()] == ["msg_job_2", "msg_job_3"]
    told = {"job": "job_1", "error": "ServiceUnavailable"}
    [(name, facts)] = world.alarms
    assert (name, {word: facts[word] for word in told}) == ("SWEEP_FAILED", told)
    assert (("alice", "msg_job_1") in queue.sent) is (broken == "store")
    queue.is_broken = False
    world.webhooks.resend_stale()
    assert ("alice", "msg_job_1") in queue.sent
