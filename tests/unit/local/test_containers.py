"""The ways of containers to this machine's loopback, and what `sam local` is told of a stack."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from local.containers import Ways
from local.ports import LOOPBACK
from local.sam_env import NotReady, site, variables, write_variables
from tests.template.test_template import TEMPLATE

BRIDGE = IPv4Interface(f"{LOOPBACK}/31")
SEEN_BY_CONTAINERS = {
    "aws_endpoint_url": "http://172.17.0.1:4566",
    "openrouter_url": "http://172.17.0.1:8100",
    "provider_urls": {"openai": "http://172.17.0.1:8101", "groq": "http://172.17.0.1:8102"},
}
RUNNING: dict[str, Any] = {
    "url": "http://127.0.0.1:8000",
    "aws_endpoint_url": "http://127.0.0.1:4566",
    "openrouter_url": "http://127.0.0.1:8100",
    "provider_urls": {},
    "containers": SEEN_BY_CONTAINERS,
}


@pytest.fixture
def echo() -> Iterator[int]:
    """A port of loopback that sends back what it is sent."""
    with socket.create_server((LOOPBACK, 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    while data := connection.recv(1000):
                        connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


class TestWays:
    def test_lead_to_loopback_for_as_long_as_they_are_open(self, echo: int) -> None:
        with Ways(BRIDGE) as ways:
            url = ways.to(f"http://127.0.0.1:{echo}")
            host, _, port = url.removeprefix("http://").partition(":")
            # The same port is taken here: what they lead to has it.
            assert (host, int(port) != echo) == (LOOPBACK, True)
            with socket.create_connection((host, int(port)), timeout=10) as through:
                through.sendall(b"x" * 100_000)
                through.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: through.recv(65536), b""))
            assert received == b"x" * 100_000
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((host, int(port)), timeout=10)

    def test_let_nobody_in_from_outside_the_bridge(self, echo: int) -> None:
        """A neighbour who routes packets for the bridge's address to this machine reaches its port."""
        with Ways(BRIDGE) as ways:
            host, _, port = ways.to(f"http://127.0.0.1:{echo}").removeprefix("http://").partition(":")
            outside = socket.create_connection((host, int(port)), 10, source_address=("127.0.0.9", 0))
            with outside, suppress(ConnectionError):
                outside.sendall(b"x")
                assert outside.recv(10) == b""

    def test_are_not_needed_where_docker_has_a_name_for_this_machine(self) -> None:
        with Ways(None) as ways:
            assert ways.to("http://127.0.0.1:4566") == "http://host.docker.internal:4566"

    @pytest.mark.parametrize("url", ["https://openrouter.ai", "http://192.0.2.7:8100"])
    def test_are_not_made_to_other_machines(self, url: str) -> None:
        with Ways(BRIDGE) as ways:
            assert ways.to(url) == url


class TestVariables:
    def test_are_those_of_all_functions_with_the_addresses_that_containers_see(self) -> None:
        told = variables(RUNNING, TEMPLATE.functions)
        assert told.keys() == TEMPLATE.functions.keys()
        for name, each in told.items():
            assert each.keys() == TEMPLATE.functions[name].environment.keys(), "sam local passes no other"
            assert each["AWS_ENDPOINT_URL"] == "http://172.17.0.1:4566"
            assert each["DARKROOM_PUBLIC_URL"] == "http://127.0.0.1:8000"
            assert each["DARKROOM_TABLE"] == TEMPLATE.functions[name].environment["DARKROOM_TABLE"]
        assert told["WorkerFunction"]["DARKROOM_OPENROUTER_URL"] == "http://172.17.0.1:8100"
        assert told["WorkerFunction"]["DARKROOM_PROVIDER_URLS"] == (
            "openai=http://172.17.0.1:8101,groq=http://172.17.0.1:8102"
        )

    def test_have_no_key_of_a_provider_in_them(self) -> None:
        for each in variables(RUNNING, TEMPLATE.functions).values():
            assert not [name for name, value in each.items() if name.endswith(("_KEY", "_KEYS", "_SECRET")) and value
                        and name != "DARKROOM_VAULT_KEY"]  # fmt: skip

    def test_leave_the_real_openrouter_where_it_is(self) -> None:
        where = {**SEEN_BY_CONTAINERS, "openrouter_url": None}
        assert "DARKROOM_OPENROUTER_URL" not in site(RUNNING, where)

    def test_are_readable_by_their_owner_alone(self, tmp_path: Path) -> None:
        file = write_variables(RUNNING, TEMPLATE, tmp_path)
        assert file.stat().st_mode & 0o777 == 0o600
        assert json.loads(file.read_text()) == variables(RUNNING, TEMPLATE.functions)

    def test_of_a_stack_that_containers_do_not_reach_there_are_none(self) -> None:
        with pytest.raises(NotReady, match="CONTAINERS=1 make up"):
            variables({**RUNNING, "containers": None}, TEMPLATE.functions)
