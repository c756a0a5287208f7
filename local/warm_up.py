"""The first call of each function that is called here, and of the live door, before anybody calls.

What is asked changes nothing: lists are read, and what would cost is allowed a millionth of a dollar, so that it is
refused once its price is known. Processes, the segmentation model, connections and the lists of models are there
afterwards.
"""

import base64
import contextlib
import io
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from PIL import Image, ImageDraw

from darkroom.errors import DarkroomError
from darkroom.http.route_table import LIVE_ROUTES, Matcher
from darkroom.services.accounts.tokens import Tokens
from local.functions import FunctionPool, Throttled
from local.http_events import HttpRequest, to_event
from local.routes import Routes
from local.template import Route

# Whose work it counts as.
_USER = "warm-up"
_LEAST = 0.000001
# Seconds for the live door's process to start and answer.
_PATIENCE = 120.0


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    media_type: str = "application/json"
    body: bytes = b""


class WarmUp:
    """Args:
    routes: the API's.
    pools: a pool per function's logical id.
    tokens: makes the token that is asked with, and revokes it.
    payer: the user with whose account prices are looked up.
    live_url: of the live door, which answers its routes in place of their functions; None where there is none.
    """

    def __init__(
        self,
        routes: Routes,
        pools: Mapping[str, FunctionPool],
        tokens: Tokens,
        payer: str,
        live_url: str | None = None,
    ) -> None:
        self._routes = routes
        self._pools = pools
        self._tokens = tokens
        self._payer = payer
        self._live_url = live_url
        self._is_live = Matcher(LIVE_ROUTES if live_url else ()).match

    def run(self) -> None:
        """Warms one process of each function, as many at once as there are processors, and then the live door.

        A function all of whose routes are the live door's is left until it is invoked by its name.
        A function that cannot start is told in the log, and holds up none of the others.
        """
        threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="warm-up")
        # Stopping the stack meanwhile takes the functions and the table away, too.
        with contextlib.suppress(Throttled, DarkroomError), contextlib.ExitStack() as ending:
            ending.callback(threads.shutdown, wait=False, cancel_futures=True)
            secrets = {user: self._token(user, ending) for user in (self._payer, _USER)}
            asked = self._asked()
            calls = self._calls(asked, secrets)
            # The slowest to start come first.
            names = sorted(self._called_here(), key=lambda name: not calls.get(name))
            warming = [threads.submit(self._warm, self._pools[name], calls.get(name)) for name in names]
            # Its process has been starting meanwhile.
            warming += [threads.submit(self._ask_live, call, secrets[user]) for call, user in asked]
            for done in warming:
                done.result()

    def _called_here(self) -> list[str]:
        """The functions but those that nothing leads to: neither a route, nor a queue or a schedule."""
        routes: dict[str, list[Route]] = {}
        for route in self._routes.all:
            routes.setdefault(route.function, []).append(route)
        return [
            name
            for name in self._pools
            if name not in routes or not all(self._is_live(each.method, each.path) for each in routes[name])
        ]

    def _ask_live(self, call: _Call, secret: str) -> None:
        if self._live_url is not None and self._is_live(call.method, call.path):
            headers = {"authorization": f"Bearer {secret}", "content-type": call.media_type}
            with contextlib.suppress(httpx.HTTPError):
                httpx.request(
                    *(call.method, self._live_url + call.path),
                    headers=headers,
                    content=call.body,
                    timeout=_PATIENCE,
                    trust_env=False,
                )

    def _warm(self, pool: FunctionPool, event: dict[str, Any] | None) -> None:
        with contextlib.suppress(Throttled, DarkroomError):
            if pool.warm_up() is None and event is not None:
                pool.call(event)

    def _token(self, user: str, ending: contextlib.ExitStack) -> str:
        # It ends by itself, too, for a process may be killed before it gets to revoke it.
        token, secret = self._tokens.create(user=user, name="warm-up", lifetime=timedelta(minutes=10))
        ending.callback(self._tokens.revoke, user, token.id)
        return secret

    def _asked(self) -> list[tuple[_Call, str]]:
        """What is called, and as which user."""
        return [
            *((call, self._payer) for call in _priced()),
            (_cut_out(), _USER),
            *((_Call("GET", path), _USER) for path in ("/v1/models", "/v1/jobs", "/v1/settings")),
        ]

    def _calls(self, asked: list[tuple[_Call, str]], secrets: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """The event for each function that has one."""
        found = [self._event(call, secrets[user]) for call, user in asked]
        # Looks for a job that is not there, as its queue's messages do.
        reread = {"task": "reread", "user": _USER, "job": "job_0"}
        events = {"WorkerFunction": reread} if "WorkerFunction" in self._pools else {}
        return {**events, **dict(each for each in found if each is not None)}

    def _event(self, call: _Call, secret: str) -> tuple[str, dict[str, Any]] | None:
        """The function, by its logical id, and the event; None where the API has no such route."""
        match = self._routes.match(call.method, call.path)
        if match is None or match.route.path != call.path:
            return None
        # A picture is asked for, not JSON: that way none is stored.
        accept = "image/png" if call.media_type == "image/png" else "application/json"
        headers = {"authorization": f"Bearer {secret}", "accept": accept, "content-type": call.media_type}
        request = HttpRequest(call.method, call.path, "", list(headers.items()), call.body, "127.0.0.1")
        return match.route.function, to_event(request, match, _USER, datetime.now(UTC))


def _priced() -> list[_Call]:
    picture = base64.b64encode(_dot()).decode()
    bodies: dict[str, dict[str, Any]] = {
        "/v1/images/generations": {"prompt": _USER},
        "/v1/images/edits": {"prompt": _USER, "image": f"data:image/png;base64,{picture}"},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": _USER}]},
    }
    return [
        _Call("POST", path, body=json.dumps({**body, "max_cost_usd": _LEAST}).encode()) for path, body in bodies.items()
    ]


def _cut_out() -> _Call:
    """No picture, which is refused: the model is loaded before that, and working on one takes 270 MB for a while."""
    return _Call("POST", "/v1/images/background-removals", "image/png")


def _dot() -> bytes:
    picture = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(picture).ellipse((16, 16, 48, 48), "black")
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()
