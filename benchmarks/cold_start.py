"""Cold starts: what each zip function takes until it asks for its first event, and until it has answered that.

    python -m benchmarks.cold_start [--rounds 7] [--function Jobs …] [--instructions] [--without-byte-code] [--imports]

Layer and functions are built by `layers/Makefile` and run by the client of Lambda's Runtime API (awslambdaric), over a
Runtime API, an AWS emulator and OpenRouter's simulator on loopback. The measure is processor time, as a multiple of a
bare handler's with three of boto3's clients in the same layout, which reads one row for its answer. Medians; functions
take turns. Generate, Edit, Chat and Worker are asked for what is paid. "call" is the first event alone, and "warm" the
second, as multiples of the bare handler's second.

Needs Linux. The Python is python3.13 where there is one, as in Lambda, else the one that runs this.

"--instructions" counts instructions, which do not depend on what else the computer does (needs valgrind).
"--without-byte-code" removes the byte code of layer and functions, as `sam build` without the recipe leaves them.
"--imports" prints in its place the modules that take longest, by `-X importtime`, and how many each function may load.
"""

import argparse
import base64
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks._runtime_api import instructions, start
from local.aws import Aws
from local.emulator import Emulator
from local.providers.removebg import Simulator as RemoveBg
from local.resources import create_resources
from local.simulator import Simulator
from local.template import Template
from tests.conftest import ROOT
from tests.events import queue_event
from tests.integration.crash.aws_faults import faulty
from tests.integration.crash.doors import Newcomer, Request, Street
from tests.integration.users import KLEIN, picture
from tests.unit.functions.loading import MAX_MODULES

MAX_RATIO: Final = 1.3
WORK: Final = ROOT / ".local" / "cold-start"
# What Lambda's runtime has.
RUNTIME: Final = ("awslambdaric==4.2.2", "boto3==1.43.106")
BARE: Final = """\
import os
import boto3
clients = [boto3.client(name) for name in ("dynamodb", "s3", "sqs")]
def lambda_handler(event, context):
    row = clients[0].get_item(TableName=os.environ["DARKROOM_TABLE"], Key={"pk": {"S": "a"}, "sk": {"S": "a"}})
    return {"statusCode": 200, "row": row.get("Item")}
"""
_LATER: Final = {"prefer": "respond-async"}
_IMAGE: Final = "data:image/png;base64," + base64.b64encode(picture()).decode()
REQUESTS: Final[Mapping[str, Request]] = {
    "Account": Request("/v1/settings", method="GET"),
    "Chat": Request("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello"}]}),
    "Edit": Request("/v1/images/edits", {"prompt": "A hat", "image": _IMAGE, "model": KLEIN}, headers=_LATER),
    "Generate": Request("/v1/images/generations", {"prompt": "A red fox", "model": KLEIN}, headers=_LATER),
    "Jobs": Request("/v1/jobs", method="GET"),
    "Models": Request("/v1/estimates", {"model": KLEIN}),
    "OAuth": Request("/oauth", method="GET"),
    "Webhooks": Request("/v1/webhooks/secret", method="GET"),
}
NAMES: Final = ("bare", *REQUESTS, "Worker")
_EVENTS: Final = 2


@dataclass(frozen=True)
class _Taken:
    """What a process took until it asked for its first event and until it had answered each, and how it answered."""

    until: tuple[float, ...]
    statuses: tuple[Any, ...]


@dataclass(frozen=True)
class _Place:
    """Where functions are run, for somebody with a key."""

    python: str
    street: Street
    customer: Newcomer

    def environment(self, name: str) -> dict[str, str]:
        return self.street.environ(f"{'Jobs' if name == 'bare' else name}Function")

    def path(self, name: str) -> list[Path]:
        return [WORK / name, WORK / "layer" / "python", WORK / "runtime"]

    def events(self, name: str) -> list[Any]:
        if name == "Worker":
            return [queue_event({"user": self.customer.user, "job_id": self._ordered()}) for _ in range(_EVENTS)]
        request = REQUESTS.get(name)
        return [request.event(self.customer.token, 0, is_sdk=False) if request else {}] * _EVENTS

    def _ordered(self) -> str:
        """A job that waits for a worker."""
        status, job, _ = self.customer.send_once(self.street.generate, REQUESTS["Generate"])
        assert status == 202, job
        return str(job["id"])

    def seconds(self, name: str) -> _Taken:
        done = start(self.python, self.path(name), self.environment(name), self.events(name))
        return _Taken((done.init, *done.answered), tuple(map(_status, done.answers)))

    def instructions(self, name: str) -> _Taken:
        """In thousands of millions."""
        events, path, environment = self.events(name), self.path(name), self.environment(name)
        counts = [instructions(self.python, path, environment, events[:number]) for number in range(_EVENTS + 1)]
        return _Taken(tuple(count / 1e9 for count in counts), ())


def _status(answer: Any) -> Any:
    """Of an answer over HTTP, else what a queue is told."""
    return answer.get("statusCode", answer) if isinstance(answer, dict) else answer


def _python() -> tuple[str, str]:
    """An interpreter and its version."""
    for candidate in (shutil.which("python3.13"), sys.executable):
        if candidate:
            told = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
            if found := re.match(r"Python (\d+\.\d+)", told.stdout):
                return candidate, found[1]
    raise SystemExit("No Python was found.")


