"""Paid jobs at every point of their life, and ports that fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import pytest
from msgspec.structs import replace

from darkroom.models.budget import Budget
from darkroom.models.deadline import Deadline
from darkroom.models.generation import GenerationRequest, RawAnswer
from darkroom.models.job import Job, JobStatus, PaidWork
from darkroom.models.receipt import KeyListing
from darkroom.models.user_settings import Limits
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from tests.application import Studio, Wrap
from tests.paid_jobs import DOLLAR, day, paid_job

USER = "alice"
MODEL = "black-forest-labs/flux.2-klein-4b"
STREAMED = "openai/gpt-image-1-mini"
RESERVED = 15_400
LEASE = timedelta(minutes=2)
PRICE = 14_000


@dataclass
class Workshop(Studio):
    """Where Alice has a key of her own, no limits, and jobs at every point of their life."""

    limits: Limits = field(default_factory=Limits)
    secret: str = ""

    def __post_init__(self) -> None:
        self.secret = self.connect(USER)

    @cached_property
    def openrouter(self) -> OpenRouter:
        return OpenRouter(ProviderSettings(url=self.simulator.url), retries=Retries(attempts=1))

    def admit(self, *, model: str = MODEL, **changes: Any) -> Job:
        """A job of Alice's that was taken from the day's budget of a dollar."""
        work = PaidWork(request=GenerationRequest(model=model, prompt="a fox", stream=model == STREAMED))
        given = {"work": work, "webhook_url": "https://hooks.example/x", **changes}
        job = paid_job(USER, self.clock.now, day(DOLLAR, self.clock.now), reserved=RESERVED, **given)
        admitted = self.ledger.admit(job).admitted
        assert admitted is not None
        return admitted

    def start(self, job: Job, *, lease: timedelta = timedelta(minutes=2)) -> Job:
        started = self.jobs.start(job, now=self.clock.now, lease_expires_at=self.clock.now + lease)
        assert started is not None
        return started

    def dispatch(self, job: Job, listing: KeyListing | None = None, **known: Any) -> Job:
        """As a worker leaves it that died after it had sent the job."""
        started = self.start(job).model_copy(update={"dispatched_at": self.clock.now, **known})
        assert started.lease_expires_at is not None
        sent = self.jobs.dispatch(
            started, at=self.clock.now, lease_expires_at=started.lease_expires_at, listing=listing
        )
        assert sent is not None
        return started.model_copy(update={"key_listed": sent.key_listed})

    def run(self, job: Job, *, seconds: float = 60) -> Job:
        self.app.worker.run(job.user, job.id, Deadline(seconds))
        return self.now(job)

    def sweep_after(self, wait: timedelta) -> dict[str, int]:
        self.clock.step(wait)
        return self.app.sweep.run(Deadline(60))

    def now(self, job: Job) -> Job:
        found = self.jobs.find(job.user, job.id)
        assert found is not None
        return found

    def budget_of(self, job: Job) -> Budget:
        return self.ledger.budgets(job.user, [job.budgets[0].id])[job.budgets[0].id]

    @property
    def requests(self) -> int:
        return sum(entry["method"] == "POST" for entry in self.simulator.world.log.entries())

    @property
    def invoice(self) -> int:
        return sum(charge["micro_usd"] for charge in self.simulator.state.invoice())


class Killed(BaseException):
    """As if the process had been killed: nothing that is written for errors handles it."""


def at_once(_seconds: float, work: Callable[[], object]) -> Callable[[], object]:
    """As if an answer took so long that its generation's id was written down before."""
    work()
    return lambda: None


class Apart:
    """A store of answers in which each lies by itself, as those do that are not one picture."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def write(self, user: str, job_id: str, answer: RawAnswer, **_: object) -> None:
        self._port.write(user, job_id, answer)


class Failing:
    """A port of which one method raises instead.

    Args:
        times: how often.
    """

    def __init__(self, port: Any, method: str, error: Exception, times: int = 1000) -> None:
        self._port = port
        self._method = method
        self._error = error
        self._times = times

    def __getattr__(self, name: str) -> Any:
        if name != self._method or self._times <= 0:
            return getattr(self._port, name)
        return self._fail

    def _fail(self, *_: object, **__: object) -> None:
        self._times -= 1
        raise self._error


def failing(role: str, method: str, error: Exception, times: int = 1000) -> Wrap:
    """For Workshop.wrap: each wrapping of the role fails so often."""
    return lambda name, port: Failing(port, method, error, times) if name == role else port


def kept(shop: Workshop, **changes: Any) -> Job:
    """A job whose worker died when the answer was kept and nothing else was done."""
    job = shop.admit(**changes)
    wraps: dict[str, Callable[[Any], Any]] = {
        "ledger": lambda port: Failing(port, "close", MemoryError()),
        "raw_answers": Apart,
    }
    dying = shop.beside(lambda role, port: wraps.get(role, lambda port: port)(port))
    dying.app.worker = replace(dying.app.worker, later=at_once)
    with pytest.raises(MemoryError):
        dying.run(job)
    shop.images.outputs.clear()
    assert (shop.now(job).status, (USER, job.id) in shop.raw_answers.answers) == (JobStatus.RUNNING, True)
    return shop.now(job)
