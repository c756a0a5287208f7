"""What the simulators of single providers have in common: a socket, a key, an invoice, a log, and what may go wrong.

A simulator of a provider is a subclass of `Simulator`:

    class Simulator(base.Simulator):
        name = "midjourney"
        painter = "midjourney/v9"          # a model of the catalogue that makes pictures; None: it makes none
        talker = None                      # … that chats; None: it does not

        def routes(self):                  # method, pattern of the path, handler
            return [("POST", r"/v1/pictures", self._pictures), ("GET", r"/v1/account", self._account)]

        def key_of(self, request):         # the key that came with a request, None if there was none
            return request.headers.get("x-api-key")

        def error(self, status, message, **more):      # an error in the provider's own shape
            return Reply.of_json({"errors": [{"title": message}]}, status)

        def refusals(self):                # what paid requests are refused with; `refused` and `busy` have to be there
            return {"refused": self.error(400, "…"), "busy": self.error(529, "…")}

        def rates(self, model):            # as the catalogue would publish the simulator's prices
            return Rates(lines=(PriceLine(billable="output_image", unit="image", usd=Decimal("0.04")),))

        def _pictures(self, request):
            …                              # check the body as strictly as the real one does; Refused(self.error(…))
            if request.wrong == "no_picture": …
            self.charge("v9", Decimal("0.04"))
            return Reply.of_json(…)

Requests come to a handler once their key is known to be good; those by POST may cost money, and are counted. What goes
wrong is chosen with `go_wrong(what)`: a name of `refusals()`; `cut` (the answer ends in the middle), `truncated` (it
ends there, and says so), `slow`, `page` (a page of an edge in front), `error` with `status`, `body`, `headers` and
`billed`; or what a handler looks for in `request.wrong`, which it lists in `quirks`.
"""

import json
import re
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self

from darkroom.models.generation import GenerationRequest
from darkroom.models.rates import Rates
from local.journal import Journal
from local.providers._server import Request, serving
from local.simulator.delivery import Reply
from local.simulator.money import micro_usd
from local.simulator.pictures import SKETCH

Route = tuple[str, str, Callable[[Request], Reply]]

_EVERYWHERE = frozenset({"cut", "truncated", "slow", "page", "error"})
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><center>Bad Gateway</center></body></html>"


class World(Protocol):
    """A provider's stand-in, as the contract suite and `make up` see it, between entering and leaving.

    Attributes:
        url: the root, for ProviderSettings.
        key: a good one.
        painter, talker: models of the catalogue that make pictures, and that chat; None where it does not.
    """

    key: str
    painter: str | None
    talker: str | None

    def __init__(self, port: int = 0, *, key: str | None = None, detail: int = SKETCH) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def url(self) -> str: ...

    def picture(self, **more: Any) -> GenerationRequest:
        """What `generate` is asked for, at its plainest; `more` are fields of it."""

    def rates(self, model: str) -> Rates | None:
        """The prices, as the catalogue publishes them; None where answers tell the cost."""

    def go_wrong(self, what: str, /, **options: object) -> None:
        """Every paid request from now on: `refused`, `busy`, `cut`, `no_picture`, and what else there is."""

    def requests(self) -> int:
        """How many paid requests arrived."""

    def invoice(self) -> int:
        """Micro-dollars charged in all."""

    def reset(self) -> None:
        """As new."""

    def keep(self, journal: Journal) -> None:
        """Begins with the charges that the journal has, and writes each to it from now on."""


def rates_of(world: World, *models: str) -> dict[str, Rates]:
    """The prices of the models that have any."""
    return {model: rates for model in models if (rates := world.rates(model)) is not None}


