"""The whole of Darkroom on this machine, between entering and leaving a `Stack`."""

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from darkroom.adapters.clock import utc_now
from darkroom.adapters.identity_store import DynamoIdentityStore
from darkroom.adapters.key_vault import KmsKeyVault
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouterAuth
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.links import LOCAL_LIFETIME, Links
from darkroom.services.accounts.tokens import Tokens
from local import providers, state
from local.aws import REGION, STACK, Aws
from local.containers import Ways, docker_bridge
from local.functions import FunctionPool
from local.gateway import Gateway, GatewayServer
from local.kept import Kept
from local.launch import Launch, spawned
from local.live import LiveRoutes, LiveServer
from local.memory import Memory
from local.ports import listen
from local.preloaded import CAN_FORK, Preloaded, common, layer
from local.pump import CONCURRENCY, Pump
from local.resources import create_resources
from local.routes import Routes
from local.simulator.pictures import SKETCH
from local.simulator.server import Simulator
from local.template import Function, Template
from local.warm_up import WarmUp
from local.worker import environment_of

logger = logging.getLogger(__name__)

USER = "local"
# A segmentation model takes all processors for itself; two at once are already slower each.
IMAGE_FUNCTION_CAP = 2
# Per kind of event, so that a function's callers do not keep it from its queues, nor one queue from another.
FUNCTION_CAP = CONCURRENCY
# After which a process of a function ends, as Lambda's do. The image function's has 270 MB of a picture's until then.
IDLE_SECONDS = 180.0


@dataclass(frozen=True)
class OpenRouter:
    """Which OpenRouter the stack calls.

    Attributes:
        is_simulated: the simulator, started with the stack; else the real one.
        url: of the simulator, once it runs.
        key: a real key that pays for everybody on this machine.
    """

    is_simulated: bool = True
    url: str | None = None
    key: str = field(default="", repr=False)

    def variables(self) -> dict[str, str]:
        """What the functions are told."""
        return {
            **({"DARKROOM_OPENROUTER_URL": self.url} if self.url else {}),
            "DARKROOM_OPENROUTER_API_KEY": self.key,
        }


