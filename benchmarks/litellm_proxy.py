"""A picture and a chat through Darkroom's live door and through LiteLLM's proxy, side by side in one run.

    python -m benchmarks.litellm_proxy [--rounds 40]

Both ask one simulator of OpenAI, which answers at once; Darkroom runs on the local stack. LiteLLM has an environment of
its own in `.local/benchmarks/litellm`, which the first run makes. Requests are sent one at a time, in turn to the
simulator, to LiteLLM and to Darkroom, so that all three meet the same load of the machine.

Budgets are on at both. Darkroom's are what they always are: reserved and settled by transactions of its table.
LiteLLM's keys with budgets need PostgreSQL and an engine that Prisma downloads; without them it has a proxy-wide budget
and one for the provider, in memory, which is what it is measured with: it keeps nothing, and writes nothing down.

"processor" is user and system time of a server with all its children, "added" the time beside the simulator's own.
The emulator's processor time, which stands in for DynamoDB and S3, is shown apart: it is a part of what Darkroom adds.
"""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from local.ports import listen
from local.stack import Stack
from tests.conftest import ROOT
from tests.integration.users import People

_LITELLM: Final = "litellm[proxy]==1.83.0"
_ENVIRONMENT: Final = ROOT / ".local" / "benchmarks" / "litellm"
_WARM_UP: Final = 5
_START_SECONDS: Final = 180.0
_PAINTER, _TALKER = "gpt-image-1-mini", "gpt-4o-mini"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def processes(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for thread in Path(f"/proc/{root}/task").iterdir():
        for child in (thread / "children").read_text(encoding="ascii").split():
            found += processes(int(child))
    return found


def processor_seconds(root: int) -> float:
    """User and system time of a process and all below it, those that have ended among them."""
    taken = 0
    for process in processes(root):
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        taken += sum(map(int, fields[11:15]))
    return taken / _TICKS


def resident_megabytes(root: int) -> float:
    pages = (int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) for process in processes(root))
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass
class Server:
    """Where requests go, and whose processor time is theirs.

    Args:
        url: up to and with `/v1`.
        pid: None where its time is not asked for.
    """

    name: str
    url: str
    key: str = field(repr=False)
    models: tuple[str, str] = (_PAINTER, _TALKER)
    pid: int | None = None
    more: dict[str, Any] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    spent: float = 0.0

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        self.client = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def used(self) -> float:
        return processor_seconds(self.pid) if self.pid is not None else 0.0


Ask = Callable[[Server, int], float]
"""Sends a request, and gives the seconds until what was waited for."""


def picture(server: Server, number: int) -> float:
    body = {"model": server.models[0], "prompt": f"A red fox, {number}", "quality": "low", **server.more}
    began = time.perf_counter()
    server.client.post("/images/generations", json=body).raise_for_status()
    return time.perf_counter() - began


def chat(server: Server, number: int) -> float:
    began = time.perf_counter()
    answer = server.client.post("/chat/completions", json=_conversation(server, number))
    assert answer.is_success, (server.name, answer.text)
    return time.perf_counter() - began


def first_token(server: Server, number: int) -> float:
    body = {**_conversation(server, number), "stream": True, "stream_options": {"include_usage": True}}
    began, came = time.perf_counter(), 0.0
    with server.client.stream("POST", "/chat/completions", json=body) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if not came and line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                came = time.perf_counter() - began
    assert came, f"{server.name} sent no token"
    return came


def _conversation(server: Server, number: int) -> dict[str, Any]:
    return {
        "model": server.models[1],
        "messages": [{"role": "user", "content": f"Say hello, {number}"}],
        "max_completion_tokens": 50,
        **server.more,
    }


WORK: Final[dict[str, Ask]] = {"picture": picture, "chat": chat, "chat, first token": first_token}