class Refused(Exception):
    """Ends a request with an answer that is no success."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Charge:
    model: str
    micro_usd: int


class Simulator(ABC):
    """A provider on this machine, between entering and leaving; see the top of this file. Implements World.

    Args:
        port: 0 takes a free one.
        key: the one that is good; made up when it is not given.
        detail: side in pixels in which pictures are painted before they are enlarged; a small one saves time.
    """

    name: str
    key_prefix = "sk-"
    painter: str | None = None
    talker: str | None = None
    quirks: frozenset[str] = frozenset({"no_picture"})

    def __init__(self, port: int = 0, *, key: str | None = None, detail: int = SKETCH) -> None:
        self.port = port
        self.detail = detail
        self.key = key or f"{self.key_prefix}{self.name}-{secrets.token_urlsafe(24)}"
        self.log: list[Request] = []
        self.charges: list[Charge] = []
        self._journal: Journal | None = None
        self._lock = threading.Lock()
        self._wrong: tuple[str, Mapping[str, Any]] | None = None
        self._running = ExitStack()
        self._routes = [(method, re.compile(pattern), handler) for method, pattern, handler in self.routes()]

    @abstractmethod
    def routes(self) -> Sequence[Route]: ...

    @abstractmethod
    def key_of(self, request: Request) -> str | None: ...

    @abstractmethod
    def error(self, status: int, message: str, **more: Any) -> Reply:
        """An error in the provider's own shape."""

    @abstractmethod
    def refusals(self) -> Mapping[str, Reply]: ...

    @abstractmethod
    def rates(self, model: str) -> Rates | None: ...

    def unauthorised(self) -> Reply:
        return self.error(401, "Incorrect API key provided.")

    def picture(self, **more: Any) -> GenerationRequest:
        model = str(self.painter)
        given = {"model": model, "prompt": "A flat red circle", "rates": rates_of(self, model)}
        return GenerationRequest(**{**given, **more})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def go_wrong(self, what: str, /, **options: object) -> None:
        known = {*self.refusals(), *self.quirks, *_EVERYWHERE}
        if what not in known:
            raise LookupError(f"Nothing is called {what!r} at {self.name}; there are: {', '.join(sorted(known))}.")
        self._wrong = (what, options)

    def requests(self) -> int:
        return len([request for request in self.log if request.method == "POST"])

    def invoice(self) -> int:
        return sum(charge.micro_usd for charge in self.charges)

    def reset(self) -> None:
        with self._lock:
            self.log.clear()
            if self._journal:
                self._journal.write({(self._kind, f"{number:012}"): None for number in range(len(self.charges))})
            self.charges.clear()
            self._wrong = None

    def charge(self, model: str, usd: Decimal) -> None:
        """Puts a call on the invoice, rounded up to the micro-dollar."""
        charge = Charge(model, micro_usd(usd))
        with self._lock:
            if self._journal:
                name = (self._kind, f"{len(self.charges):012}")
                self._journal.write({name: json.dumps({"model": model, "micro_usd": charge.micro_usd}).encode()})
            self.charges.append(charge)

    def keep(self, journal: Journal) -> None:
        with self._lock:
            self._journal = journal
            self.charges = [Charge(**json.loads(value)) for kind, _, value in journal if kind == self._kind]

    @property
    def _kind(self) -> str:
        return f"{self.name}.charge"

    def __enter__(self) -> Self:
        self.port = self._running.enter_context(serving(self._handle, self.port))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def _handle(self, request: Request, is_too_large: bool) -> Reply:
        if (request.method, request.path) == ("GET", "/_simulator/invoice"):
            return Reply.of_json([{"model": charge.model, "micro_usd": charge.micro_usd} for charge in self.charges])
        with self._lock:
            self.log.append(replace(request, headers=self._hidden(request)))
        try:
            if is_too_large:
                raise Refused(self.error(413, "Request payload too large"))
            handler = self._route(request)
            if self.key_of(request) != self.key:
                raise Refused(self.unauthorised())
            self._plan(request)
            return _delivered(handler(request), request)
        except Refused as refused:
            return refused.reply

    def _route(self, request: Request) -> Callable[[Request], Reply]:
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                request.parameters = match.groupdict()
                return handler
        raise Refused(self.error(404, f"Unknown request URL: {request.method} {request.path}."))

    def _plan(self, request: Request) -> None:
        """What goes wrong with a paid request; a refusal ends it here, at no cost."""
        if self._wrong is None or request.method != "POST":
            return
        what, options = self._wrong
        if what in (refusals := self.refusals()):
            raise Refused(replace(refusals[what]))
        if what == "page":
            raise Refused(Reply.of_html(_PAGE, 502))
        if what == "error":
            if options.get("billed"):
                self.charge(self.name, Decimal("0.01"))
            raise Refused(Reply.of_json(options.get("body"), options.get("status", 500), options.get("headers")))
        request.wrong, request.options = what, options

    def _hidden(self, request: Request) -> dict[str, str]:
        """The headers without the key, for nobody should find one in a log."""
        return {name: value.replace(self.key, "…") for name, value in request.headers.items()}


def _delivered(reply: Reply, request: Request) -> Reply:
    half = len(reply.body) // 2
    match request.wrong:
        case "cut":
            return replace(reply, cut_at=half)
        case "truncated":
            return replace(reply, body=reply.body[:half])
        case "slow":
            return replace(reply, late_headers=float(str(request.options.get("seconds", 0.2))))
    return reply
