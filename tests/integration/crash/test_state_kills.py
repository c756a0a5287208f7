"""Everything is killed in the middle of a paid job: worker, emulator and simulator. What the laptop kept is enough for
the ledger to say what the invoice says.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from local.aws import Aws
from local.emulator import Emulator
from local.journal import Journal
from local.kept import SIMULATORS, Kept
from local.resources import create_resources
from local.simulator import Simulator
from local.template import Template
from tests.conftest import ROOT, SteppingClock
from tests.integration.crash.customers import Customer, assert_books_agree, settle_everything
from tests.integration.crash.killing import Point, ended, work
from tests.integration.crash.shop import BUFFERED, STREAMED, Place, Shop

# Where the money is: set aside, about to be asked for, asked for, charged, kept, settled.
MOMENTS = {
    "started": (BUFFERED, Point("jobs", "claim", "after")),
    "charged, and the answer lost": (STREAMED, Point("raw_answers", "write", "before")),
    "charged, and the answer kept": (BUFFERED, Point("raw_answers", "write", "after")),
    "settled": (BUFFERED, Point("ledger", "close", "after")),
}


@dataclass
class Laptop:
    """An emulator and a simulator that keep what they hold, on ports that stay the same."""

    kept: Path
    place: Place
    aws: Aws
    emulator: Emulator
    simulator: Simulator
    running: ExitStack

    def kill(self) -> None:
        os.kill(self.emulator.pid, signal.SIGKILL)
        self.running.close()

    def restart(self) -> "Laptop":
        self.kill()
        return started(self.kept, self.place, self.emulator.port, self.simulator)


def started(kept: Path, place: Place | None = None, port: int = 0, before: Simulator | None = None) -> Laptop:
    running = ExitStack()
    emulator = running.enter_context(Emulator(kept.parent / "logs", port, state=kept))
    aws = running.enter_context(Aws(emulator.url))
    journal = Journal(kept / SIMULATORS)
    running.callback(journal.close)
    key = before.key if before else None
    simulator = running.enter_context(Simulator(before.port if before else 0, key=key, journal=journal))
    return Laptop(kept, place or furnished(aws, simulator), aws, emulator, simulator, running)


def furnished(aws: Aws, simulator: Simulator) -> Place:
    template = Template.load(ROOT / "template.yaml", api_url="http://127.0.0.1:8000")
    create_resources(template, aws)
    return Place.of(aws, template, simulator)


@pytest.fixture(scope="module")
def laptops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Laptop]]:
    """The one that runs now is the last."""
    found = [started(Kept(tmp_path_factory.mktemp("laptop") / "state").folder)]
    yield found
    found[-1].kill()


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_ledger_says_what_the_invoice_says(moment: str, laptops: list[Laptop], clock: SteppingClock) -> None:
    model, point = MOMENTS[moment]
    laptop = laptops[-1]
    customer = Customer(Shop(laptop.place, clock, laptop.aws), laptop.simulator)
    customer.connect()
    first = customer.ask(BUFFERED)
    settle_everything(customer.shop, clock)
    second = customer.ask(model)
    customer.shop.ports.job_queue.take()
    assert ended(work(laptop.place, clock.now, customer.user, second.id, kill=point)) == -signal.SIGKILL
    charges, budgets = customer.charges, customer.budgets()
    laptops.append(laptop.restart())
    laptop = laptops[-1]
    customer = replace(customer, shop=Shop(laptop.place, clock, laptop.aws), simulator=laptop.simulator)
    assert (customer.charges, customer.budgets()) == (charges, budgets)
    # With the key that was connected before.
    settle_everything(customer.shop, clock)
    assert customer.job(first.id).images
    assert customer.job(second.id).status.is_final
    assert customer.shop.alarms == []
    assert_books_agree(customer)
