"""The simulator on a socket of its own, on loopback only."""

import asyncio
import contextlib
import http.client
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import uvicorn
from starlette.types import Receive, Scope, Send

from local.journal import Journal
from local.ports import listen
from local.simulator import chat, control, errors, images, lists, oauth
from local.simulator.delivery import Answer, Cut, Reply, read
from local.simulator.errors import Refusal
from local.simulator.exchange import Exchange, Handler, World, new_generation_id
from local.simulator.pictures import SKETCH
from local.simulator.scenarios import PAID
from local.simulator.state import Clock, State, now

logger = logging.getLogger(__name__)

API = "/api/v1"
MAX_BODY = 64 * 1024 * 1024
# Names alone can be made to lead here by somebody else (DNS rebinding); addresses, and Docker's name for us, cannot.
_LOCAL_HOST = re.compile(r"(\d+\.\d+\.\d+\.\d+|localhost|host\.docker\.internal|\[::1\])(:\d+)?", re.IGNORECASE)
_THREADS = 16
_MODEL = r"(?P<author>[^/]+)/(?P<slug>[^/]+)"
_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/auth", oauth.ask),
    ("POST", "/auth", oauth.decide),
    ("*", f"{API}/auth/keys", oauth.exchange_code),
    ("POST", f"{API}/auth/keys/code", oauth.create_code),
    ("GET", f"{API}/models", lists.models),
    ("GET", f"{API}/models/user", lists.user_models),
    ("GET", f"{API}/models/count", lists.count),
    ("GET", f"{API}/models/{_MODEL}/endpoints", lists.endpoints),
    ("GET", f"{API}/model/{_MODEL}", lists.model),
    ("GET", f"{API}/images/models", lists.image_models),
    ("GET", f"{API}/images/models/{_MODEL}/endpoints", lists.image_endpoints),
    ("POST", f"{API}/images", images.create),
    ("POST", f"{API}/images/generations", images.create),
    ("POST", f"{API}/images/edits", images.edits),
    ("POST", f"{API}/chat/completions", chat.complete),
    ("GET", f"{API}/key", lists.key),
    ("GET", f"{API}/credits", lists.credits),
    ("GET", f"{API}/generation", lists.generation),
    ("GET", "/_simulator/invoice", control.invoice),
    ("GET", "/_simulator/requests", control.requests),
    ("GET", "/_simulator/scenario", control.scenarios),
    ("POST", "/_simulator/scenario", control.add_scenario),
    ("POST", "/_simulator/release", control.release),
    ("POST", "/_simulator/reset", control.reset),
    ("POST", "/_simulator/keys", control.mint),
]
_COMPILED = [(method, re.compile(pattern), handler) for method, pattern, handler in _ROUTES]
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "X-Generation-Id,X-Provider-Name,request-id,cf-ray",
}
_PREFLIGHT = {
    "access-control-allow-methods": "GET,OPTIONS,PATCH,DELETE,POST,PUT",
    "access-control-allow-headers": "Authorization,Content-Type,HTTP-Referer,X-Openrouter-Title,X-Title,"
    "X-Openrouter-Categories,X-Openrouter-App-Visibility,X-Session-Id,Idempotency-Key,traceparent",
}


