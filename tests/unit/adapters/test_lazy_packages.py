"""Packages of which a part is loaded: each case in a process of its own, as nothing is loaded there."""

import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.adapters.lazy_packages import POWERTOOLS


def _run(script: str, *path: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {list(path)!r}\n{script}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> str:
    """`wide`, whose `__init__` prints that it runs."""
    folder = tmp_path / "wide"
    folder.mkdir()
    (folder / "__init__.py").write_text("print('init')\nfrom wide.one import first\nfrom wide.two import second\n")
    (folder / "one.py").write_text("first = 1\n")
    (folder / "two.py").write_text("second = 2\n")
    return str(tmp_path)


DEFERRED = "from darkroom.adapters.lazy_packages import defer; defer({'wide': {'first': 'one'}})\n"


@pytest.mark.parametrize(
    ("use", "printed"),
    [
        ("from wide import first; print(first, 'wide.two' in sys.modules)", "1 False"),
        ("import wide.two; print(wide.two.second, 'wide.one' in sys.modules)", "2 False"),
        ("from wide import two; print(two.second)", "2"),
        ("from wide import second; print(second)", "init\n2"),
        ("import wide; print(wide.first, wide.second, wide.__file__.endswith('__init__.py'))", "init\n1 2 True"),
        ("import wide; print(hasattr(wide, 'third'))", "init\nFalse"),
    ],
)
def test_a_package_is_loaded_as_far_as_it_is_used(package: str, use: str, printed: str) -> None:
    assert _run(DEFERRED + use, package) == printed


def test_what_is_loaded_already_stays_as_it_is(package: str) -> None:
    assert _run("import wide\n" + DEFERRED + "print(wide.second)", package) == "init\n2"


def test_a_package_that_is_not_installed_is_left_alone() -> None:
    assert (
        _run("from darkroom.adapters.lazy_packages import defer\ndefer({'absent': {}, 'absent.part': {}}); print(1)")
        == "1"
    )


def test_each_name_that_is_listed_is_the_one_that_the_package_has() -> None:
    """Compared with Powertools as it loads by itself."""
    listed = [(package, name, module) for package, names in POWERTOOLS.items() for name, module in names.items()]
    script = f"""
import importlib
for package, name, module in {listed!r}:
    print(getattr(importlib.import_module(package), name) is
          getattr(importlib.import_module(package + "." + module), name))
"""
    assert set(_run(script).splitlines()) == {"True"}


@pytest.mark.parametrize(
    "module",
    [
        "utilities.batch",
        "utilities.data_classes.sqs_event",
        "utilities.data_classes.api_gateway_proxy_event",
        "event_handler.openapi.params",
        "event_handler.middlewares.openapi_validation",
        "metrics",
        "tracing",
        "event_handler.appsync",
        "event_handler.bedrock_agent",
    ],
)
def test_each_part_of_powertools_can_be_loaded_by_itself(module: str) -> None:
    assert _run(f"import darkroom, aws_lambda_powertools.{module}; print(1)").splitlines()[-1] == "1"


def test_the_resolver_of_http_apis_loads_nothing_of_other_services() -> None:
    script = """
import darkroom
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
app = APIGatewayHttpResolver()
@app.get("/x")
def x():
    return Response(status_code=200, content_type="text/plain", body="seven")
event = {"version": "2.0", "routeKey": "GET /x", "rawPath": "/x", "headers": {},
         "requestContext": {"http": {"method": "GET", "path": "/x"}, "stage": "$default"}}
Logger(service="s").info("said")
print(app.resolve(event, None)["body"])
loaded = [name for name in sys.modules if name.startswith("aws_lambda_powertools.")]
for part in ("appsync", "tracing", "metrics", "kinesis", "openapi.merge", "agent_function"):
    print(part, [name for name in loaded if part in name])
print("asyncio" in sys.modules)
"""
    _, *lines = _run(script).splitlines()
    assert lines[0] == "seven"
    assert all(line.endswith("[]") for line in lines[1:-1])
    assert lines[-1] == "False"
