"""Processes that do a part of a paid job, and are killed in the middle of it as Lambda or the kernel would: SIGKILL."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.process import BaseProcess
from typing import Any, Literal

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.completion_body import CompletionBody
from darkroom.models.deadline import Deadline
from darkroom.models.image_request import ImageRequest
from local.aws import Aws
from tests.integration.crash.shop import Place, Shop, standing

When = Literal["before", "after"]
# A process of its own, without this one's threads, in which everything is imported already.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])
# The descriptions of AWS's services are read here, where all processes that are forked find them.
for _service in ("dynamodb", "s3", "sqs", "kms"):
    getattr(Aws("http://127.0.0.1:9"), _service)


@dataclass(frozen=True)
class Point:
    """Where a process is killed: just before or just after one call of a port.

    Args:
        role: the port, such as `jobs`.
        method: of the port.
    """

    role: str
    method: str
    when: When

    def __str__(self) -> str:
        return f"{self.when}-{self.role}.{self.method}"


class Deadly:
    """A port that kills its process at the point."""

    def __init__(self, port: Any, point: Point) -> None:
        self._port = port
        self._point = point

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._fatal(found) if name == self._point.method else found

    def _fatal(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> None:
            if self._point.when == "after":
                method(*args, **named)
            os.kill(os.getpid(), signal.SIGKILL)

        return call


def work(place: Place, now: datetime, user: str, job_id: str, *, kill: Point | None = None) -> BaseProcess:
    """Starts a worker's process on the job; without a point it lives until it is done, or somebody kills it."""
    return begun(_work, place, now, kill, user, job_id)


def ask(place: Place, now: datetime, caller: Caller, request: ImageRequest, terms: Terms, kill: Point) -> BaseProcess:
    """Starts an HTTP function's process that submits the request."""
    return begun(_ask, place, now, kill, caller, request, terms)


def serve(
    place: Place,
    now: datetime,
    caller: Caller,
    request: ImageRequest,
    terms: Terms,
    *,
    kill: Point | None = None,
) -> BaseProcess:
    """Starts a process that admits the request and carries it out in place."""
    return begun(_serve, place, now, kill, caller, request, terms)


class Reader:
    """Has the answer while it comes."""

    def on_event(self, _data: str) -> bool:
        return True


def talk(
    place: Place, now: datetime, caller: Caller, body: CompletionBody, terms: Terms, *, streamed: bool, kill: Point
) -> BaseProcess:
    """As `serve`, of chat; where it is streamed there is a Reader, by the role `reader`."""
    return begun(_talk, place, now, kill, caller, body, terms, streamed)


def sweep(place: Place, now: datetime, kill: Point) -> BaseProcess:
    """Starts a process that sweeps once."""
    return begun(_sweep, place, now, kill)


def ended(process: BaseProcess) -> int | None:
    """How it ended: -9 if it was killed."""
    process.join(20)
    return process.exitcode


def slay(process: BaseProcess) -> None:
    """Kills it, unless it has just come to its end by itself."""
    process.kill()
    assert ended(process) in (0, -signal.SIGKILL)


def wait_until(until: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not until():
        assert time.monotonic() < ends, "It never came to that."
        time.sleep(0.005)


def begun(what: Callable[..., None], place: Place, now: datetime, kill: Point | None, *args: Any) -> BaseProcess:
    process = _CONTEXT.Process(target=what, args=(place, now, kill, *args), daemon=True)
    process.start()
    return process


def _shop(place: Place, now: datetime, kill: Point | None) -> Shop:
    def wrap(role: str, port: Any) -> Any:
        return Deadly(port, kill) if kill and role == kill.role else port

    return Shop(place, standing(now), Aws(place.aws), wrap=wrap, recorded=False)


def _work(place: Place, now: datetime, kill: Point | None, user: str, job_id: str) -> None:
    _shop(place, now, kill).app.worker.run(user, job_id, Deadline(60))


def _ask(place: Place, now: datetime, kill: Point | None, caller: Caller, request: ImageRequest, terms: Terms) -> None:
    _shop(place, now, kill).app.generate.submit(caller, request, terms)


def _serve(
    place: Place, now: datetime, kill: Point | None, caller: Caller, request: ImageRequest, terms: Terms
) -> None:
    running = _shop(place, now, kill).live.generate.submit(caller, request, terms).running
    assert running is not None
    running.result(60)


def _talk(
    place: Place,
    now: datetime,
    kill: Point | None,
    caller: Caller,
    body: CompletionBody,
    terms: Terms,
    streamed: bool,
) -> None:
    shop = _shop(place, now, kill)
    reader = shop.wrap("reader", Reader())
    # A method of what kills is looked up when it is called.
    heard = terms.model_copy(update={"on_event": lambda data: reader.on_event(data)}) if streamed else terms
    running = shop.live.complete.submit(caller, body, heard).running
    assert running is not None
    running.result(60)


def _sweep(place: Place, now: datetime, kill: Point | None) -> None:
    _shop(place, now, kill).app.sweep.run(Deadline(60))
