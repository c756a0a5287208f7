"""What `make up` asks of the live door before it says that it is ready."""

import pytest

from darkroom.adapters.clock import utc_now
from darkroom.http.route_table import LIVE_ROUTES
from darkroom.services.accounts.tokens import Tokens
from local.routes import Routes
from local.template import Route
from local.warm_up import WarmUp
from tests.fakes.people import MemoryTokenStore
from tests.servers import LOOPBACK, answering, response, serving

ASKED = [
    *("GET /v1/jobs", "GET /v1/models", "POST /v1/chat/completions"),
    *("POST /v1/images/edits", "POST /v1/images/generations"),
]


@pytest.fixture
def tokens() -> MemoryTokenStore:
    return MemoryTokenStore()


def _routes() -> Routes:
    split = (route.split(" ") for route in LIVE_ROUTES)
    return Routes(Route(method, path, "SomeFunction") for method, path in split)


def test_the_live_door_answers_once_on_each_kind_of_route_that_is_its(tokens: MemoryTokenStore) -> None:
    with serving(answering(response(b"{}"))) as live:
        url = f"http://{LOOPBACK}:{live.port}"
        WarmUp(_routes(), {}, Tokens(tokens, utc_now), "local", url).run()
    heads = [head.splitlines() for head in live.heads]
    assert sorted(lines[0].removesuffix(" HTTP/1.1") for lines in heads) == ASKED
    assert all(any(line.lower().startswith("authorization: bearer dk_") for line in lines) for lines in heads)
    # Whom it asked as is not left behind.
    assert tokens.tokens == {}


def test_a_live_door_that_does_not_answer_holds_nothing_up(tokens: MemoryTokenStore) -> None:
    with serving(lambda exchange: exchange.connection.close()) as live:
        WarmUp(_routes(), {}, Tokens(tokens, utc_now), "local", f"http://{LOOPBACK}:{live.port}").run()
    assert tokens.tokens == {}
