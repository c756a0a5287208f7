"""Real processes running the handlers beside this file, and a real emulator."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.aws import Aws
from local.emulator import Emulator
from local.functions import FunctionPool
from local.launch import Launch, spawned
from local.preloaded import CAN_FORK, Preloaded
from local.template import Function
from local.worker import environment_of

HANDLERS = Path(__file__).parent / "handlers"
MakePool = Callable[..., FunctionPool]
needs_fork = pytest.mark.skipif(not CAN_FORK, reason="functions are spawned here")


@pytest.fixture
def launch() -> Launch:
    """How processes of `make_pool` are started."""
    return spawned


@pytest.fixture(scope="session")
def preloaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preloaded]:
    """Has imported nothing that takes time."""
    environment = {"LANG": "en_US.UTF-8", "TZ": ":UTC"}
    with Preloaded(environment, tmp_path_factory.mktemp("preloaded") / "log", []) as running:
        yield running


@pytest.fixture
def make_pool(tmp_path: Path, launch: Launch) -> Iterator[MakePool]:
    """Makes a pool for one of the handlers; whatever it starts is gone after the test."""
    made: list[FunctionPool] = []

    def make(
        name: str = "behaves",
        *,
        timeout: int = 20,
        cap: int = 4,
        handler: str = "app.lambda_handler",
        endpoint_url: str = "http://127.0.0.1:9",
        way: Launch | None = None,
        rights: str = "",
        **variables: str,
    ) -> FunctionPool:
        function = Function(
            logical_id=f"{name.title()}Function",
            name=f"darkroom-{name}",
            arn=f"arn:aws:lambda:us-east-1:000000000000:function:darkroom-{name}",
            code=HANDLERS / name,
            handler=handler,
            environment=variables,
            timeout=timeout,
            memory=512,
            rights=rights,
        )
        environment = environment_of(function, endpoint_url=endpoint_url, overrides={})
        made.append(FunctionPool(function, environment, tmp_path / "logs", cap, way or launch))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator, Aws(emulator.url) as clients:
        yield clients
