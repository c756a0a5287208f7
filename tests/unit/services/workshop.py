"""The services of paid jobs over ports in memory, with the real client of OpenRouter on its simulator."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import pytest

from darkroom.models.budget import Budget
from darkroom.models.deadline import Deadline
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import Job, JobStatus, PaidWork
from darkroom.models.user_settings import Limits
from darkroom.ports import Provider
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.accounts.keys import Keys
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.budgets import Budgets
from darkroom.services.paid.reconcile import Reconciliation
from darkroom.services.paid.settlement import Settlement
from darkroom.services.paid.worker import Worker
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.fakes.ledger import MemoryLedger
from tests.fakes.memory import MemoryImageStore, MemoryJobStore, MemoryKeyVault
from tests.fakes.paid import MemoryJobQueue, MemoryRawAnswerStore, MemorySettingsStore
from tests.fakes.webhooks import MemoryWebhookQueue
from tests.paid_jobs import DOLLAR, day, paid_job

USER = "alice"
MODEL = "black-forest-labs/flux.2-klein-4b"
STREAMED = "openai/gpt-image-1-mini"
RESERVED = 15_400
LEASE = timedelta(minutes=2)
PRICE = 14_000

Wrap = Callable[[str, Any], Any]


@dataclass
class Workshop:
    """Args:
    wrap: puts something between the services and a port, by its role's name.
    """

    openrouter: Simulator
    clock: SteppingClock
    wrap: Wrap = lambda _role, port: port
    alarms: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    resent: int = 0

    def __post_init__(self) -> None:
        self.jobs = MemoryJobStore()
        self.ledger = MemoryLedger(self.jobs, self.clock)
        self.images = MemoryImageStore(self.clock)
        self.raw_answers = MemoryRawAnswerStore()
        self.queue = MemoryJobQueue()
        self.webhooks = MemoryWebhookQueue()
        self.settings = MemorySettingsStore()
        client = OpenRouter(ProviderSettings(url=self.openrouter.url), retries=Retries(attempts=1))
        self.provider: Provider = client
        self.others: dict[str, Provider] = {}
        self._wrapped: dict[str, Provider] = {}
        self.keys = Keys(MemoryKeyVault(), {"openrouter": client}, self.clock)
        self.secret = self.openrouter.state.mint()
        self.keys.connect(USER, "openrouter", self.secret)

    def by_name(self, name: str) -> Provider:
        """OpenRouter, or who else a test has put there; each is one, however often it is asked for."""
        if name not in self._wrapped:
            found: Provider = self.others.get(name, self.provider)
            self._wrapped[name] = self.wrap("provider", found)
        return self._wrapped[name]

    def alarm(self, name: str, /, **facts: object) -> None:
        self.alarms.append((name, facts))

    @cached_property
    def settlement(self) -> Settlement:
        return Settlement(
            jobs=self.wrap("jobs", self.jobs),
            ledger=self.wrap("ledger", self.ledger),
            budgets=Budgets(self.settings, self.ledger, self.clock, defaults=Limits()),
            images=self.wrap("images", self.images),
            raw_answers=self.wrap("raw_answers", self.raw_answers),
            webhooks=self.wrap("webhooks", self.webhooks),
            clock=self.clock,
            alarm=self.alarm,
            max_megapixels=25,
        )

    @cached_property
    def reconciliation(self) -> Reconciliation:
        return Reconciliation(
            keys=self.keys,
            providers=self.by_name,
            jobs=self.jobs,
            ledger=self.ledger,
            clock=self.clock,
        )

    @cached_property
    def worker(self) -> Worker:
        return Worker(
            jobs=self.wrap("jobs", self.jobs),
            queue=self.queue,
            keys=self.keys,
            providers=self.by_name,
            images=self.wrap("images", self.images),
            raw_answers=self.wrap("raw_answers", self.raw_answers),
            settlement=self.settlement,
            clock=self.clock,
            alarm=self.alarm,
            sleep=lambda _seconds: None,
        )

    @cached_property
    def sweep(self) -> Sweep:
        return Sweep(
            jobs=self.wrap("jobs", self.jobs),
            free_jobs=Jobs(self.jobs, self.images, self.clock, max_attempts=3),
            queue=self.queue,
            providers=self.by_name,
            raw_answers=self.wrap("raw_answers", self.raw_answers),
            settlement=self.settlement,
            reconciliation=self.reconciliation,
            resend_webhooks=self._resend,
            clock=self.clock,
            alarm=self.alarm,
        )

    def _resend(self) -> int:
        self.resent += 1
        return 0

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

    def dispatch(self, job: Job, **known: Any) -> Job:
        """As a worker leaves it that died after it had sent the job."""
        started = self.start(job).model_copy(update={"dispatched_at": self.clock.now, **known})
        assert started.lease_expires_at is not None
        assert self.jobs.dispatch(started, at=self.clock.now, lease_expires_at=started.lease_expires_at)
        return started

    def run(self, job: Job, *, seconds: float = 60) -> Job:
        self.worker.run(job.user, job.id, Deadline(seconds))
        return self.now(job)

    def sweep_after(self, wait: timedelta) -> dict[str, int]:
        self.clock.step(wait)
        return self.sweep.run(Deadline(60))

    def now(self, job: Job) -> Job:
        found = self.jobs.find(job.user, job.id)
        assert found is not None
        return found

    def budget(self, job: Job) -> Budget:
        return self.ledger.budgets(job.user, [job.budgets[0].id])[job.budgets[0].id]

    @property
    def requests(self) -> int:
        return sum(entry["method"] == "POST" for entry in self.openrouter.world.log.entries())

    @property
    def invoice(self) -> int:
        return sum(charge["micro_usd"] for charge in self.openrouter.state.invoice())


class Killed(BaseException):
    """As if the process had been killed: nothing that is written for errors handles it."""


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
    dying = same_ports(shop, lambda role, port: Failing(port, "close", MemoryError()) if role == "ledger" else port)
    with pytest.raises(MemoryError):
        dying.run(job)
    shop.images.outputs.clear()
    assert (shop.now(job).status, (USER, job.id) in shop.raw_answers.answers) == (JobStatus.RUNNING, True)
    return shop.now(job)


def same_ports(shop: Workshop, wrap: Any) -> Workshop:
    """Other processes on the same rows and objects."""
    other = Workshop(shop.openrouter, shop.clock, wrap=wrap)
    shared = ("jobs", "ledger", "images", "raw_answers", "queue", "webhooks", "provider", "keys", "secret")
    for name in shared:
        setattr(other, name, getattr(shop, name))
    return other
