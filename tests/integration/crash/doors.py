"""The routes that admit paid work, as their functions have them, on an emulator; and a worker for what they admit."""

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image, ImageDraw
from ulid import ULID

from darkroom import bootstrap
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.ledger import DynamoLedger
from darkroom.adapters.settings_store import DynamoSettingsStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.api import Api
from darkroom.bootstrap._base import keys, stores
from darkroom.errors import DarkroomError
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job
from darkroom.models.user_settings import Limits
from darkroom.services.accounts.tokens import Tokens
from darkroom.settings import Settings
from functions.chat import app as chat
from functions.edit import app as edit
from functions.generate import app as generate
from functions.remove_background import app as removal
from local.aws import Aws
from local.providers.removebg import Simulator as RemoveBg
from local.simulator import Simulator
from local.template import Template
from local.worker import environment_of
from tests.events import Context, http_event
from tests.integration.crash.aws_faults import Faults

Answer = tuple[int, dict[str, Any], dict[str, str]]
KLEIN = "black-forest-labs/flux.2-klein-4b"


class Hurried(Context):
    """Long enough for a picture of the simulator's, and not for more."""

    def get_remaining_time_in_millis(self) -> int:
        return 9_000


@dataclass(frozen=True)
class Request:
    """One that somebody sends. `repeated`: whether what it is sent for is a batch, whose end nobody waits for here."""

    path: str
    body: dict[str, Any]
    route: str = ""
    headers: dict[str, str] | None = None

    def event(self, token: str, attempt: int, *, is_sdk: bool) -> dict[str, Any]:
        retry = {"x-stainless-retry-count": str(attempt)} if is_sdk else {}
        event = http_event("POST", self.path, token=token, headers={**(self.headers or {}), **retry}, body=self.body)
        event["routeKey"] = f"POST {self.route or self.path}"
        return event


@dataclass
class Street:
    """Everything that stands on one emulator."""

    template: Template
    aws: Aws
    openrouter: Simulator
    removebg: RemoveBg
    faults: Faults
    weights: str

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
        return generate.routes(bootstrap.generate(self.environ("GenerateFunction")))

    @cached_property
    def edit(self) -> Api:
        return edit.routes(bootstrap.edit(self.environ("EditFunction")))

    @cached_property
    def chat(self) -> Api:
        return chat.routes(bootstrap.chat(self.environ("ChatFunction")))

    @cached_property
    def removal(self) -> Api:
        return removal.routes(bootstrap.remove_background(self.environ("RemoveBackgroundFunction")))

    def newcomer(self) -> "Newcomer":
        user = f"user-{str(ULID()).lower()}"
        secret = self.openrouter.state.mint(user)
        settings = Settings.from_environ(self.environ("AccountFunction"))
        kept = keys(settings, stores(settings))
        kept.connect(user, "openrouter", secret)
        kept.connect(user, "removebg", self.removebg.key)
        store = DynamoSettingsStore(self.table, self.aws.dynamodb)
        chosen = {"limits": Limits(per_request=500_000)}
        assert store.save(user, store.load(user).model_copy(update=chosen))
        _, token = Tokens(DynamoTokenStore(self.table, self.aws.dynamodb), bootstrap.now).create(user=user, name="t")
        return Newcomer(self, user, token)


@dataclass
class Newcomer:
    """Somebody with keys of their own, who has not asked for anything."""

    street: Street
    user: str
    token: str

    def send(self, api: Api, request: Request, *, is_sdk: bool, most: int = 5) -> list[Answer]:
        """All answers, of which each but the last says `x-should-retry: true`."""
        answers: list[Answer] = []
        while len(answers) < most and (not answers or answers[-1][2].get("x-should-retry") == "true"):
            event = request.event(self.token, len(answers), is_sdk=is_sdk)
            raw = api.handle(event, Hurried())  # type: ignore[arg-type]
            is_json = "json" in raw["headers"].get("content-type", raw["headers"].get("Content-Type", ""))
            body = json.loads(raw["body"]) if is_json else {}
            answers.append(
                (raw["statusCode"], body, {name.lower(): str(each) for name, each in raw["headers"].items()})
            )
        return answers

    def jobs(self) -> list[Job]:
        return list(self.street.jobs.page(self.user, limit=100).jobs)

    def charges(self) -> list[int]:
        """Of everything that is settled."""
        ledger = DynamoLedger(self.street.table, self.street.aws.dynamodb, clock=bootstrap.now)
        receipts = ledger.receipts(self.user, limit=100).receipts
        return [receipt.actual for receipt in receipts if receipt.actual]


@contextmanager
def working(street: Street, services: bootstrap.WorkerServices) -> Iterator[Callable[[], None]]:
    """Carries out whatever is queued, whether or not its message arrived: what the queue and the sweep come to.

    Yields:
        Waits until nothing is open.
    """
    stopping, idle = threading.Event(), threading.Event()

    def work() -> None:
        while not stopping.is_set():
            waiting = [job for job in street.jobs.list_open() if job.is_paid or job.turn is not None]
            for job in waiting:
                try:
                    if job.is_paid:
                        services.worker.run(job.user, job.id, Deadline(60))
                except DarkroomError:
                    continue
            if not waiting:
                idle.set()
            stopping.wait(0.03)

    def settled() -> None:
        for _ in range(2):
            idle.clear()
            assert idle.wait(60)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield settled
    finally:
        stopping.set()
        thread.join(30)


def picture() -> str:
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).ellipse((16, 16, 48, 48), "black")
    data = io.BytesIO()
    image.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()
