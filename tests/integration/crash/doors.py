"""The routes that admit paid work, as their functions have them, on an emulator; and workers for what they admit."""

import contextvars
import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from aws_lambda_powertools.utilities.typing import LambdaContext
from ulid import ULID

from darkroom.adapters.clock import utc_now
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.application import Application
from darkroom.application.live import LiveApplication
from darkroom.application.on_aws import AwsPorts, on_aws
from darkroom.application.outlasting import OutlastingApplication
from darkroom.errors import DarkroomError
from darkroom.http.app import Api
from darkroom.http.routes import background_removals as removal
from darkroom.http.routes import conversations as chat
from darkroom.http.routes import edits as edit
from darkroom.http.routes import generations as generate
from darkroom.http.transport import Transport
from darkroom.models.deadline import Deadline
from darkroom.models.door import LIVE
from darkroom.models.job import Job
from darkroom.models.user_settings import Limits
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.tokens import Tokens
from darkroom.services.paid.in_place import InPlace
from darkroom.services.paid.worker import Worker
from darkroom.services.recipes.batch_notes import is_batch
from darkroom.services.recipes.recipe_worker import RecipeWorker
from darkroom.settings import Settings
from local.aws import Aws
from local.providers.removebg import Simulator as RemoveBg
from local.simulator import Simulator
from local.template import Template
from local.worker import environment_of
from tests.events import Context, http_event
from tests.integration.crash.aws_faults import Faults, sound

Answer = tuple[int, dict[str, Any], dict[str, str]]


def at_once(work: Callable[[], None]) -> "Future[None]":
    """Does it in the same thread, so that each run is like the other; its future has what came of it."""
    done: Future[None] = Future()
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - who waits for it raises it
        done.set_exception(error)
    else:
        done.set_result(None)
    return done


class Patient(Context):
    """Long enough on a busy machine, too: the time that a route waits for its job is the street's."""

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


class Handles(Protocol):
    """Answers a request of API Gateway's form."""

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]: ...


@dataclass(frozen=True)
class AtLiveDoor:
    """Routes as the live door calls them: with the time that there is, and no end at 6 MB."""

    api: Api

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        return self.api.handle(event, context, Transport(LIVE))


class AtOnceApplication(LiveApplication):
    """The live door's, which does in the same thread what is waited for."""

    @cached_property
    def in_place(self) -> InPlace:
        return InPlace(self.worker, at_once, outlasts_answer=False)


