"""Requests that Schemathesis makes of the OpenAPI document, sound and unsound, with a token and without.

None is answered with a fault of ours, nor with anything that the document does not declare. `make stress` tries ten
times as many.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests  # type: ignore[import-untyped]
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, reject, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation

from darkroom.errors import UrlUnreachable
from darkroom.http.app import Api
from darkroom.http.route_table import DEFAULT
from darkroom.http.routes.account import routes as account
from darkroom.http.routes.background_removals import routes as background_removals
from darkroom.http.routes.conversations import routes as conversations
from darkroom.http.routes.edits import routes as edits
from darkroom.http.routes.generations import routes as generations
from darkroom.http.routes.jobs import routes as jobs
from darkroom.http.routes.models import routes as models
from darkroom.http.routes.oauth import routes as oauth
from darkroom.http.routes.studio import Files
from darkroom.http.routes.studio import routes as studio
from darkroom.http.routes.webhooks import routes as webhooks
from local.http_events import HttpRequest, from_result, to_event
from local.routes import Routes
from local.simulator import Simulator
from tests.application import KLEIN, NoWeb, Studio
from tests.conftest import ROOT, SteppingClock
from tests.events import Context, http_event
from tests.fakes.prompt_queues import PromptRenderQueue
from tests.openapi import DOCUMENT, handled
from tests.photos import photo, save
from tests.template.test_template import TEMPLATE

# For each route, in each of two ways, with a token and without: 700 and more in all.
EXAMPLES = 30 if os.environ.get("DARKROOM_STRESS") else 3
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    f"{method.upper()} {path}": (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods
}
FUNCTIONS: dict[str, Callable[..., Api]] = {
    "AccountFunction": account,
    "ChatFunction": conversations,
    "EditFunction": edits,
    "GenerateFunction": generations,
    "JobsFunction": jobs,
    "ModelsFunction": models,
    "OAuthFunction": oauth,
    "RemoveBackgroundFunction": background_removals,
    "StudioFunction": lambda app: studio(app, Files(ROOT / "functions" / "studio" / "static")),
    "WebhooksFunction": webhooks,
}


class EmptyWeb(NoWeb):
    """No URL leads anywhere."""

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        raise UrlUnreachable(f"Nothing is at {url[:100]}, not even {max_bytes} bytes.")


class World:
    """All functions over one memory, with something of each kind in it that a request may name."""

    def __init__(self, simulator: Simulator) -> None:
        self.studio = Studio(simulator, SteppingClock(), fetcher=EmptyWeb())
        self.studio.render_queue = renders = PromptRenderQueue()
        renders.works = self.studio.app.cutout_worker
        self.studio.connect("alice")
        self.studio.job_queue.works = self.studio.app.worker
        self.token = self.studio.token("alice")
        self.apis = {name: routes(self.studio.app) for name, routes in FUNCTIONS.items()}
        self._routes = Routes(TEMPLATE.routes)
        picture = save(photo("chelsea").resize((60, 40)), "PNG")
        begun = self._begin("ChatFunction", "POST", "/v1/conversations", picture)
        made = self._begin("GenerateFunction", "POST", "/v1/images/generations", {"prompt": "fox", "model": KLEIN})
        self._begin("ChatFunction", "PUT", "/v1/recipes/shop", {"steps": [{"op": "sepia"}]})
        self.known = {
            "conversation_id": begun["id"],
            "version_id": "v1",
            "job_id": made["job"]["id"],
            "name": "shop",
            "provider": "openrouter",
            "model_id": KLEIN,
        }

    def _begin(self, function: str, method: str, path: str, body: object) -> dict[str, Any]:
        kind = "image/png" if isinstance(body, bytes) else None
        event = http_event(method, path, token=self.token, body=body, content_type=kind)  # type: ignore[arg-type]
        answer = handled(self.apis[function].handle, event, Context())
        assert answer["statusCode"] < 300, answer
        found: dict[str, Any] = json.loads(answer["body"])
        return found

    def ask(self, case: Case[Any], *, token: str | None) -> int:
        """The status of what is answered, which the document declares. Raises Undeclared."""
        sent = _prepared(case)
        headers = [
            (name, _text(value))
            for name, value in sent.headers.items()
            if token is None or name.lower() not in ("authorization", "x-api-key", "cookie")
        ]
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        url = urlsplit(str(sent.url))
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
        request = HttpRequest(case.method.upper(), unquote(url.path), url.query, headers, body, "127.0.0.1")
        match = self._routes.match(request.method, request.path)
        assert match is not None
        # A name with a slash in it leads elsewhere.
        assume(match.route.key != DEFAULT)
        event = to_event(request, match, "req-1", NOW)
        answer = handled(self.apis[match.route.function].handle, event, Context())
        return from_result(answer).status


@st.composite
def _cases(draw: st.DrawFn, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> Case[Any]:
    try:
        return draw(operation.as_strategy(generation_mode=mode))
    except ValueError as error:
        if "Unsupported type: 'Binary'" in str(error):
            # Schemathesis cannot judge a file that it has put where a form has other fields.
            reject()
        raise


def _prepared(case: Case[Any]) -> requests.PreparedRequest:
    try:
        return requests.Request(**case.as_transport_kwargs(base_url="http://127.0.0.1")).prepare()
    except (ValueError, UnicodeError):
        # What cannot be written as HTTP is no request.
        assume(False)
        raise


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


@pytest.fixture(scope="module")
def world(studio_simulator: Simulator) -> World:
    studio_simulator.reset()
    return World(studio_simulator)


def test_every_route_is_tried() -> None:
    assert {route.replace("{model_id}", "{proxy+}") for route in OPERATIONS} == {
        route.key for route in TEMPLATE.routes
    } - {DEFAULT}
    assert set(FUNCTIONS) == {route.function for route in TEMPLATE.routes}


def test_an_api_takes_no_route_but_by_its_declaration(world: World) -> None:
    api = world.apis["AccountFunction"]
    assert [name for name in ("get", "post", "put", "patch", "delete") if hasattr(api, name)] == []


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("route", OPERATIONS)
def test_whatever_is_sent_is_answered_as_declared(world: World, route: str, mode: GenerationMode) -> None:
    path, method = OPERATIONS[route]
    operation: APIOperation[Any, Any, Any, Any] = SCHEMA[path][method.upper()]
    takes = {"parameters", "requestBody"} & set(DOCUMENT["paths"][path][method])
    if mode is GenerationMode.NEGATIVE and (not takes or path.startswith("/studio/")):
        # It takes nothing that could be wrong: any name may be one of a file.
        mode = GenerationMode.POSITIVE

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(operation, mode), names_what_is_there=st.booleans())
    def tried(case: Case[Any], names_what_is_there: bool) -> None:
        if names_what_is_there:
            case.path_parameters.update(
                {name: world.known[name] for name in case.path_parameters if name in world.known}
            )
        for token in (None, world.token):
            status = world.ask(case, token=token)
            assert status < 500, f"{route} is answered with {status}"

    tried()
