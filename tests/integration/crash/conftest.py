"""One emulator and one simulator for all that is killed here; each job has a user and a key of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local.aws import Aws
from local.emulator import Emulator
from local.resources import create_resources
from local.simulator import Simulator
from local.template import Template
from tests.conftest import ROOT, SteppingClock
from tests.integration.crash.customers import Customer
from tests.integration.crash.shop import Place, Shop


@pytest.fixture(scope="session")
def openrouter() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator, Aws(emulator.url) as aws:
        yield aws


@pytest.fixture(scope="session")
def template(aws: Aws) -> Template:
    """With everything that it declares."""
    parameters = {"BackgroundModel": "u2netp"}
    template = Template.load(ROOT / "template.yaml", parameters=parameters, api_url="http://127.0.0.1:8000")
    create_resources(template, aws)
    return template


@pytest.fixture(scope="session")
def place(openrouter: Simulator, aws: Aws, template: Template) -> Place:
    return Place.of(aws, template, openrouter)


@pytest.fixture
def clock() -> SteppingClock:
    """A time to come: by the real clock, the emulator removes what has expired."""
    clock = SteppingClock()
    clock.now = datetime(2099, 3, 1, 12, 0, tzinfo=UTC)
    return clock


@pytest.fixture
def shop(place: Place, aws: Aws, clock: SteppingClock) -> Shop:
    return Shop(place, clock, aws)


@pytest.fixture(scope="module")
def everybody() -> list[Customer]:
    """All customers that a module's tests had."""
    return []


@pytest.fixture
def customer(shop: Shop, openrouter: Simulator, everybody: list[Customer]) -> Customer:
    customer = Customer(shop, openrouter)
    customer.connect()
    everybody.append(customer)
    return customer
