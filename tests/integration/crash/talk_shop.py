"""The shop with conversations, and processes that go on with a turn until they are killed."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from multiprocessing.process import BaseProcess
from typing import Any

from darkroom.application.outlasting import OutlastingApplication
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import Conversation
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.models.source import ImageSource
from darkroom.services.conversations.turns import Turns
from darkroom.services.paid.in_place import in_thread
from local.aws import Aws
from tests.integration.crash.customers import Customer, now_and_then
from tests.integration.crash.killing import Deadly, Point, begun
from tests.integration.crash.shop import Place, Shop, standing
from tests.photos import photo, save

PICTURE = save(photo("chelsea").resize((60, 40)), "PNG")


@dataclass
class TalkShop(Shop):
    @cached_property
    def turns_in_place(self) -> Turns:
        """At the door that carries out what it admits, the parts that come later included."""
        return OutlastingApplication(self.settings, self.ports, in_thread).turns

    def begin(self, customer: Customer) -> Conversation:
        conversation: Conversation = self.app.conversations.create(customer.user, ImageSource("image", data=PICTURE))
        return conversation

    def say(self, customer: Customer, content: str) -> Job:
        """The turn, of which nothing is done yet, in a conversation of its own."""
        conversation = self.begin(customer)
        return self.app.turns.submit(customer.caller, conversation.id, content, now_and_then(route="messages")).job

    def parts(self, turn: Job) -> dict[str, Job]:
        """The turn's paid calls, by name."""
        page = self.ports.jobs.page(turn.user, limit=100).jobs
        return {job.id.rpartition("-")[2]: job for job in page if job.parent_id == turn.id}


def go_on(place: Place, now: datetime, user: str, job_id: str, *, kill: Point) -> BaseProcess:
    """Starts a worker's process on a part of a turn, or on the turn itself."""
    return begun(_go_on, place, now, kill, user, job_id)


def serve_turn(
    place: Place, now: datetime, caller: Caller, conversation_id: str, content: str, *, kill: Point
) -> BaseProcess:
    """Starts a process that admits a turn and carries it out in place."""
    return begun(_serve_turn, place, now, kill, caller, conversation_id, content)


def sweep_turns(place: Place, now: datetime, kill: Point) -> BaseProcess:
    """Starts a process that sweeps once."""
    return begun(_sweep, place, now, kill)


def _shop(place: Place, now: datetime, kill: Point) -> TalkShop:
    def wrap(role: str, port: Any) -> Any:
        return Deadly(port, kill) if role == kill.role else port

    return TalkShop(place, standing(now), Aws(place.aws), wrap=wrap, recorded=False)


def _go_on(place: Place, now: datetime, kill: Point, user: str, job_id: str) -> None:
    _shop(place, now, kill).app.worker.run(user, job_id, Deadline(60))


def _serve_turn(place: Place, now: datetime, kill: Point, caller: Caller, conversation_id: str, content: str) -> None:
    turns = _shop(place, now, kill).turns_in_place
    running = turns.submit(caller, conversation_id, content, Terms(route="messages")).running
    assert running is not None
    running.result(60)


def _sweep(place: Place, now: datetime, kill: Point) -> None:
    _shop(place, now, kill).app.sweep.run(Deadline(60))