class Application:
    """The simulator as an ASGI application."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="simulator")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not _LOCAL_HOST.fullmatch(headers.get("host", "")):
            await Reply.of_json({"error": {"message": "Forbidden", "code": 403}}, 403).deliver(receive, send)
            return
        body = await read(receive, MAX_BODY)
        exchange = Exchange(
            self._world, scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body or b""
        )
        answer = await self._answer(exchange, is_too_large=body is None)
        answer.headers = {**self._common(exchange), **answer.headers}
        logger.info("%s %s", exchange.method, exchange.path)
        await answer.deliver(receive, send)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, exchange: Exchange, *, is_too_large: bool) -> Answer:
        if is_too_large:
            return Refusal(413, "Request payload too large", anonymous=True).to_reply()
        if exchange.method == "OPTIONS" and exchange.path.startswith(API):
            return Reply(204, b"", _PREFLIGHT)
        path = exchange.path.removeprefix(API)
        if path in PAID and exchange.path != path:
            kind = "" if path == "/chat/completions" else "img-"
            exchange.generation_id = new_generation_id(int(exchange.state.clock().timestamp()), kind)
        if not exchange.path.startswith("/_simulator"):
            self._world.log.add(exchange.to_log())
        # Pictures take processor time, and others should not wait for them.
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._handle, exchange, path)

    def _handle(self, exchange: Exchange, path: str) -> Answer:
        try:
            handler = _route(exchange)
            self._plan(exchange, path)
            return handler(exchange)
        except Refusal as refusal:
            key = exchange.key
            return refusal.to_reply(key.user_id if key else None)
        except Exception:
            logger.exception("The simulator itself failed")
            return Refusal(500, "Internal Server Error").to_reply()

    def _plan(self, exchange: Exchange, path: str) -> None:
        """What goes wrong with this request, unless it has no business here anyway."""
        if exchange.path.startswith("/_simulator"):
            return
        key = exchange.key
        if path in PAID and key is None:
            return
        exchange.plan = self._world.scenarios.plan(path, key.hash if key else None, exchange.models)
        if exchange.plan.refusal is not None:
            raise exchange.plan.refusal

    def _common(self, exchange: Exchange) -> dict[str, str]:
        headers = {"request-id": f"req-{secrets.token_hex(8)}", "cf-ray": f"{secrets.token_hex(8)}-SIM", **_CORS}
        if exchange.generation_id:
            headers["x-generation-id"] = exchange.generation_id
        return headers


class Simulator:
    """OpenRouter on this machine, between entering and leaving.

    Args:
        port: 0 takes a free one.
        key: the secret of the first key; made up when it is not given.
        balance: dollars on the account.
        clock: the time, which decides when codes expire and days end.
        detail: side in pixels in which pictures are painted before they are enlarged; a small one saves time.
        journal: where it keeps keys, charges, generations and codes, and begins with what it has kept.

    Raises:
        JournalError: the journal is damaged.
        PortInUse: on entering.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        key: str | None = None,
        balance: Decimal = Decimal(1000),
        clock: Clock = now,
        detail: int = SKETCH,
        journal: Journal | None = None,
    ) -> None:
        self.world = World(State(clock=clock, credits=balance), detail=detail)
        if journal:
            self.state.keep(journal)
        self.key = key if key and self.state.has(key) else self.state.mint("Darkroom", secret=key)
        self.port = port
        self._stop: Callable[[], None] = lambda: None

    @property
    def state(self) -> State:
        return self.world.state

    @property
    def url(self) -> str:
        """The root."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        """Where the API begins."""
        return f"{self.url}{API}"

    @property
    def auth(self) -> str:
        """The page that asks for consent."""
        return f"{self.url}/auth"

    def scenario(self, name: str, /, *, key: str | None = None, **given: object) -> None:
        """Puts a scenario in force, as `POST /_simulator/scenario` does: `model`, `path`, `times`, and its options."""
        control.choose(self.world, {"name": name, "key": key, **given})

    def reset(self) -> None:
        """Forgets charges, requests, codes and scenarios, as `POST /_simulator/reset` does. Keys stay."""
        control.forget(self.world)

    def consent(self, address: str, *, decision: str = "approve", **fields: str) -> str:
        """Answers the page at an address as its form does; where the browser is then sent."""
        form = urlencode({**dict(parse_qsl(urlsplit(address).query)), "decision": decision, **fields})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", "/auth", form, {"content-type": "application/x-www-form-urlencoded"})
        with contextlib.closing(connection):
            return connection.getresponse().headers.get("location", "")

    def __enter__(self) -> Self:
        listener = listen(self.port)
        self.port = listener.getsockname()[1]
        application = Application(self.world)
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)

        def stop() -> None:
            server.should_exit = True
            application.close()
            thread.join(timeout=3)
            listener.close()

        self._stop = stop
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()


def _route(exchange: Exchange) -> Handler:
    for method, pattern, handler in _COMPILED:
        match = pattern.fullmatch(exchange.path)
        if match and method in ("*", exchange.method):
            exchange.parameters = match.groupdict()
            return handler
    raise errors.not_found()


def _is_news(record: logging.LogRecord) -> bool:
    """Whether the web server's complaint is about anything but a connection that was cut on purpose."""
    return not (record.exc_info and isinstance(record.exc_info[1], Cut))
