"""A function loads what its routes need and not what only others do, and what its init phase leaves behind can be in a
snapshot that many processes go on from (Lambda's SnapStart).
"""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest

from local.extensions_api import ExtensionsApi
from tests.unit.functions.loading import MAX_MODULES, MAX_MODULES_IN_PLACE, begin

# Loaded by none before its first event: what boto3 has beside botocore, parts of Powertools for other services, what
# opens secrets, and what the image alone has.
NEVER: Final = frozenset(
    {
        *("asyncio", "boto3", "s3transfer", "cryptography", "numpy", "onnxruntime", "rembg"),
        *("aws_lambda_powertools.event_handler.appsync", "aws_lambda_powertools.event_handler.bedrock_agent"),
        *("aws_lambda_powertools.metrics", "aws_lambda_powertools.tracing"),
        *(
            "aws_lambda_powertools.utilities.data_classes.ses_event",
            "aws_lambda_powertools.event_handler.openapi.merge",
        ),
    }
)
# Needed by some alone: which those are.
SOME: Final = {
    "multiprocessing": {"Chat"},
    "httpx": {"Worker"},
    "PIL": {"Chat", "Edit"},
}
# What only some of the functions need, of our own. The image function has its own test, for what it loads when somebody
# pays.
OWN: Final = {
    "scipy": set[str](),
    "darkroom.services.paid.worker": {"Worker"},
    "darkroom.services.jobs.sweep": set[str](),
    "darkroom.services.accounts.connect": {"OAuth"},
    "darkroom.services.listing.model_list": {"Models"},
    "darkroom.services.usage.usage": set[str](),
    "darkroom.services.conversations.turns": {"Chat"},
    "darkroom.services.generate": {"Edit", "Generate"},
    "darkroom.adapters.key_vault": {"Account", "Chat", "Edit", "Generate", "OAuth", "Worker"},
    "darkroom.adapters.sealing": {"Account", "Chat", "Edit", "Generate", "OAuth", "Webhooks", "Worker"},
}


class _Credentials(ThreadingHTTPServer):
    """Gives credentials as Lambda does where there are snapshots: they expire, and the next are others."""

    daemon_threads = True
    given = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Credentials

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self.server.given += 1
        told = {
            "AccessKeyId": f"key-{self.server.given}",
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def begun() -> Iterator[dict[str, dict[str, Any]]]:
    with _Credentials(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        found = {}
        for name in MAX_MODULES:
            found[name] = begin(name, url)
            found[name]["newest key"] = f"key-{server.given}"
        yield found
        server.shutdown()


@pytest.fixture(scope="module")
def in_place() -> Iterator[dict[str, dict[str, Any]]]:
    """The chat function, which is told to go on when it has answered, by how it was started."""
    with _Credentials(("127.0.0.1", 0), _Handler) as server, closing(ExtensionsApi()) as extensions:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        told = {"DARKROOM_IN_PLACE": "true", "AWS_LAMBDA_RUNTIME_API": extensions.address}
        kinds = ("on-demand", "snap-start")
        yield {kind: begin("Chat", url, **told, AWS_LAMBDA_INITIALIZATION_TYPE=kind) for kind in kinds}
        server.shutdown()


@pytest.fixture(params=sorted(MAX_MODULES))
def left(request: pytest.FixtureRequest, begun: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return begun[request.param]


def test_none_loads_what_no_function_needs_to_begin_with(left: dict[str, Any]) -> None:
    assert sorted(NEVER & set(left["modules"])) == []


@pytest.mark.parametrize("module", SOME)
def test_what_some_need_is_loaded_by_those_alone(begun: dict[str, dict[str, Any]], module: str) -> None:
    assert {name for name, left in begun.items() if module in left["modules"]} <= SOME[module]


def test_each_loads_as_many_of_our_own_modules_as_it_may(begun: dict[str, dict[str, Any]]) -> None:
    own = {name: sum(module.startswith("darkroom") for module in left["modules"]) for name, left in begun.items()}
    assert {name: count for name, count in own.items() if count > MAX_MODULES[name]} == {}


@pytest.mark.parametrize("module", OWN)
def test_what_some_need_of_ours_is_loaded_by_each_of_them(begun: dict[str, dict[str, Any]], module: str) -> None:
    assert {name for name, left in begun.items() if module in left["modules"]} == OWN[module]


def test_one_client_is_made_for_each_service(left: dict[str, Any]) -> None:
    assert 0 < len(left["clients"]) == len(set(left["clients"])) <= 4


def test_no_connection_no_thread_and_no_time_is_left(left: dict[str, Any]) -> None:
    assert (left["sockets"], left["threads"], left["times"]) == ([], 1, [])


def test_garbage_is_collected_once_all_is_loaded(left: dict[str, Any]) -> None:
    assert left["garbage"] == [True, True]


def test_processes_that_go_on_from_a_snapshot_choose_differently(left: dict[str, Any]) -> None:
    first, second = left["restored"]
    assert not set(first) & set(second)


def test_credentials_of_the_init_phase_are_fetched_again_when_they_expire(left: dict[str, Any]) -> None:
    assert left["key"] == left["newest key"]


def test_who_carries_out_what_it_admits_loads_that_in_the_init_phase(in_place: dict[str, dict[str, Any]]) -> None:
    loaded = set(in_place["on-demand"]["modules"])
    own = {module for module in loaded if module.startswith("darkroom")}
    assert {"darkroom.services.paid.in_place", "darkroom.services.paid.worker"} <= own
    assert len(own) <= MAX_MODULES_IN_PLACE
    assert sorted(NEVER & loaded) == []


def test_with_snap_start_it_does_not_go_on_when_it_has_answered(in_place: dict[str, dict[str, Any]]) -> None:
    """What waits for events is nothing for a snapshot."""
    left = in_place["snap-start"]
    assert (left["sockets"], left["threads"]) == ([], 1)
    assert "darkroom.services.paid.in_place" not in left["modules"]
