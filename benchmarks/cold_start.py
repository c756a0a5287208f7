"""Cold starts: what each zip function takes until it asks for its first event, and until it has answered that.

    python -m benchmarks.cold_start [--rounds 7] [--function Jobs …] [--without-byte-code] [--imports]

Layer and functions are built by `layers/Makefile` and run by the client of Lambda's Runtime API (awslambdaric), over a
Runtime API and an AWS emulator on loopback. The measure is processor time, as a multiple of a bare handler's with three
of boto3's clients in the same layout, which reads one row for its answer. Medians; functions take turns.

Needs Linux. The Python is python3.13 where there is one, as in Lambda, else the one that runs this.

"--without-byte-code" removes the byte code of layer and functions, as `sam build` without the recipe leaves them.
"--imports" prints in its place the modules that take longest, by `-X importtime`, and how many each function may load.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks._runtime_api import Start, start
from darkroom.adapters.token_store import DynamoTokenStore
from darkroom.services.accounts.tokens import Tokens
from local.aws import Aws
from local.emulator import Emulator
from local.resources import create_resources
from local.template import Template
from local.worker import environment_of
from tests.conftest import ROOT
from tests.events import http_event
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
# Each reads who calls; what is wrong is answered before any provider is asked.
REQUESTS: Final[Mapping[str, tuple[str, str]]] = {
    "Account": ("GET", "/v1/settings"),
    "Chat": ("GET", "/v1/conversations"),
    "Edit": ("POST", "/v1/images/edits"),
    "Generate": ("POST", "/v1/images/generations"),
    "Jobs": ("GET", "/v1/jobs"),
    "Models": ("POST", "/v1/estimates"),
    "OAuth": ("GET", "/oauth"),
    "Webhooks": ("GET", "/v1/webhooks/secret"),
    "Worker": ("", ""),
}


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
def _stack() -> Iterator[tuple[Template, Aws, str]]:
    """The template's resources in an emulator, and a token."""
    with TemporaryDirectory() as folder, Emulator(Path(folder)) as emulator, Aws(emulator.url) as aws:
        url = "http://127.0.0.1:1"
        template = Template.load(ROOT / "template.yaml", parameters={"CorsOrigin": url}, api_url=url)
        create_resources(template, aws)
        tokens = Tokens(DynamoTokenStore(template.scope.ref("Table"), aws.dynamodb), lambda: datetime.now(UTC))
        yield template, aws, tokens.create(user="somebody")[1]


def _event(name: str, token: str) -> Any:
    method, path = REQUESTS.get(name, ("", ""))
    return http_event(method, path, token=token, body={} if method == "POST" else None) if method else {}


def _measured(
    rounds: int, names: Sequence[str], python: str, stack: tuple[Template, Aws, str]
) -> dict[str, list[Start]]:
    template, aws, token = stack
    starts: dict[str, list[Start]] = {}
    for _ in range(rounds):
        for name in ("bare", *names):
            function = template.functions[f"{'Jobs' if name == 'bare' else name}Function"]
            environment = environment_of(function, endpoint_url=str(aws.endpoint_url), overrides={})
            path = [WORK / name, WORK / "layer" / "python", WORK / "runtime"]
            starts.setdefault(name, []).append(start(python, path, environment, _event(name, token)))
    return starts


def _print(starts: Mapping[str, list[Start]]) -> bool:
    """Returns whether each function is within `MAX_RATIO`."""
    bare = [statistics.median(each) for each in _columns(starts["bare"])]
    print(f"{'':10} {'init ms':>8} {'× bare':>7} {'answer ms':>10} {'× bare':>7}  status")
    worst = 0.0
    for name, each in starts.items():
        init, answered = (statistics.median(column) for column in _columns(each))
        worst = max(worst, init / bare[0])
        status = each[-1].answer.get("statusCode", "") if isinstance(each[-1].answer, dict) else ""
        figures = f"{init * 1000:8.0f} {init / bare[0]:7.2f} {answered * 1000:10.0f} {answered / bare[1]:7.2f}"
        print(f"{name:10} {figures}  {status}")
    print(f"The largest is {worst:.2f} times the bare handler; {MAX_RATIO} is the most there may be.")
    return worst <= MAX_RATIO


def _columns(starts: Sequence[Start]) -> tuple[list[float], list[float]]:
    return [each.init for each in starts], [each.answered for each in starts]


def _print_imports(names: Sequence[str], python: str, stack: tuple[Template, Aws, str]) -> bool:
    template, aws, token = stack
    fits = True
    for name in names:
        environment = environment_of(
            template.functions[f"{name}Function"], endpoint_url=str(aws.endpoint_url), overrides={}
        )
        path = [WORK / name, WORK / "layer" / "python", WORK / "runtime"]
        log = start(python, path, environment, _event(name, token), ("-X", "importtime")).log
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
    parser.add_argument("--function", action="append", choices=list(REQUESTS))
    parser.add_argument("--without-byte-code", action="store_true")
    parser.add_argument("--imports", action="store_true")
    given = parser.parse_args(arguments)
    names = given.function or list(REQUESTS)
    python, version = _python()
    with _stack() as stack:
        _build(python, version, {name: stack[0].functions[f"{name}Function"].code for name in names})
        if given.without_byte_code:
            _without_byte_code(("layer", *names))
        print(f"Python {version}")
        if given.imports:
            return 0 if _print_imports(names, python, stack) else 1
        return 0 if _print(_measured(given.rounds, names, python, stack)) or given.without_byte_code else 1


if __name__ == "__main__":
    sys.exit(main())