class Stack:
    """Starts everything on entering and stops it on leaving.

    Args:
        folder: for logs and `darkroom.json`, which is there from the moment everything answers until it is stopped.
        weights: folder of the segmentation models' weights.
        port: of the gateway; 0 takes a free one.
        parameters: values for the template's parameters.
        openrouter: which OpenRouter it calls; the simulator if not said otherwise.
        also_allowed: endpoints of this machine (`127.0.0.1:9000`) that the functions may call for their users.
        variables: values for variables of the functions (`DARKROOM_…`); each gets those that it declares.
        detail: side in pixels in which simulators paint before they enlarge.
        is_warm: whether entering waits until each function has answered once; else their first calls start them.
        can_fork: whether functions' processes are forked from one that has imported the layer; else each imports it.
        root: the repository.
        reaches_containers: whether containers are let in to the emulator and the simulators, for `sam local`.
        kept: what is remembered, and where; without it, all is forgotten when it stops.
        has_live_door: whether routes that the live door has are its; else API Gateway's, as all others.

    Raises (on entering):
        PortInUse, EmulatorError, TemplateError
        CannotKeep, JournalError: what is kept cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        weights: Path,
        port: int = 0,
        parameters: Mapping[str, str] | None = None,
        openrouter: OpenRouter | None = None,
        also_allowed: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        detail: int = SKETCH,
        is_warm: bool = False,
        can_fork: bool = CAN_FORK,
        root: Path = state.ROOT,
        reaches_containers: bool = False,
        kept: Kept | None = None,
        has_live_door: bool = True,
    ) -> None:
        self.live: LiveServer | None = None
        self._has_live_door = has_live_door
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self.pools: dict[str, FunctionPool] = {}
        self._weights = weights.resolve()
        self._port = port
        self._given = dict(parameters or {})
        self.openrouter = openrouter or OpenRouter()
        self.also_allowed = tuple(also_allowed)
        # Not the template's parameters: a deployment's have rules of their own, and one for keys there is not.
        self._variables = dict(variables or {})
        self._simulated_key: str | None = None
        # Each has a key that nobody has stored: a user who does can name it in a request.
        self.providers: dict[str, providers.World] = {}
        self._detail = detail
        self._is_warm = is_warm
        self._can_fork = can_fork
        self._launch: Launch = spawned
        self._root = root
        self._reaches_containers = reaches_containers
        self._containers: dict[str, Any] | None = None
        self._memory = Memory(kept)
        # One for all stacks of a checkout: what it holds fits the packages, and takes a minute to make.
        self.numba_cache = root / ".local" / "numba-cache"
        self._pump: Pump | None = None
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def wait(self) -> None:
        """Blocks for as long as all is well."""
        self.emulator.wait()

    def describe(self) -> dict[str, Any]:
        """What `darkroom.json` holds."""
        scope = self.template.scope
        return {
            "url": self.url,
            "token": self.token,
            # Signs one browser in as the user, once.
            "sign_in_url": self.sign_in_url,
            "user": USER,
            "uploads_bucket": scope.ref("UploadsBucket"),
            "outputs_bucket": scope.ref("OutputsBucket"),
            "table": scope.ref("Table"),
            "aws_endpoint_url": self.emulator.url,
            # Null: the real one.
            "openrouter_url": self.openrouter.url,
            "openrouter_key": self._simulated_key,
            "provider_keys": {name: each.key for name, each in self.providers.items()},
            "provider_urls": {name: each.url for name, each in self.providers.items()},
            # The same addresses as containers see them; null where they are not let in.
            "containers": self._containers,
            "region": REGION,
            "stack": STACK,
            "pid": os.getpid(),
            "parameters": dict(scope.parameters),
            "ids": dict(scope.ids),
            "weights": str(self._weights),
        }

    def _start(self, starting: ExitStack) -> None:
        for folder in (self.logs, self.numba_cache):
            folder.mkdir(parents=True, exist_ok=True)
        listener = listen(self._port)
        starting.callback(listener.close)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # What is entered first is left last: the pump's threads wait for messages until the emulator is gone.
        starting.callback(self._join_pump)
        self.emulator = starting.enter_context(self._memory.emulator(self.logs))
        self.aws = starting.enter_context(Aws(self.emulator.url))
        self.template = Template.load(
            self._root / "template.yaml",
            parameters={"CorsOrigin": self.url, "SignIn": "anyone", "Guests": "true", **self._given},
            api_url=self.url,
        )
        create_resources(self.template, self.aws)
        self._memory.check(self.template, self.aws)
        self._memory.end_leases(self.template.scope.ref("Table"), self.aws)
        if self._can_fork:
            self._launch = starting.enter_context(self._preloaded()).launch
        if self.openrouter.is_simulated:
            self._simulate(starting)
        for function in self.template.functions.values():
            if not function.has_url:
                self.pools[function.logical_id] = self._pool(function)
                starting.callback(self.pools[function.logical_id].close)
            elif self._has_live_door:
                log = self.logs / f"{function.logical_id}.log"
                self.live = starting.enter_context(LiveServer(function, self._environment(function), log))
        routes = Routes(self.template.routes)
        live = LiveRoutes(self.live) if self.live else None
        gateway = Gateway(routes, self.pools, self.template.cors, live=live)
        starting.enter_context(GatewayServer(gateway, listener))
        store = DynamoTokenStore(self.template.scope.ref("Table"), self.aws.dynamodb)
        self._tokens = Tokens(store, utc_now)
        self.token = self._memory.token(self._tokens, USER)
        links = Links(DynamoLinkStore(self.template.scope.ref("Table"), self.aws.dynamodb), utc_now)
        self.sign_in_url = links.create(USER, origin=self.url, lifetime=LOCAL_LIFETIME)
        if self._simulated_key is not None and not self._memory.recall("is_connected"):
            self._connect(self._simulated_key)
            self._memory.remember(is_connected=True)
        if self._is_warm:
            logger.info("Warming up %d functions …", len(self.pools))
            WarmUp(routes, self.pools, self._tokens, USER, self.live.url if self.live else None).run()
            if self.live:
                self.live.wait_until_ready()
        self._start_pump(starting)
        if self._reaches_containers:
            self._containers = self._seen_by_containers(starting.enter_context(Ways(docker_bridge())))
        ending = threading.Event()
        starting.callback(ending.set)
        threading.Thread(target=self._end_idle, args=(ending,), name="idle functions", daemon=True).start()
        state.write(self.folder, self.describe())
        starting.callback(state.remove, self.folder)

    def _end_idle(self, ending: threading.Event) -> None:
        while not ending.wait(IDLE_SECONDS / 10):
            for pool in self.pools.values():
                pool.end_idle(IDLE_SECONDS)

    def _simulate(self, starting: ExitStack) -> None:
        """Starts the simulators of OpenRouter and the other providers, with the keys and charges that they had."""
        keys = self._memory.recall("keys", {})
        journal = starting.enter_context(self._memory.books())
        simulator = starting.enter_context(
            Simulator(self._memory.port("openrouter"), key=keys.get("openrouter"), detail=self._detail, journal=journal)
        )
        self.openrouter = replace(self.openrouter, url=simulator.url)
        self._simulated_key = simulator.key
        for name in providers.names():
            if name != "openrouter":
                world = providers.load(name)(self._memory.port(name), key=keys.get(name), detail=self._detail)
                if journal:
                    world.keep(journal)
                self.providers[name] = starting.enter_context(world)
        direct = self.providers.items()
        self._memory.remember(keys={"openrouter": simulator.key, **{name: each.key for name, each in direct}})
        ports = {name: urlsplit(each.url).port for name, each in direct}
        self._memory.remember_ports(openrouter=simulator.port, **ports)

    def _seen_by_containers(self, ways: Ways) -> dict[str, Any]:
        return {
            "aws_endpoint_url": ways.to(self.emulator.url),
            "openrouter_url": ways.to(self.openrouter.url) if self.openrouter.url else None,
            "provider_urls": {name: ways.to(each.url) for name, each in self.providers.items()},
        }

    def _start_pump(self, starting: ExitStack) -> None:
        # What was left behind when it was stopped or killed is looked at now.
        sources, schedules = self.template.queue_sources, self.template.schedules
        self._pump = Pump(self.aws.sqs, self.pools, sources, schedules, is_overdue=self._memory.is_of_an_earlier_run)
        self._pump.start()
        starting.callback(self._pump.stop)

    def _join_pump(self) -> None:
        if self._pump is not None:
            self._pump.join(timeout=2)

    def _preloaded(self) -> Preloaded:
        """Begins while the rest of the stack is started."""
        functions = self.template.functions.values()
        shared = common(environment_of(each, endpoint_url=self.emulator.url, overrides={}) for each in functions)
        return Preloaded(shared, self.logs / "preloaded.log", layer())

    def _pool(self, function: Function) -> FunctionPool:
        return FunctionPool(function, self._environment(function), self.logs, self._cap(function), self._launch)

    def _environment(self, function: Function) -> dict[str, str]:
        return environment_of(
            function,
            endpoint_url=self.emulator.url,
            overrides={
                **self._variables,
                "AWS_ENDPOINT_URL": self.emulator.url,
                "DARKROOM_WEIGHTS_DIR": str(self._weights),
                "DARKROOM_NUMBA_CACHE_DIR": str(self.numba_cache),
                "DARKROOM_PUBLIC_URL": self.url,
                "DARKROOM_URL_ALSO_ALLOWED": ",".join(self.also_allowed),
                "DARKROOM_PROVIDER_URLS": ",".join(f"{name}={each.url}" for name, each in self.providers.items()),
                **self.openrouter.variables(),
            },
        )

    def _cap(self, function: Function) -> int:
        """Most processes of the function. They are started when there is something for them to do."""
        if function.is_image:
            return IMAGE_FUNCTION_CAP
        queues = [source for source in self.template.queue_sources if source.function == function.logical_id]
        schedules = [schedule for schedule in self.template.schedules if schedule.function == function.logical_id]
        has_callers = any(route.function == function.logical_id for route in self.template.routes)
        return FUNCTION_CAP * max(1, has_callers + len(queues)) + len(schedules)

    @property
    def is_connected(self) -> bool:
        """Whether the local user has a key of OpenRouter's: at first the simulator's, which they may have removed."""
        return any(key.provider == "openrouter" for key in self._vault().describe(USER))

    def _vault(self) -> KmsKeyVault:
        scope = self.template.scope
        return KmsKeyVault(
            table=scope.ref("Table"),
            dynamodb=self.aws.dynamodb,
            kms=self.aws.kms,
            key_id=scope.attribute("VaultKey", "Arn"),
            clock=utc_now,
        )

    def _connect(self, key: str) -> None:
        """Gives the local user the simulator's key, as if they had signed in."""
        scope, vault = self.template.scope, self._vault()
        inspector = OpenRouterAuth(ProviderSettings(url=self.openrouter.url))
        keys = Keys(vault, {"openrouter": inspector}, utc_now, operator_key=lambda _: None, operated=frozenset())
        status = keys.connect(USER, "openrouter", key).status
        identities = Identities(DynamoIdentityStore(scope.ref("Table"), self.aws.dynamodb), utc_now)
        if status is not None and status.user_id:
            # So that signing in with the simulator's own account leads to this user, too.
            identities.link(identities.for_connection(status.user_id, USER, move=True))
