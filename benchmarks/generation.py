"""A generation: Darkroom's own processor time, and what it adds to the time of its upstream.

    python -m benchmarks.generation [--rounds 30] [--stack]

"processor" is of the function that answers and of the worker together, in one thread of one process that has done it a
few times before, on an emulator; simulator and emulator are other threads and processes. "calls" are those of AWS.

"--stack" starts the local stack and measures over HTTP, for a user whom it knows: the median of a request to Darkroom,
less the median of the same request to the simulator. The simulator paints small pictures, so that what is added shows.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from local.aws import Aws
from local.emulator import Emulator
from local.providers.removebg import Simulator as RemoveBg
from local.resources import create_resources
from local.simulator import Simulator
from local.stack import Stack
from local.template import Template
from tests.conftest import ROOT
from tests.integration.crash import asked
from tests.integration.crash.aws_faults import faulty, listening
from tests.integration.crash.test_call_counts import Delivering, Listener
from tests.integration.users import KLEIN, People

_WARM_UP = 5
_WEIGHTS = ROOT / ".local" / "weights"


def processor(rounds: int) -> str:
    with TemporaryDirectory() as folder, ExitStack() as opened:
        heard = Listener()
        emulator = opened.enter_context(Emulator(Path(folder)))
        aws = opened.enter_context(Aws(emulator.url))
        openrouter = opened.enter_context(Simulator(detail=256))
        template = Template.load(
            ROOT / "template.yaml", parameters={"BackgroundModel": "u2netp"}, api_url="http://127.0.0.1:8000"
        )
        create_resources(template, aws)
        opened.enter_context(listening(heard))
        removebg = opened.enter_context(RemoveBg())
        faults = opened.enter_context(faulty(str(aws.endpoint_url)))
        street = Delivering(template, aws, openrouter, removebg, faults, str(_WEIGHTS), sent=heard.sent)
        somebody = street.newcomer()
        request = asked.generation(somebody)

        def generate() -> None:
            status, body, _ = somebody.send_once(street.generate, request)
            assert status == 200, body

        for _ in range(_WARM_UP):
            generate()
        heard.clear()
        took = [_measured(generate, time.thread_time) for _ in range(rounds)]
        calls = len(heard.calls) / rounds
    return f"processor: {statistics.median(took) * 1000:.0f} ms a generation, in {calls:.0f} calls"


def latency(rounds: int) -> str:
    parameters = {"BackgroundModel": "u2netp"}
    with TemporaryDirectory() as folder, Stack(Path(folder), weights=_WEIGHTS, parameters=parameters) as stack:
        user = People(stack).new("bench")
        assert user.key is not None
        assert stack.openrouter.url is not None
        user.scenario("small_picture", side=64)
        body: dict[str, Any] = {"prompt": "A red fox", "model": KLEIN}
        headers = {"Authorization": f"Bearer {user.key}"}
        with httpx.Client(base_url=stack.openrouter.url, headers=headers, timeout=60, trust_env=False) as upstream:
            direct = _median(lambda: upstream.post("/api/v1/images", json=body), rounds)
        headers = {"Authorization": f"Bearer {user.token}"}
        with httpx.Client(base_url=stack.url, headers=headers, timeout=60, trust_env=False) as client:
            through = _median(lambda: client.post("/v1/images/generations", json=body), rounds)
    added = (through - direct) * 1000
    return f"latency: {through * 1000:.0f} ms, {direct * 1000:.0f} ms of it the upstream's: {added:.0f} ms added"


def _median(send: Callable[[], httpx.Response], rounds: int) -> float:
    def once() -> None:
        send().raise_for_status()

    for _ in range(_WARM_UP):
        once()
    return statistics.median(_measured(once, time.perf_counter) for _ in range(rounds))


def _measured(work: Callable[[], None], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--stack", action="store_true", help="measure over HTTP, too")
    options = parser.parse_args()
    print(processor(options.rounds), flush=True)
    if options.stack:
        print(latency(options.rounds), flush=True)


if __name__ == "__main__":
    main()