@dataclass(frozen=True)
class Request:
    """One that somebody sends. Args: route: where the path has names in it, the route's."""

    path: str
    body: dict[str, Any] | None = None
    route: str = ""
    headers: dict[str, str] | None = None
    method: str = "POST"
    query: dict[str, str] | None = None

    def with_headers(self, **headers: str) -> "Request":
        """Underscores stand for hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**(self.headers or {}), **given})

    def event(self, token: str, attempt: int, *, is_sdk: bool) -> dict[str, Any]:
        retry = {"x-stainless-retry-count": str(attempt)} if is_sdk else {}
        headers = {**(self.headers or {}), **retry}
        event = http_event(self.method, self.path, token=token, headers=headers, query=self.query, body=self.body)
        event["routeKey"] = f"{self.method} {self.route or self.path}"
        return event


@dataclass
class Street:
    """Everything that stands on one emulator.

    Time passes only while a route waits for its job, and then the workers carry out what is open: their turn comes in
    the same thread, so that each run is like the other, and no test waits.
    """

    template: Template
    aws: Aws
    openrouter: Simulator
    removebg: RemoveBg
    faults: Faults
    weights: str
    seconds: float = 0.0
    users: set[str] = field(default_factory=set)

    def environ(self, function: str) -> dict[str, str]:
        found = next(each for each in self.template.functions.values() if each.logical_id == function)
        overrides = {
            "DARKROOM_OPENROUTER_URL": self.openrouter.url,
            "DARKROOM_PROVIDER_URLS": f"removebg={self.removebg.url}",
            "DARKROOM_WEIGHTS_DIR": self.weights,
            "DARKROOM_NUMBA_CACHE_DIR": "/tmp/darkroom-unused",
            "AWS_ENDPOINT_URL": str(self.aws.endpoint_url),
        }
        return environment_of(found, endpoint_url=str(self.aws.endpoint_url), overrides=overrides)

    @property
    def table(self) -> str:
        return str(self.template.scope.ref("Table"))

    @cached_property
    def jobs(self) -> DynamoJobStore:
        return DynamoJobStore(self.table, self.aws.dynamodb)

    @cached_property
    def generate(self) -> Api:
        return generate.routes(self._paced("GenerateFunction"))

    @cached_property
    def edit(self) -> Api:
        return edit.routes(self._paced("EditFunction"))

    @cached_property
    def chat(self) -> Api:
        return chat.routes(self._paced("ChatFunction"))

    @cached_property
    def removal(self) -> Api:
        return removal.routes(self._paced("RemoveBackgroundFunction"))

    def live(self, routes: Callable[[Application], Api]) -> AtLiveDoor:
        settings = Settings.from_environ(self.environ("LiveFunction"))
        return AtLiveDoor(routes(AtOnceApplication(settings, AwsPorts(settings))))

    def application(self, function: str) -> Application:
        return on_aws(Settings.from_environ(self.environ(function)))

    def _paced(self, function: str) -> Application:
        """One that waits for its jobs by the street's time."""
        settings = Settings.from_environ(self.environ(function))
        ports = AwsPorts(settings)
        ports.stopwatch, ports.sleep = lambda: self.seconds, self._pass
        return self._outlasting(settings, ports) if settings.in_place else Application(settings, ports)

    def begin(self, work: Callable[[], None]) -> "Future[None]":
        """Begins what a process carries out itself."""
        return at_once(work)

    def _outlasting(self, settings: Settings, ports: AwsPorts) -> Application:
        """One that carries out itself what is waited for, and heeds no faults in that, as workers do not."""
        app = OutlastingApplication(settings, ports, self.begin)
        with sound():
            carrying_out = OutlastingApplication(settings, AwsPorts(settings), self.begin)
            carrying_out.load("worker", "turns")
            app.in_place = carrying_out.in_place
        return app

    def _pass(self, seconds: float) -> None:
        self.seconds += seconds
        self.carry_out()

    def carry_out(self) -> bool:
        """Has the workers look at each open job once, as the queues and the sweep do; False if there is none."""
        found = [job for user in sorted(self.users) for job in self._open_jobs(user)]
        for job in sorted(found, key=lambda job: job.created_at):
            try:
                # In processes that know nothing of what the request has read or has at hand.
                if is_batch(job):
                    contextvars.Context().run(self._images.run, job.user, job.id, Deadline(50))
                contextvars.Context().run(self._worker.run, job.user, job.id, Deadline(60))
            except DarkroomError:
                continue
        return bool(found)

    def _open_jobs(self, user: str) -> list[Job]:
        """One query, where the index of all open work is eight, and each look at a job would ask it."""
        jobs = self.jobs.page(user, limit=100).jobs
        return [job for job in jobs if not job.status.is_final or not job.cost.settled]

    def settle(self) -> None:
        """Until nothing is open. Those who ask for nothing more are not looked at again."""
        for _ in range(30):
            if not self.carry_out():
                assert not [job for job in self.jobs.list_open() if job.user in self.users]
                self.users.clear()
                return
        raise AssertionError([job.id for job in self.jobs.list_open()])

    @cached_property
    def _worker(self) -> Worker:
        with sound():
            return self.application("WorkerFunction").worker

    @cached_property
    def _images(self) -> RecipeWorker:
        with sound():
            return self.application("RemoveBackgroundFunction").recipe_worker

    @cached_property
    def _keys(self) -> Keys:
        with sound():
            return self.application("AccountFunction").keys

    def newcomer(self) -> "Newcomer":
        user = f"user-{str(ULID()).lower()}"
        secret = self.openrouter.state.mint(user)
        self.openrouter.scenario("small_picture", key=secret, side=64)
        self._keys.connect(user, "openrouter", secret)
        self._keys.connect(user, "removebg", self.removebg.key)
        store = DynamoSettingsStore(self.table, self.aws.dynamodb)
        chosen = {"limits": Limits(per_request=500_000)}
        assert store.save(user, store.load(user).model_copy(update=chosen))
        _, token = Tokens(DynamoTokenStore(self.table, self.aws.dynamodb), utc_now).create(user=user, name="t")
        self.users.add(user)
        return Newcomer(self, user, token, secret)


@dataclass
class Newcomer:
    """Somebody with keys of their own, who has not asked for anything."""

    street: Street
    user: str
    token: str
    secret: str = field(repr=False)

    def send(self, api: Api, request: Request, *, is_sdk: bool, most: int = 5) -> list[Answer]:
        """All answers, of which each but the last says `x-should-retry: true`."""
        answers: list[Answer] = []
        while len(answers) < most and (not answers or answers[-1][2].get("x-should-retry") == "true"):
            answers.append(self.send_once(api, request, attempt=len(answers), is_sdk=is_sdk))
        return answers

    def send_once(
        self, api: Handles, request: Request, context: Context | None = None, *, attempt: int = 0, is_sdk: bool = False
    ) -> Answer:
        self.street.users.add(self.user)
        event = request.event(self.token, attempt, is_sdk=is_sdk)
        raw = api.handle(event, context or Patient())  # type: ignore[arg-type]
        headers = {name.lower(): str(each) for name, each in raw["headers"].items()}
        body = json.loads(raw["body"]) if "json" in headers.get("content-type", "") else {}
        return raw["statusCode"], body, headers

    def upload(self, data: bytes) -> str:
        """The id of a file that was uploaded."""
        upload_id = f"upl_{ULID()}"
        bucket = str(self.street.template.scope.ref("UploadsBucket"))
        self.street.aws.s3.put_object(Bucket=bucket, Key=f"uploads/{self.user}/{upload_id}", Body=data)
        return upload_id

    def jobs(self) -> list[Job]:
        return list(self.street.jobs.page(self.user, limit=100).jobs)

    def charges(self) -> list[int]:
        """Of everything that is settled."""
        ledger = DynamoLedger(self.street.table, self.street.aws.dynamodb, clock=utc_now)
        receipts = ledger.receipts(self.user, limit=100).receipts
        return [receipt.actual for receipt in receipts if receipt.actual]
