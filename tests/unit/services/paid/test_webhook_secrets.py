"""Secrets of webhooks: made when first asked for, rotated, and both valid for a day."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from darkroom.errors import Conflict, ServiceUnavailable
from darkroom.models.webhook import WebhookSecrets
from darkroom.services.paid.webhooks import (
    PREVIOUS_LIFETIME,
    new_secret,
)
from tests.conftest import SteppingClock
from tests.fakes.webhooks import MemoryWebhookStore, Receiver, receiving
from tests.unit.services.delivering import World, verified

# Secrets


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


def test_a_secret_is_made_when_it_is_first_asked_for(world: World) -> None:
    first = world.webhooks.secret("alice")
    assert first == world.webhooks.secret("alice")
    assert first.current.startswith("whsec_")
    assert 24 <= len(base64.b64decode(first.current[6:], validate=True)) <= 64
    assert (first.previous, first.previous_until) == (None, None)
    assert world.webhooks.secret("bob").current != first.current
    assert first.current not in repr(first)


def test_after_a_rotation_both_secrets_sign_for_a_day(world: World, clock: SteppingClock) -> None:
    before = world.webhooks.secret("alice").current
    rotated = world.webhooks.rotate("alice")
    assert rotated.current != before
    assert rotated.previous_until == clock.now + PREVIOUS_LIFETIME == clock.now + timedelta(hours=24)
    assert world.webhooks.secret("alice") == rotated
    world.add()
    world.deliver()
    [call] = world.receiver.calls
    assert len(call.headers["webhook-signature"].split(" ")) == 2
    assert verified(call, before) == verified(call, rotated.current)


def test_a_day_later_the_previous_secret_signs_no_more(world: World, clock: SteppingClock) -> None:
    before = world.webhooks.secret("alice").current
    clock.step(-PREVIOUS_LIFETIME)
    rotated = world.webhooks.rotate("alice")
    clock.step(PREVIOUS_LIFETIME)
    world.add()
    world.deliver()
    [call] = world.receiver.calls
    assert verified(call, rotated.current)
    with pytest.raises(WebhookVerificationError):
        verified(call, before)
    shown = world.webhooks.secret("alice")
    assert (shown.current, shown.previous, shown.previous_until) == (rotated.current, None, None)


def test_the_first_rotation_makes_a_secret(world: World) -> None:
    made = world.webhooks.rotate("alice")
    assert made.previous is None
    assert world.webhooks.secret("alice") == made


class FasterElse(MemoryWebhookStore):
    """Somebody else stores secrets between this one's reading and writing."""

    def __init__(self, *others: WebhookSecrets) -> None:
        super().__init__()
        self.others = list(others)

    def store_secrets(self, user: str, secrets: WebhookSecrets, *, seen: WebhookSecrets | None) -> bool:
        if self.others:
            self.kept[user] = self.others.pop()
        return super().store_secrets(user, secrets, seen=seen)


class NeverThere(MemoryWebhookStore):
    def store_secrets(self, user: str, secrets: WebhookSecrets, *, seen: WebhookSecrets | None) -> bool:
        return False


def test_of_two_first_secrets_both_callers_get_the_one_that_was_stored(
    clock: SteppingClock, receiver: Receiver
) -> None:
    other = WebhookSecrets(current=new_secret(), created_at=clock.now)
    world = World(clock, receiver, FasterElse(other))
    assert world.webhooks.secret("alice") == other
    with pytest.raises(ServiceUnavailable):
        World(clock, receiver, NeverThere()).webhooks.secret("alice")


def test_of_two_rotations_at_once_one_is_told_so(clock: SteppingClock, receiver: Receiver) -> None:
    other = WebhookSecrets(current=new_secret(), created_at=clock.now)
    world = World(clock, receiver, FasterElse(other))
    with pytest.raises(Conflict):
        world.webhooks.rotate("alice")
    assert world.webhooks.secret("alice") == other