def measure(ask: Ask, servers: list[Server], rounds: int, emulator: int) -> float:
    """Asks all servers in turn; gives the emulator's processor seconds for a request."""
    for server in servers:
        for number in range(_WARM_UP):
            ask(server, -1 - number)
        server.seconds.clear()
    began = [server.used() for server in servers]
    emulators = processor_seconds(emulator)
    for number in range(rounds):
        # The simulator paints a picture once, and has it when it is asked for again.
        ask(servers[0], number)
        for server in servers:
            server.seconds.append(ask(server, number))
    for server, before in zip(servers, began, strict=True):
        server.spent = (server.used() - before) / rounds
    return (processor_seconds(emulator) - emulators) / rounds


def tell(name: str, servers: list[Server], emulator: float) -> None:
    direct = servers[0].seconds
    for server in servers[1:]:
        # Each is compared with the request to the simulator that was sent just before.
        added = sorted((took - alone) * 1000 for took, alone in zip(server.seconds, direct, strict=True))
        p95 = added[min(len(added) - 1, round(0.95 * len(added)))]
        apart = f", the emulator's processor {emulator * 1000:.1f} ms" if server.name == "darkroom" else ""
        print(
            f"{name}, {server.name}: processor {server.spent * 1000:.1f} ms, "
            f"added {statistics.median(added):.0f} ms at the median, {p95:.0f} ms at p95{apart}",
            flush=True,
        )


@contextmanager
def litellm(upstream: str, key: str, folder: Path) -> Iterator[Server]:
    """LiteLLM's proxy, one worker, with its budgets in memory."""
    program = _ENVIRONMENT / "bin" / "litellm"
    if not program.exists():
        venv.create(_ENVIRONMENT, with_pip=True)
        subprocess.run([_ENVIRONMENT / "bin" / "pip", "install", "--quiet", _LITELLM], check=True)
    params = {"api_base": f"{upstream}/v1", "api_key": key}
    master = f"sk-{secrets.token_hex(8)}"
    config = {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}", **params}}
            for name in (_PAINTER, _TALKER)
        ],
        "litellm_settings": {"telemetry": False, "max_budget": 1000, "budget_duration": "30d"},
        "router_settings": {"provider_budget_config": {"openai": {"budget_limit": 1000, "time_period": "1d"}}},
        "general_settings": {"master_key": master},
    }
    described = folder / "litellm.yaml"
    described.write_text(json.dumps(config), encoding="utf-8")  # which YAML takes
    with listen(0) as listener:
        port = listener.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = [
        str(program),
        "--config",
        str(described),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--num_workers",
        "1",
    ]
    log = folder / "litellm.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/health/liveliness", process, log)
        yield Server("litellm", f"{url}/v1", master, pid=process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"LiteLLM's proxy did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@contextmanager
def stack_of(folder: Path) -> Iterator[Stack]:
    weights, parameters = ROOT / ".local" / "weights", {"BackgroundModel": "u2netp"}
    with Stack(folder, weights=weights, parameters=parameters, detail=8) as stack:
        yield stack


def darkroom(stack: Stack, key: str) -> Server:
    user = People(stack).new("bench", connected=False)
    user.request("PUT", "/v1/keys/openai", json={"key": key}).raise_for_status()
    assert stack.live is not None
    stack.live.wait_until_ready()
    models = (f"openai/{_PAINTER}", f"openai/{_TALKER}")
    more = {"provider": "openai"}
    return Server("darkroom", f"{stack.live.url}/v1", user.token, models, pid=stack.live.pid, more=more)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as folder, stack_of(Path(folder)) as stack:
        openai = stack.providers["openai"]
        direct = Server("simulator", f"{openai.url}/v1", openai.key)
        with litellm(openai.url, openai.key, Path(folder)) as theirs:
            servers = [direct, theirs, darkroom(stack, openai.key)]
            for name, ask in WORK.items():
                tell(name, servers, measure(ask, servers, rounds, stack.emulator.pid))
            for server in servers[1:]:
                assert server.pid is not None
                print(f"memory, {server.name}: {resident_megabytes(server.pid):.0f} MB", flush=True)


if __name__ == "__main__":
    main()
