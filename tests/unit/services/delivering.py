"""The webhook service between stores in memory and a receiver on 127.0.0.1."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook

from darkroom.adapters.url_guard import UrlGuard
from darkroom.adapters.webhook_sender import HttpWebhookSender
from darkroom.models.job import Job, JobStatus
from darkroom.models.webhook import Delivery
from darkroom.services.paid.webhooks import (
    Webhooks,
)
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryJobStore
from tests.fakes.webhooks import Call, MemoryWebhookQueue, MemoryWebhookStore, Receiver


class World:
    """The service between stores in memory and a receiver."""

    def __init__(
        self,
        clock: SteppingClock,
        receiver: Receiver,
        store: MemoryWebhookStore | None = None,
        uniform: Callable[[float, float], float] = lambda low, high: (low + high) / 2,
        queue: MemoryWebhookQueue | None = None,
    ) -> None:
        self.clock = clock
        self.receiver = receiver
        self.store = store or MemoryWebhookStore()
        self.jobs = MemoryJobStore()
        self.queue = queue or MemoryWebhookQueue()
        self.shown = 0
        self.alarms: list[tuple[str, dict[str, object]]] = []
        self.webhooks = Webhooks(
            store=self.store,
            jobs=self.jobs,
            queue=self.queue,
            sender=HttpWebhookSender(UrlGuard(also_allowed={("127.0.0.1", receiver.port)})),
            show=self._show,
            show_report=lambda user, month: {"month": month, "of": user} if month == "2026-10" else None,
            clock=clock,
            alarm=self._alarm,
            uniform=uniform,
        )

    def _alarm(self, name: str, /, **facts: object) -> None:
        self.alarms.append((name, facts))

    def _show(self, job: Job) -> dict[str, Any]:
        self.shown += 1
        return {"id": job.id, "object": "job", "status": job.status.value, "link": f"https://out.example/{self.shown}"}

    def add(self, status: JobStatus = JobStatus.SUCCEEDED, **changes: Any) -> Delivery:
        self.jobs.add(Job(id="job_1", user="alice", op="generation", created_at=self.clock.now, status=status))
        return self.announce(**changes)

    def announce(self, **changes: Any) -> Delivery:
        """The delivery of a job that is there already, as it is stored before its first attempt."""
        delivery = Delivery(
            id="msg_job_1",
            user="alice",
            job_id="job_1",
            url=self.receiver.url,
            created_at=self.clock.now,
            expires_at=self.clock.now + timedelta(days=30),
        ).model_copy(update=changes)
        self.store.save(delivery)
        return delivery

    def deliver(self) -> timedelta | None:
        return self.webhooks.deliver("alice", "msg_job_1")

    def after(self, wait: timedelta | None) -> timedelta | None:
        """What comes of the attempt that is due after the wait."""
        assert wait is not None
        self.clock.step(wait)
        return self.deliver()

    @property
    def delivery(self) -> Delivery:
        found = self.store.find("alice", "msg_job_1")
        assert found is not None
        return found


def verified(call: Call, secret: str) -> Any:
    """The event, as the receivers' library takes it; it raises if the signature or the time is wrong."""
    Webhook(secret).verify(call.body.decode(), call.headers)
    return json.loads(call.body)
