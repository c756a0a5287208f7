"""Fixtures that every suite shares."""

import gc
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from local.stack import Stack
    from tests.fakes.webhooks import Receiver

ROOT = Path(__file__).resolve().parent.parent
# Where and as the functions of a running stack have it: pymatting is compiled once for a checkout, not for each test.
os.environ |= {"NUMBA_CACHE_DIR": str(ROOT / ".local" / "numba-cache"), "NUMBA_CPU_NAME": "generic"}
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a script. Commands that the tests start and interrupt would ignore Ctrl-C as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is, not whether the code is right.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A gate tries the same examples at each run, so that it fails by what was changed; `make stress` tries more and others.
settings.register_profile("test", _UNTIMED, max_examples=25, derandomize=True)
settings.register_profile("stress", _UNTIMED, max_examples=400)
settings.load_profile("stress" if os.environ.get("DARKROOM_STRESS") else "test")


def pytest_configure(config: pytest.Config) -> None:
    """Give whole files to the workers of a parallel run, and all tests with a stack to one of them."""
    if config.getoption("dist", "no") == "loadfile":
        from tests.distribution import Controller

        config.pluginmanager.register(Controller(config))
    elif getattr(config, "workerinput", {}).get("collects_late"):
        from tests.distribution import Worker

        config.pluginmanager.register(Worker())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the collector of garbage from looking at the tests over and over: they stay until the end."""
    gc.disable()
    yield
    gc.freeze()
    # The fixtures are large, too.
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave property tests out of the measurement of coverage: tracing doubles the time of lines run repeatedly.

    In a parallel run, those that take longest come to the front.
    """
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")
    if hasattr(config, "workerinput"):
        from tests.distribution import misplaced, place_of

        items.sort(key=lambda item: place_of(item.nodeid))
        if elsewhere := misplaced(items):
            raise pytest.UsageError(f"tests/distribution.py does not know these tests with a stack: {elsewhere}")


class SteppingClock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def step(self, by: timedelta) -> None:
        self.now += by


class Passing(SteppingClock):
    """A clock that goes on by two milliseconds whenever somebody looks at it."""

    def __call__(self) -> datetime:
        self.step(timedelta(milliseconds=2))
        return self.now


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The weights that `make test` fetches before it starts the tests."""
    weights = ROOT / ".local" / "weights"
    if not (weights / "u2netp.onnx").is_file():
        pytest.fail(f"{weights}/u2netp.onnx is not there; `make test` fetches it.")
    return weights


@pytest.fixture(scope="session")
def aws_credentials() -> dict[str, str]:
    """What a client of an emulator is made with; no emulator looks at it."""
    return {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}


@pytest.fixture(scope="session")
def receiver() -> Iterator["Receiver"]:
    """A user's server, the only one on this machine that the stack may call; users tell their calls by the path."""
    from tests.fakes.webhooks import receiving

    with receiving() as running:
        yield running


@pytest.fixture(scope="session")
def stack(weights_dir: Path, receiver: "Receiver", tmp_path_factory: pytest.TempPathFactory) -> Iterator["Stack"]:
    """The real thing, once for all who want it: emulator, resources, functions in processes, gateway, pump."""
    # Here, for most tests need nothing of it.
    from local.stack import Stack
    from tests.integration.canary import leaks, refusals
    from tests.servers import unused_port

    # The second is for servers that tests, and documents, start themselves.
    allowed = [f"127.0.0.1:{port}" for port in (receiver.port, unused_port())]
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, weights=weights_dir, parameters={"BackgroundModel": "u2netp"}, also_allowed=allowed) as running:
        yield running
        # After whatever the tests did: in no log, row or object may a secret stand in plain text.
        assert leaks(running) == []
        # The template's policies are in force here, too: a function that lacks a right lacks it on AWS.
        assert refusals(running.logs) == []
