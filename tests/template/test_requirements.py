"""What is shipped is what is tested: the requirements of the layer and of the image come from the lock."""

import re
import tomllib
import zipfile
from collections.abc import Set
from importlib.metadata import requires
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from darkroom import __version__
from tests.conftest import ROOT

LAYER = ROOT / "layers" / "shared" / "requirements.txt"
LIVE = ROOT / "functions" / "live" / "requirements.txt"
IMAGE = ROOT / "functions" / "remove_background" / "requirements.txt"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
LAMBDA: dict[str, str] = {
    "implementation_name": "cpython",
    "implementation_version": "3.13.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
}


def _entries(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Name to (version, hashes), for those entries that apply in Lambda."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for entry in re.split(r"\n(?=[a-z0-9])", path.read_text()):
        requirement = Requirement(entry.partition("\\")[0].partition("#")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(dict[str, str | Set[str]](LAMBDA)):
            hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry))
            found[canonicalize_name(requirement.name)] = (str(requirement.specifier).removeprefix("=="), hashes)
    return found


def _closure(roots: list[str]) -> set[str]:
    """Everything that the roots need in Lambda, as the installed packages declare it."""
    needed: set[str] = set()
    waiting = [(Requirement(root), "") for root in roots]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate(dict[str, str | Set[str]](LAMBDA, extra=extra)):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ({""} if name not in needed else set()) | requirement.extras:
            needed.add(name)
            waiting += [(Requirement(text), wanted) for text in requires(name) or []]
    return needed


LOCK = _entries(ROOT / "requirements.lock")


@pytest.mark.parametrize("path", [LAYER, IMAGE, LIVE], ids=["layer", "image", "live door"])
def test_what_is_pinned_is_what_the_lock_pins(path: Path) -> None:
    entries = _entries(path)
    assert entries
    assert {name: LOCK.get(name) for name in entries} == entries, "run `make lock`"


def test_the_layer_has_what_the_package_needs_and_nothing_more() -> None:
    assert set(_entries(LAYER)) == _closure(PROJECT["dependencies"]), "run `make lock`"


def test_the_image_has_what_segmentation_needs_and_nothing_more() -> None:
    roots = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["segmentation"]
    assert set(_entries(IMAGE)) == _closure(roots), "run `make lock`"


def test_the_live_door_has_its_server_and_nothing_more() -> None:
    assert set(_entries(LIVE)) == _closure(PYPROJECT["dependency-groups"]["live"]), "run `make lock`"


def test_the_wheel_has_the_package_and_the_command_line(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        (entry_points,) = [files.read(name).decode() for name in names if name.endswith("/entry_points.txt")]
    assert {"darkroom/__init__.py", "darkroom/py.typed", "darkroom_cli/main.py", "darkroom_cli/py.typed"} <= names
    assert "darkroom = darkroom_cli.main:run" in entry_points
    assert f"-{__version__}-" in wheel


def test_the_layer_stays_light() -> None:
    assert not set(_entries(LAYER)) & {"numpy", "onnxruntime", "rembg", "scipy", "boto3", "botocore"}


def test_nothing_names_an_index() -> None:
    for path in (ROOT / "requirements.lock", LAYER, IMAGE, LIVE):
        assert "://" not in path.read_text()
