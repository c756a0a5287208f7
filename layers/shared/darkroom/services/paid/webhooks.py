"""Tells users' own servers that a job is over, as https://www.standardwebhooks.com has it.

An event is sent again, with the same id, until it is taken (2xx), is no longer wanted (410), or eight attempts over
about nine hours have failed. How it stands is in the delivery's row; a queue's message only says when to look.
"""

import base64
import hashlib
import hmac
import secrets as randomness
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from msgspec import Struct
from pydantic_core import to_json

from darkroom.errors import Conflict, ServiceUnavailable
from darkroom.models.job import Job
from darkroom.models.webhook import Delivery, WebhookReply, WebhookSecrets
from darkroom.ports import Alarm, Clock, JobStore, WebhookQueue, WebhookSender, WebhookStore

BACK_OFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
MOST_ATTEMPTS = len(BACK_OFF) + 1
# Of a queue's message.
MOST_DELAY = timedelta(seconds=900)
JITTER = 0.2  # of a wait, more or less: what failed together shall not come again together
# Of a job whose pictures are being cut out: at first, and then in proportion to how long that has taken.
CUTOUT_WAIT = timedelta(seconds=2)
PREVIOUS_LIFETIME = timedelta(hours=24)
LOST_AFTER = timedelta(hours=1)
# The worker may have died just before it sent the first message.
NEVER_SENT_AFTER = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=1)
REPORT_EVENT = "usage.report"
_PREFIX = "whsec_"
_SECRET_BYTES = 32


class Webhooks(Struct, frozen=True):
    """Args:
    show: a job as its owner may see it, with links that work for a while.
    show_report: likewise a user's usage report of a month, if there is one.
    alarm: is told of a delivery that could not be looked after.
    uniform: a number between two, at random.
    """

    store: WebhookStore
    jobs: JobStore
    queue: WebhookQueue
    sender: WebhookSender
    show: Callable[[Job], Mapping[str, Any]]
    clock: Clock
    show_report: Callable[[str, str], Mapping[str, Any] | None]
    alarm: Alarm
    uniform: Callable[[float, float], float]

    def check(self, url: str) -> None:
        """Raises UrlRefused, of `webhook_url`, for a URL that will never be called."""
        self.sender.check(url)

    def secret(self, user: str) -> WebhookSecrets:
        """What the user's events are signed with; made when it is first needed."""
        found = self.store.secrets(user)
        if found is None:
            made = WebhookSecrets(current=new_secret(), created_at=self.clock())
            found = made if self.store.store_secrets(user, made, seen=None) else self.store.secrets(user)
        if found is None:
            raise ServiceUnavailable("The secret is just being made.", fix="Try again in a moment.", retry_after=1)
        return _without_the_past(found, self.clock())

    def rotate(self, user: str) -> WebhookSecrets:
        """Makes a new secret; the one before signs as well for a day. One that was before that signs no more.

        Raises:
            Conflict: it was rotated by somebody else at this moment.
        """
        seen, now = self.store.secrets(user), self.clock()
        made = WebhookSecrets(current=new_secret(), created_at=now)
        if seen is not None:
            past = {"previous": seen.current, "previous_until": now + PREVIOUS_LIFETIME}
            made = made.model_copy(update=past)
        if not self.store.store_secrets(user, made, seen=seen):
            # Not tried again: rotated twice, the secret that the receivers know would sign no more.
            raise Conflict("The secret was rotated just now.", fix="GET /v1/webhooks/secret shows the new one.")
        return made

    def run(self, user: str, delivery_id: str) -> None:
        """Sends an event if its time has come, and has another message come if it is to be sent again.

        Raises: as deliver does.
        """
        wait = self.deliver(user, delivery_id)
        if wait is not None:
            # One that comes too early is sent on.
            delay = min(MOST_DELAY, max(timedelta(0), wait))
            self.queue.send(user, delivery_id, delay_seconds=ceil(delay.total_seconds()))

    def deliver(self, user: str, delivery_id: str) -> timedelta | None:
        """Sends an event if its time has come.

        Returns:
            How long to wait before it is called again; None when there is nothing left to do.

        Raises:
            ServiceUnavailable, KeyUnreadable: nothing was sent, or how it went could not be stored.
        """
        delivery = self.store.find(user, delivery_id)
        if delivery is None or delivery.status != "pending":
            return None
        wait = _too_early(delivery, self.clock()) or self._until_cut_out(delivery)
        if wait is not None:
            return wait
        event = self._event(delivery)
        if event is None:
            self.store.save(delivery.model_copy(update={"status": "failed", "last_reply": "The job was removed."}))
            return None
        return self._after(delivery, self._send(delivery, *event))

    def resend_stale(self, older_than: timedelta = LOST_AFTER) -> list[Delivery]:
        """Sends the messages of deliveries again that nobody has looked at for too long. For a sweep.

        Args:
            older_than: how long an attempt is overdue when its message must have been lost.

        Returns:
            Those whose messages were sent. What is a day old is given up instead. One that fails is told of, and keeps
            no other waiting.
        """
        sent = []
        for delivery in self.store.list_open(at=self.clock()):
            try:
                if self._is_resent(delivery, older_than):
                    sent.append(delivery)
            except Exception as error:  # noqa: BLE001 - one delivery's trouble must not keep the others waiting
                self.alarm("SWEEP_FAILED", job=delivery.job_id, error=type(error).__name__, detail=str(error)[:200])
        return sent

    def _is_resent(self, delivery: Delivery, older_than: timedelta) -> bool:
        now = self.clock()
        if delivery.created_at + GIVE_UP_AFTER <= now:
            why = delivery.last_reply or "No attempt was made within a day."
            self.store.save(delivery.model_copy(update={"status": "failed", "last_reply": why}))
        elif _latest_due(delivery) + _patience(delivery, older_than) <= now:
            self.queue.send(delivery.user, delivery.id)
            # Once in so long a time, however often the sweep comes by.
            self.store.save(delivery.model_copy(update={"requeued_at": now}))
            return True
        return False

    def _until_cut_out(self, delivery: Delivery) -> timedelta | None:
        """How long to wait before it is looked again whether the job's pictures are there; None if they are."""
        job = None if delivery.report is not None else self.jobs.find(delivery.user, delivery.job_id)
        now = self.clock()
        if job is None or job.as_shown(now).status is job.status:
            return None
        # Few looks in all: a message that is received too often is a dead letter.
        return max(CUTOUT_WAIT, (now - (job.completed_at or job.created_at)) / 2)

    def _event(self, delivery: Delivery) -> tuple[str, Mapping[str, Any]] | None:
        """Its type and its data as they are now; None if what it tells of is gone."""
        if delivery.report is not None:
            shown = self.show_report(delivery.user, delivery.report)
            return None if shown is None else (REPORT_EVENT, shown)
        job = self.jobs.find(delivery.user, delivery.job_id)
        return None if job is None or job.removed_at else (f"job.{job.status.value}", self.show(job))

    def _send(self, delivery: Delivery, kind: str, data: Mapping[str, Any]) -> WebhookReply:
        body = to_json({"type": kind, "timestamp": delivery.created_at, "data": dict(data)})
        headers = signed(delivery.id, self.clock(), body, self.secret(delivery.user))
        return self.sender.send(delivery.url, body, headers)

    def _after(self, delivery: Delivery, reply: WebhookReply) -> timedelta | None:
        told: dict[str, Any] = {
            "attempts": delivery.attempts + 1,
            "last_attempt_at": self.clock(),
            "last_reply": reply.problem if reply.status is None else str(reply.status),
        }
        is_last = reply.is_gone or told["attempts"] >= MOST_ATTEMPTS
        status = "delivered" if reply.is_taken else "failed" if is_last else "pending"
        self.store.save(delivery.model_copy(update={**told, "status": status}))
        if status != "pending":
            return None
        return BACK_OFF[delivery.attempts] * self.uniform(1 - JITTER, 1 + JITTER)


