"""A generation: Darkroom's own processor time, and what it adds to the time of its upstream.

    python -m benchmarks.generation [--rounds 30] [--no-stack]

"processor" is what a picture takes of a process that has made some before, in all its threads: at the live door, and
behind API Gateway of the function that answers and of the worker together. Simulator and emulator are other processes.
How many calls of AWS that is, `tests/integration/crash/test_call_counts.py` says.

Then the local stack is started, without its live door, and asked over HTTP by turns with the simulator: "added" is what
a request takes longer through API Gateway's door, where the function waits for the worker. The simulator paints small
pictures, so that it shows. "--no-stack" leaves that out.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from darkroom.application import Application
from darkroom.application.live import LiveApplication
from darkroom.application.on_aws import AwsPorts, on_aws
from darkroom.http.routes import generations
from darkroom.http.transport import Transport
from darkroom.models.deadline import Deadline
from darkroom.models.door import LIVE
from darkroom.settings import Settings
from local.aws import Aws
from local.emulator import Emulator
from local.providers.removebg import Simulator as RemoveBg
from local.resources import create_resources
from local.simulator import Simulator
from local.stack import Stack
from local.template import Template
from tests.conftest import ROOT
from tests.events import http_event
from tests.integration.crash.aws_faults import faulty
from tests.integration.crash.doors import Patient, Street
from tests.integration.users import KLEIN, People

_WARM_UP = 5
_PATH = "/v1/images/generations"
_WEIGHTS = ROOT / ".local" / "weights"


@dataclass(frozen=True)
class _Customer:
    """What a process needs that carries pictures out: the environments of its functions, and a token."""

    environs: dict[str, dict[str, str]]
    token: str

    def handler(self, door: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """Answers an event at `live`, or at `gateway`, where a worker takes its turn while the request waits."""
        if door == "live":
            settings = Settings.from_environ(self.environs["LiveFunction"])
            api = generations.routes(LiveApplication(settings, AwsPorts(settings)))
            return lambda event: api.handle(event, Patient(), Transport(LIVE))  # type: ignore[arg-type]
        settings = Settings.from_environ(self.environs["GenerateFunction"])
        ports, worker = AwsPorts(settings), on_aws(Settings.from_environ(self.environs["WorkerFunction"])).worker
        sent: list[dict[str, str]] = []
        passed = [0.0]

        def sleep(seconds: float) -> None:
            passed[0] += seconds
            while sent:
                message = sent.pop()
                Context().run(worker.run, message["user"], message["job_id"], Deadline(60))

        def note(params: dict[str, Any], **_: object) -> None:
            sent.append(json.loads(params["MessageBody"]))

        ports.stopwatch, ports.sleep = (lambda: passed[0]), sleep
        ports.clients.sqs.meta.events.register("before-parameter-build.sqs.SendMessage", note)
        api = generations.routes(Application(settings, ports))
        return lambda event: api.handle(event, Patient())  # type: ignore[arg-type]


def _carry_out(customer: _Customer, door: str, rounds: int) -> None:
    """Prints what a picture takes of this process, in all its threads."""
    handle = customer.handler(door)

    def generate(number: int) -> None:
        body = {"prompt": f"A red fox, {number}", "model": KLEIN}
        event = http_event("POST", _PATH, token=customer.token, body=body)
        event["routeKey"] = f"POST {_PATH}"
        answer = handle(event)
        assert answer["statusCode"] == 200, answer

    for number in range(_WARM_UP):
        generate(number)
    began = time.process_time()
    for number in range(rounds):
        generate(_WARM_UP + number)
    took = (time.process_time() - began) / rounds
    print(f"processor, {door}: {took * 1000:.1f} ms a generation", flush=True)


def processor(rounds: int) -> None:
    with TemporaryDirectory() as folder, ExitStack() as opened:
        emulator = opened.enter_context(Emulator(Path(folder)))
        aws = opened.enter_context(Aws(emulator.url))
        openrouter = opened.enter_context(Simulator())
        template = Template.load(
            ROOT / "template.yaml", parameters={"BackgroundModel": "u2netp"}, api_url="http://127.0.0.1:8000"
        )
        create_resources(template, aws)
        removebg = opened.enter_context(RemoveBg())
        faults = opened.enter_context(faulty(str(aws.endpoint_url)))
        street = Street(template, aws, openrouter, removebg, faults, str(_WEIGHTS))
        functions = ("GenerateFunction", "WorkerFunction", "LiveFunction")
        customer = _Customer({name: street.environ(name) for name in functions}, street.newcomer().token)
        for door in ("live", "gateway"):
            process = multiprocessing.get_context("spawn").Process(target=_carry_out, args=(customer, door, rounds))
            process.start()
            process.join()


def latency(rounds: int) -> str:
    """What API Gateway's door adds, function and worker together; the live door is left out of this stack."""
    parameters = {"BackgroundModel": "u2netp"}
    with (
        TemporaryDirectory() as folder,
        Stack(Path(folder), weights=_WEIGHTS, parameters=parameters, has_live_door=False) as stack,
    ):
        user = People(stack).new("bench")
        assert user.key is not None
        assert stack.openrouter.url is not None
        user.scenario("small_picture", side=64)
        with _client(stack.openrouter.url, user.key) as upstream, _client(stack.url, user.token) as client:
            asked = ((upstream, "/api/v1/images"), (client, _PATH))
            for number in range(_WARM_UP):
                for each, path in asked:
                    _seconds(each, path, -1 - number)
            direct, through = zip(
                *([_seconds(each, path, number) for each, path in asked] for number in range(rounds)), strict=True
            )
    # Each request is compared with the upstream's just before, so that both met the same load.
    added = sorted((took - alone) * 1000 for took, alone in zip(through, direct, strict=True))
    p95 = added[min(len(added) - 1, round(0.95 * len(added)))]
    return (
        f"added, gateway: {statistics.median(added):.0f} ms at the median, {p95:.0f} ms at p95, "
        f"to {statistics.median(direct) * 1000:.0f} ms of the upstream's"
    )


def _client(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False)


def _seconds(client: httpx.Client, path: str, number: int) -> float:
    began = time.perf_counter()
    client.post(path, json={"prompt": f"A red fox, {number}", "model": KLEIN}).raise_for_status()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--no-stack", action="store_true", help="measure processor time alone")
    options = parser.parse_args()
    processor(options.rounds)
    if not options.no_stack:
        print(latency(options.rounds), flush=True)


if __name__ == "__main__":
    main()