def _build(python: str, version: str, functions: Mapping[str, Path]) -> None:
    """Layer, functions and runtime under `WORK`, as they are in Lambda."""
    shutil.rmtree(WORK, ignore_errors=True)
    made = {"SharedLayer": (ROOT / "layers" / "shared", WORK / "layer")}
    made |= {f"{name}Function": (code, WORK / name) for name, code in functions.items()}
    for target, (source, artifacts) in made.items():
        artifacts.mkdir(parents=True)
        variables = {"LAMBDA_PYTHON": python, "VERSION": version, "ARTIFACTS_DIR": str(artifacts)}
        given = [f"{name}={value}" for name, value in variables.items()]
        recipe = ["make", "--silent", "--makefile", str(ROOT / "layers" / "Makefile"), f"build-{target}"]
        subprocess.run([*recipe, *given], cwd=source, check=True)
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python-version", version]
    subprocess.run([*uv, "--target", str(WORK / "runtime"), *RUNTIME], check=True)
    (WORK / "bare").mkdir()
    (WORK / "bare" / "app.py").write_text(BARE)
    for folder in ("runtime", "bare"):
        subprocess.run([python, "-I", "-m", "compileall", "-q", str(WORK / folder)], check=True)


def _without_byte_code(folders: Sequence[str]) -> None:
    for folder in folders:
        for cache in list((WORK / folder).rglob("__pycache__")):
            shutil.rmtree(cache)


@contextmanager
def _place(python: str) -> Iterator[_Place]:
    """The template's resources in an emulator, and providers."""
    with TemporaryDirectory() as folder, ExitStack() as opened:
        emulator = opened.enter_context(Emulator(Path(folder)))
        aws = opened.enter_context(Aws(emulator.url))
        url = "http://127.0.0.1:1"
        template = Template.load(ROOT / "template.yaml", parameters={"CorsOrigin": url}, api_url=url)
        create_resources(template, aws)
        openrouter, removebg = opened.enter_context(Simulator()), opened.enter_context(RemoveBg())
        faults = opened.enter_context(faulty(str(aws.endpoint_url)))
        street = Street(template, aws, openrouter, removebg, faults, str(WORK))
        yield _Place(python, street, street.newcomer())


def _measured(rounds: int, names: Sequence[str], measure: Callable[[str], _Taken]) -> dict[str, list[_Taken]]:
    taken: dict[str, list[_Taken]] = {}
    for _ in range(rounds):
        for name in ("bare", *names):
            taken.setdefault(name, []).append(measure(name))
    return taken


def _print(taken: Mapping[str, list[_Taken]], unit: str, scale: float) -> bool:
    """Returns whether the init phase of each function is within `MAX_RATIO`."""
    medians = {name: [statistics.median(column) for column in _columns(each)] for name, each in taken.items()}
    bare = medians["bare"]
    warm = bare[2] - bare[1]
    print(f"{'':10} {'init ' + unit:>9} {'× bare':>7} {'+ first':>8} {'× bare':>7} {'call':>6} {'warm':>6}  status")
    for name, (init, first, second) in medians.items():
        statuses = {str(status) for each in taken[name] for status in each.statuses}
        figures = f"{init * scale:9.0f} {init / bare[0]:7.2f} {first * scale:8.0f} {first / bare[1]:7.2f}"
        calls = f"{(first - init) / warm:6.1f} {(second - first) / warm:6.1f}"
        print(f"{name:10} {figures} {calls}  {', '.join(sorted(statuses))}")
    worst = max(init / bare[0] for init, *_ in medians.values())
    print(f"The largest is {worst:.2f} times the bare handler; {MAX_RATIO} is the most there may be.")
    return worst <= MAX_RATIO


def _columns(taken: Sequence[_Taken]) -> list[tuple[float, ...]]:
    return list(zip(*(each.until for each in taken), strict=True))


def _print_imports(names: Sequence[str], place: _Place) -> bool:
    fits = True
    for name in names:
        options = ("-X", "importtime")
        log = start(place.python, place.path(name), place.environment(name), place.events(name)[:1], options).log
        found = {module: int(own) for own, module in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", log)}
        slow = sorted(found, key=lambda module: -found[module])[:8]
        own = sum(module.startswith("darkroom") for module in found)
        fits &= own <= MAX_MODULES[name]
        print(f"{name:10} {len(found):5} modules, {own} of Darkroom's; it may load {MAX_MODULES[name]} to begin with")
        print("           " + ", ".join(f"{module} {found[module] / 1000:.1f} ms" for module in slow))
    return fits


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--function", action="append", choices=NAMES[1:])
    parser.add_argument("--without-byte-code", action="store_true")
    parser.add_argument("--imports", action="store_true")
    parser.add_argument("--instructions", action="store_true")
    given = parser.parse_args(arguments)
    names = given.function or NAMES[1:]
    python, version = _python()
    with _place(python) as place:
        functions = place.street.template.functions
        _build(python, version, {name: functions[f"{name}Function"].code for name in names})
        if given.without_byte_code:
            _without_byte_code(("layer", *names))
        print(f"Python {version}")
        if given.imports:
            return 0 if _print_imports(names, place) else 1
        if given.instructions:
            fits = _print(_measured(1, names, place.instructions), "M", 1000)
        else:
            fits = _print(_measured(given.rounds, names, place.seconds), "ms", 1000)
        return 0 if fits or given.without_byte_code else 1


if __name__ == "__main__":
    sys.exit(main())
