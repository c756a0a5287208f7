"""Health, with the real client on the simulator."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from darkroom.errors import ServiceUnavailable
from darkroom.services.accounts.keys import Keys
from darkroom.services.health import KEPT, Finding, Health, Probe
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryKeyVault

USER = "alice"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


class Ward:
    def __init__(self, simulator: Simulator, clock: SteppingClock) -> None:
        simulator.reset()
        self.clock = clock
        self.simulator = simulator
        studio = Studio(simulator, clock)
        self.client, self.keys = studio.openrouter, studio.app.keys

    def connect(self, **key: Any) -> str:
        secret = self.simulator.state.mint(**key)
        self.keys.connect(USER, "openrouter", secret)
        return secret

    def health(self, **probes: Probe) -> Health:
        return Health(probes, self.client, self.keys, {"openrouter": self.client}, self.clock, sees_stack_key=True)

    def findings(self, **probes: Probe) -> dict[str, Finding]:
        return {finding.name: finding for finding in self.health(**probes).check(USER).findings}

    def asked(self) -> int:
        return len(self.simulator.world.log.entries())


@pytest.fixture
def ward(simulator: Simulator, clock: SteppingClock) -> Ward:
    return Ward(simulator, clock)


def test_all_is_well_and_nothing_was_spent(ward: Ward) -> None:
    ward.connect()
    found = ward.findings(table=lambda: "It can be read.")
    assert {name: finding.status for name, finding in found.items()} == {
        "table": "ok",
        "models": "ok",
        "key:openrouter": "ok",
    }
    assert found["table"].detail == "It can be read."
    assert ward.simulator.state.invoice() == []


def test_without_a_key_that_is_said_and_is_no_fault(ward: Ward) -> None:
    assert ward.findings()["key:openrouter"].status == "absent"


def test_a_key_that_may_spend_nothing_more_is_a_fault(ward: Ward) -> None:
    """A provider takes such a key for valid, and refuses every paid call."""
    ward.connect(limit=0)
    found = ward.findings()["key:openrouter"]
    assert (found.status, found.detail) == ("failed", "Your own key may not spend anything more.")


@pytest.mark.parametrize("sees", [True, False])
def test_the_stacks_key_is_looked_at_only_where_it_may_be_read(ward: Ward, sees: bool) -> None:
    """In Secrets Manager it is the worker's alone: to ask for it would be refused, and every such check be red."""
    secret, asked = ward.simulator.state.mint(), []

    def operators(provider: str) -> str:
        asked.append(provider)
        return secret

    keys = Keys(
        MemoryKeyVault(),
        {"openrouter": ward.client},
        ward.clock,
        operator_key=operators,
        operated=frozenset({"openrouter"}),
    )
    health = Health({}, ward.client, keys, {"openrouter": ward.client}, ward.clock, sees_stack_key=sees)
    (found,) = [each for each in health.check(USER).findings if each.name == "key:openrouter"]
    assert (found.status, asked) == ("ok", ["openrouter"] if sees else [])
    assert found.detail.startswith("The stack's key is valid" if sees else "The stack's key pays.")


def test_a_key_that_was_revoked_is_a_fault(ward: Ward) -> None:
    secret = ward.connect()
    ward.simulator.state.key(secret).disabled = True  # type: ignore[union-attr]
    found = ward.findings()["key:openrouter"]
    assert found.status == "failed"
    assert secret not in found.detail


def test_a_catalogue_that_is_down_is_named(ward: Ward) -> None:
    ward.simulator.scenario("overloaded", path="/images/models")
    found = ward.findings()
    assert [name for name, finding in found.items() if finding.status == "failed"] == ["models"]


def test_what_fails_does_not_keep_the_others_from_being_looked_at(ward: Ward) -> None:
    def broken() -> str:
        raise ServiceUnavailable("AWS did not answer.")

    found = ward.findings(table=broken, queue=lambda: "0 wait.")
    assert (found["table"].status, found["table"].detail) == ("failed", "AWS did not answer.")
    assert found["queue"].status == found["models"].status == "ok"


def test_what_an_exception_says_stays_in_the_log(ward: Ward) -> None:
    def broken() -> str:
        raise ValueError("arn:aws:dynamodb:us-east-1:123456789012:table/secret-name")

    assert ward.findings(table=broken)["table"].detail == "ValueError; the log has more."


def test_who_asks_again_at_once_is_told_what_was_found(ward: Ward) -> None:
    ward.connect()
    health = ward.health()
    first = health.check(USER)
    asked = ward.asked()
    assert asked > 0
    ward.clock.step(KEPT - timedelta(milliseconds=1))
    assert health.check(USER) is first
    assert (ward.asked(), first.at) == (asked, ward.clock.now - KEPT + timedelta(milliseconds=1))
    ward.clock.step(timedelta(milliseconds=1))
    again = health.check(USER)
    assert (ward.asked() > asked, again.at) == (True, ward.clock.now)


def test_nobody_is_told_of_anothers_key(ward: Ward) -> None:
    ward.connect()
    health = ward.health()
    found = {user: {each.name: each.status for each in health.check(user).findings} for user in (USER, "bob")}
    assert [found[user]["key:openrouter"] for user in (USER, "bob")] == ["ok", "absent"]


def test_nothing_is_kept_of_those_who_no_longer_ask(ward: Ward) -> None:
    health = ward.health()
    for number in range(5):
        health.check(f"user-{number}")
        ward.clock.step(KEPT)
    assert len(health._kept) == 1


def test_what_hangs_is_named_and_keeps_nobody_waiting(ward: Ward) -> None:
    stopping = Event()

    def hangs() -> str:
        stopping.wait(60)
        return "Too late."

    health = Health(
        {"table": lambda: "It can be read.", "queue": hangs},
        ward.client,
        ward.keys,
        {"openrouter": ward.client},
        ward.clock,
        sees_stack_key=True,
        longest=0.5,
    )
    try:
        found = {each.name: each for each in health.check(USER).findings}
    finally:
        stopping.set()
    assert (found["queue"].status, found["queue"].detail) == ("failed", "No answer came within 0.5 s.")
    assert found["table"].status == "ok"
