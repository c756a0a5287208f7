"""The whole of Darkroom on this machine, between entering and leaving a `Stack`."""

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from darkroom.adapters.identity_store import DynamoIdentityStore
from darkroom.adapters.key_vault import KmsKeyVault
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.bootstrap import now
from darkroom.errors import InvalidToken
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouterAuth
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.links import LOCAL_LIFETIME, Links
from darkroom.services.accounts.tokens import Tokens
from local import providers, state
from local.aws import REGION, STACK, Aws
from local.containers import Ways, bridge_address
from local.emulator import Emulator
from local.functions import FunctionPool
from local.gateway import Gateway, GatewayServer
from local.journal import Journal
from local.kept import AWS, SIMULATORS, CannotKeep, Kept
from local.launch import Launch, spawned
from local.ports import listen, usable
from local.preloaded import CAN_FORK, Preloaded, common, layer
from local.pump import CONCURRENCY, Pump
from local.resources import create_resources
from local.routes import Routes
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
# What holds rows, pictures and the keys to them.
_HOLDING = frozenset({"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"})
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
        detail: side in pixels in which the simulator of OpenRouter paints before it enlarges.
        is_warm: whether entering waits until each function has answered once; else their first calls start them.
        can_fork: whether functions' processes are forked from one that has imported the layer; else each imports it.
        root: the repository.
        reaches_containers: whether containers are let in to the emulator and the simulators, for `sam local`.
        kept: what is remembered, and where; without it, all is forgotten when it stops.

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
        detail: int = 256,
        is_warm: bool = False,
        can_fork: bool = CAN_FORK,
        root: Path = state.ROOT,
        reaches_containers: bool = False,
        kept: Kept | None = None,
    ) -> None:
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
        self._kept = kept
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
        self.emulator = starting.enter_context(self._emulator(starting))
        self._remember(ports={**self._recalled("ports", {}), "emulator": self.emulator.port})
        self.aws = starting.enter_context(Aws(self.emulator.url))
        self.template = Template.load(
            self._root / "template.yaml",
            parameters={"CorsOrigin": self.url, "SignIn": "anyone", **self._given},
            api_url=self.url,
        )
        create_resources(self.template, self.aws)
        self._check_names()
        if self._can_fork:
            self._launch = starting.enter_context(self._preloaded()).launch
        if self.openrouter.is_simulated:
            self._simulate(starting)
        for function in self.template.functions.values():
            self.pools[function.logical_id] = self._pool(function)
            starting.callback(self.pools[function.logical_id].close)
        routes = Routes(self.template.routes)
        gateway = Gateway(routes, self.pools, self.template.cors)
        starting.enter_context(GatewayServer(gateway, listener))
        store = DynamoTokenStore(self.template.scope.ref("Table"), self.aws.dynamodb)
        self._tokens = Tokens(store, now)
        self.token = self._token()
        links = Links(DynamoLinkStore(self.template.scope.ref("Table"), self.aws.dynamodb), now)
        self.sign_in_url = links.create(USER, origin=self.url, lifetime=LOCAL_LIFETIME)
        if self._simulated_key is not None and not self._recalled("is_connected", False):
            self._connect(self._simulated_key)
            self._remember(is_connected=True)
        if self._is_warm:
            logger.info("Warming up %d functions …", len(self.pools))
            WarmUp(routes, self.pools, self._tokens, USER).run()
        self._start_pump(starting)
        if self._reaches_containers:
            self._containers = self._seen_by_containers(starting.enter_context(Ways(bridge_address())))
        ending = threading.Event()
        starting.callback(ending.set)
        threading.Thread(target=self._end_idle, args=(ending,), name="idle functions", daemon=True).start()
        state.write(self.folder, self.describe())
        starting.callback(state.remove, self.folder)

    def _end_idle(self, ending: threading.Event) -> None:
        while not ending.wait(IDLE_SECONDS / 10):
            for pool in self.pools.values():
                pool.end_idle(IDLE_SECONDS)

    def _check_names(self) -> None:
        """Raises CannotKeep: another version of the template kept its rows or pictures under another name."""
        names = {
            logical_id: name
            for logical_id, name in self.template.scope.ids.items()
            if self.template.resource(logical_id).type in _HOLDING
        }
        for logical_id, name in self._recalled("names", {}).items():
            if names.get(logical_id) != name:
                raise CannotKeep(
                    f"What is kept has {name} for {logical_id}, and this version of Darkroom has "
                    f"{names.get(logical_id)}. Nothing was changed. Run the version that kept it, or `make reset`."
                )
        self._remember(names=names)
        declared = set(self.template.scope.ids.values())
        for url in self.aws.sqs.list_queues().get("QueueUrls", []) if self._kept else ():
            told = self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            if url not in declared and int(told["ApproximateNumberOfMessages"]):
                logger.warning(
                    "%s messages are in %s, which this version of Darkroom does not have: nothing reads them.",
                    told["ApproximateNumberOfMessages"],
                    url.rsplit("/", 1)[-1],
                )

    def _emulator(self, starting: ExitStack) -> Emulator:
        if self._kept is None:
            return Emulator(self.logs)
        lock = starting.enter_context(self._kept.locked())
        if self._recalled("names", None):
            self._kept.check_has(AWS)
        # Links to pictures have the port in them, and some are still good.
        port = usable(self._recalled("ports", {}).get("emulator"))
        return Emulator(self.logs, port, state=self._kept.folder, lock=lock)

    def _simulate(self, starting: ExitStack) -> None:
        """Starts the simulators of OpenRouter and the other providers, with the keys and charges that they had."""
        ports, keys = self._recalled("ports", {}), self._recalled("keys", {})
        journal = self._books(starting)
        simulator = starting.enter_context(
            Simulator(usable(ports.get("openrouter")), key=keys.get("openrouter"), detail=self._detail, journal=journal)
        )
        self.openrouter = replace(self.openrouter, url=simulator.url)
        self._simulated_key = simulator.key
        for name in providers.names():
            if name != "openrouter":
                world = providers.load(name)(usable(ports.get(name)), key=keys.get(name))
                if journal:
                    world.keep(journal)
                self.providers[name] = starting.enter_context(world)
        direct = self.providers.items()
        self._remember(
            keys={"openrouter": simulator.key, **{name: each.key for name, each in direct}},
            ports={**ports, "openrouter": simulator.port, **{name: urlsplit(each.url).port for name, each in direct}},
        )

    def _books(self, starting: ExitStack) -> Journal | None:
        if self._kept is None:
            return None
        if self._recalled("keys", None):
            self._kept.check_has(SIMULATORS)
        journal = Journal(self._kept.folder / SIMULATORS)
        starting.callback(journal.close)
        for sentence in journal.warnings:
            logger.warning(sentence)
        return journal

    def _token(self) -> str:
        """The token that was told before, unless it has been revoked since."""
        kept = self._recalled("token", None)
        if kept:
            with suppress(InvalidToken):
                self._tokens.authenticate(kept)
                return str(kept)
        _, token = self._tokens.create(user=USER, name="make up")
        self._remember(token=token)
        return token

    def _seen_by_containers(self, ways: Ways) -> dict[str, Any]:
        return {
            "aws_endpoint_url": ways.to(self.emulator.url),
            "openrouter_url": ways.to(self.openrouter.url) if self.openrouter.url else None,
            "provider_urls": {name: ways.to(each.url) for name, each in self.providers.items()},
        }

    def _recalled(self, name: str, otherwise: Any) -> Any:
        kept = self._kept.get(name) if self._kept else None
        return otherwise if kept is None else kept

    def _remember(self, **values: Any) -> None:
        if self._kept:
            self._kept.set(**values)

    def _start_pump(self, starting: ExitStack) -> None:
        self._pump = Pump(self.aws.sqs, self.pools, self.template.queue_sources, self.template.schedules)
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
        environment = environment_of(
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
        return FunctionPool(function, environment, self.logs, self._cap(function), self._launch)

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
            clock=now,
        )

    def _connect(self, key: str) -> None:
        """Gives the local user the simulator's key, as if they had signed in."""
        scope, vault = self.template.scope, self._vault()
        inspector = OpenRouterAuth(ProviderSettings(url=self.openrouter.url))
        status = Keys(vault, {"openrouter": inspector}, now).connect(USER, "openrouter", key).status
        identities = Identities(DynamoIdentityStore(scope.ref("Table"), self.aws.dynamodb), now)
        if status is not None and status.user_id:
            # So that signing in with the simulator's own account leads to this user, too.
            identities.link(identities.for_connection(status.user_id, USER, move=True))