def new_secret() -> str:
    return _PREFIX + base64.b64encode(randomness.token_bytes(_SECRET_BYTES)).decode()


def signed(event_id: str, at: datetime, body: bytes, secrets: WebhookSecrets) -> dict[str, str]:
    """The headers that prove an event: by each secret that is valid, so that a receiver may know either."""
    timestamp = str(int(at.timestamp()))
    content = f"{event_id}.{timestamp}.".encode() + body
    valid = [secrets.current]
    if secrets.previous and secrets.previous_until and at < secrets.previous_until:
        valid.append(secrets.previous)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, content) for secret in valid),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _without_the_past(secrets: WebhookSecrets, now: datetime) -> WebhookSecrets:
    if secrets.previous_until is None or now < secrets.previous_until:
        return secrets
    return secrets.model_copy(update={"previous": None, "previous_until": None})


def _too_early(delivery: Delivery, now: datetime) -> timedelta | None:
    """How long the next attempt must wait yet. A second message for the same event does not hurry it."""
    if delivery.last_attempt_at is None:
        return None
    left = delivery.last_attempt_at + BACK_OFF[delivery.attempts - 1] * (1 - JITTER) - now
    return left if left > timedelta(0) else None


def _patience(delivery: Delivery, older_than: timedelta) -> timedelta:
    is_untouched = delivery.attempts == 0 and delivery.requeued_at is None
    return min(NEVER_SENT_AFTER, older_than) if is_untouched else older_than


def _latest_due(delivery: Delivery) -> datetime:
    """When the next attempt should have been made, however late."""
    due = delivery.created_at
    if delivery.last_attempt_at is not None:
        due = delivery.last_attempt_at + BACK_OFF[delivery.attempts - 1] * (1 + JITTER)
    return max(due, delivery.requeued_at or due)
