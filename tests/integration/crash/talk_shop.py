"""The shop with conversations, and processes that go on with a turn until they are killed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from multiprocessing.process import BaseProcess
from typing import Any

from darkroom.adapters.conversation_store import DynamoConversationStore
from darkroom.adapters.url_fetcher import HttpUrlFetcher
from darkroom.adapters.url_guard import UrlGuard
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import Conversation
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.models.source import ImageSource
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.painting import Painting
from darkroom.services.conversations.planner import Planner
from darkroom.services.conversations.planning import Planning
from darkroom.services.conversations.turn_cost import TurnCosts
from darkroom.services.conversations.turn_render import TurnRender
from darkroom.services.conversations.turns import Turns
from darkroom.services.inputs.inputs import Inputs
from darkroom.services.inputs.sources import Sources
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.in_place import InPlace
from darkroom.services.paid.worker import Worker
from darkroom.services.recipes.render import Render
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.selection.providers import Providers
from local.aws import Aws
from tests.integration.crash.customers import Customer, now_and_then
from tests.integration.crash.killing import Deadly, Point, begun
from tests.integration.crash.shop import Place, RecordingQueue, Shop, standing
from tests.photos import photo, save

PLANNER = "google/gemini-2.5-flash"
PICTURE = save(photo("chelsea").resize((60, 40)), "PNG")


@dataclass
class TalkShop(Shop):
    @cached_property
    def conversations(self) -> Conversations:
        store = DynamoConversationStore(self.place.table, self.aws.dynamodb)
        inputs = Inputs(self._sources, self.images, max_megapixels=25)
        return Conversations(
            self.wrap("conversations", store), self.images, inputs, self.clock, retention=timedelta(days=30)
        )

    @cached_property
    def turns(self) -> Turns:
        planner = Planner()
        models = ChatModels(Catalogue(OpenRouter(ProviderSettings(url=self.place.openrouter))), default=PLANNER)
        render = Render(self.images, self._sources, 25)
        planning = Planning(planner, models, self.settings, self.images, self.clock)
        return Turns(
            conversations=self.conversations,
            planner=planner,
            planning=planning,
            painting=Painting(
                self.generate.quotes,
                self.budgets,
                Providers({"openrouter": self.provider}, self.keys, self.settings),
                self.clock,
            ),
            rendering=TurnRender(self.jobs, self.job_queue, render, self.clock),
            costs=TurnCosts(self.conversations, self.jobs, planning.warn_at_cost),
            # No turn here has to know the subject.
            render_queue=RecordingQueue(),
            admission=self.generate.admission,
            jobs=self.jobs,
            clock=self.clock,
        )

    @cached_property
    def turns_in_place(self) -> Turns:
        """At the door that carries out what it admits, the parts that come later included."""
        worker = replace(self.worker, advance=lambda user, turn: self.turns_in_place.advance(user, turn))
        admission = self._generate(InPlace(worker, outlasts_answer=True)).admission
        return replace(self.turns, admission=admission)

    @cached_property
    def worker(self) -> Worker:
        return replace(super().worker, advance=self.turns.advance)

    @cached_property
    def sweep(self) -> Sweep:
        return replace(super().sweep, advance=self.turns.advance)

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self.images, HttpUrlFetcher(UrlGuard()), self.jobs)

    def begin(self, customer: Customer) -> Conversation:
        return self.conversations.create(customer.user, ImageSource("image", data=PICTURE))

    def say(self, customer: Customer, content: str) -> Job:
        """The turn, of which nothing is done yet, in a conversation of its own."""
        conversation = self.begin(customer)
        return self.turns.submit(customer.caller, conversation.id, content, now_and_then(route="messages")).job

    def parts(self, turn: Job) -> dict[str, Job]:
        """The turn's paid calls, by name."""
        page = self.jobs.page(turn.user, limit=100).jobs
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
    _shop(place, now, kill).worker.run(user, job_id, Deadline(60))


def _serve_turn(place: Place, now: datetime, kill: Point, caller: Caller, conversation_id: str, content: str) -> None:
    turns = _shop(place, now, kill).turns_in_place
    running = turns.submit(caller, conversation_id, content, Terms(route="messages")).running
    assert running is not None
    running.result(60)


def _sweep(place: Place, now: datetime, kill: Point) -> None:
    _shop(place, now, kill).sweep.run(Deadline(60))
