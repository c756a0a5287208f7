"""Everything that a paid job meets, as in production but for the clock and the queues: real adapters on an emulator,
the real client of OpenRouter on its simulator. Parent and child processes put it together alike.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from darkroom.application import Application
from darkroom.application.live import LiveApplication
from darkroom.application.on_aws import AwsPorts
from darkroom.models.user_settings import Limits
from darkroom.ports import Alarm, Clock
from darkroom.settings import Settings
from local.aws import Aws
from local.simulator import Simulator
from local.template import Template
from tests.application import Wrap, Wrapped, environ_of

DOLLAR = 1_000_000
BUFFERED = "black-forest-labs/flux.2-klein-4b"
STREAMED = "openai/gpt-image-1-mini"
TALKER = "google/gemini-2.5-flash"
LIMITS = Limits(per_request=DOLLAR // 10, per_day=5 * DOLLAR, per_month=50 * DOLLAR)


@dataclass(frozen=True)
class Place:
    """Where everything is; can be handed to another process."""

    aws: str
    table: str
    uploads: str
    outputs: str
    vault_key: str
    job_queue: str
    dead_letters: str
    openrouter: str

    @classmethod
    def of(cls, aws: Aws, template: Template, openrouter: Simulator) -> "Place":
        """Args: template: its resources were created there."""
        ids = template.scope.ids
        return cls(
            aws=str(aws.endpoint_url),
            table=ids["Table"],
            uploads=ids["UploadsBucket"],
            outputs=ids["OutputsBucket"],
            vault_key=ids["VaultKey"],
            job_queue=ids["JobQueue"],
            dead_letters=ids["JobDeadLetters"],
            openrouter=openrouter.url,
        )

    def environ(self) -> dict[str, str]:
        """Of the functions there."""
        given = {
            "TABLE": self.table,
            "UPLOADS_BUCKET": self.uploads,
            "OUTPUTS_BUCKET": self.outputs,
            "VAULT_KEY": self.vault_key,
            "JOB_QUEUE": self.job_queue,
            "JOB_DEAD_LETTERS": self.dead_letters,
            "OPENROUTER_URL": self.openrouter,
            "IMAGE_GENERATION_MODEL": BUFFERED,
            "IMAGE_EDIT_MODEL": BUFFERED,
            "CHAT_MODEL": TALKER,
        }
        return {f"DARKROOM_{name}": value for name, value in given.items()}


class RecordingQueue:
    """A queue of jobs or of deliveries. `sent` holds its messages until somebody takes them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.delays: list[int] = []

    def send(self, user: str, thing: str, *, delay_seconds: int = 0) -> None:
        self.sent.append((user, thing))
        self.delays.append(delay_seconds)

    def postpone(self, receipt_handle: str, wait: timedelta) -> None:
        raise NotImplementedError

    def take(self) -> list[tuple[str, str]]:
        taken, self.sent = self.sent, []
        return taken


class ShopPorts(AwsPorts):
    """Implements application.ports.Ports, as on AWS but for clock and alarms.

    Args: recorded: whether messages are kept here, rather than sent by SQS.
    """

    def __init__(self, settings: Settings, aws: Aws, clock: Clock, alarm: Alarm, *, recorded: bool) -> None:
        super().__init__(settings)
        self.clients: Any = aws
        self.clock, self.alarm = clock, alarm
        self.sleep = lambda _seconds: None
        if recorded:
            self.job_queue: Any = RecordingQueue()
            self.webhook_queue: Any = RecordingQueue()


@dataclass
class Shop:
    """Args:
    wrap: puts something between the services and a port.
    recorded: whether messages are kept here, rather than sent by SQS.
    operator_key: of the stack, for users without one.
    """

    place: Place
    clock: Clock
    aws: Aws
    wrap: Wrap = lambda _role, port: port
    recorded: bool = True
    operator_key: str | None = None
    limits: Limits = LIMITS
    alarms: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def alarm(self, name: str, /, **facts: object) -> None:
        self.alarms.append((name, facts))

    @cached_property
    def settings(self) -> Settings:
        key = {"DARKROOM_OPENROUTER_API_KEY": self.operator_key} if self.operator_key else {}
        return Settings.from_environ({**self.place.environ(), **environ_of(self.limits), **key})

    @cached_property
    def ports(self) -> Any:
        real = ShopPorts(self.settings, self.aws, self.clock, self.alarm, recorded=self.recorded)
        return Wrapped(real, self.wrap)

    @cached_property
    def app(self) -> Application:
        """At the door that has workers carry out what it admits."""
        return Application(self.settings, self.ports)

    @cached_property
    def live(self) -> Application:
        """At the door that carries out what it admits."""
        return LiveApplication(self.settings, self.ports)


def standing(now: datetime) -> Clock:
    return lambda: now
