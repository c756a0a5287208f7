"""What is built for Lambda is loaded without being compiled: its byte code is not compared with the sources.

The recipe is run with the Python that runs the tests, on a layer without its packages.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.intrinsics import load_yaml
from tests.conftest import ROOT

RECIPE = ROOT / "layers" / "Makefile"
VERSION = "{}.{}".format(*sys.version_info)
UNCHECKED = 0b01
# Modules of their own, and one that shows a traceback.
PACKAGE = {
    "__init__.py": "",
    "first.py": "from darkroom import second\nvalue = second.value\n",
    "second.py": "value = 7\n",
    "broken.py": "def run():\n    raise ValueError\n",
}
# Says what was compiled while a module was loaded, and what its traceback names.
LOADING = """
import sys, traceback
compiled = []
sys.addaudithook(lambda event, facts: compiled.append(str(facts[1])) if event == "compile" else None)
sys.path[:0] = sys.argv[1:]
import app
from darkroom import broken
print([name for name in compiled if name.endswith(".py")], app.value)
try:
    broken.run()
except ValueError as error:
    print(traceback.extract_tb(error.__traceback__)[-1].filename)
"""


def _make(target: str, source: Path, artifacts: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """As SAM does it: in a copy of the source, with the shell's variables and the folder to fill."""
    given = {"LAMBDA_PYTHON": sys.executable, "VERSION": VERSION, **variables}
    return subprocess.run(
        ["make", "--makefile", str(RECIPE), target, *(f"{name}={value}" for name, value in given.items())],
        cwd=source,
        env={**os.environ, "ARTIFACTS_DIR": str(artifacts), "PYTHONPYCACHEPREFIX": str(source.parent / "elsewhere")},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The artifacts of a function and of a layer, with files' times as a zip rounds them."""
    root = tmp_path_factory.mktemp("build")
    function, layer = root / "function", root / "layer"
    (layer / "darkroom" / "__pycache__").mkdir(parents=True)
    (layer / "darkroom" / "__pycache__" / "second.cpython-36.pyc").write_bytes(b"of another Python")
    (layer / "requirements.txt").write_text("# none\n")
    for name, text in PACKAGE.items():
        (layer / "darkroom" / name).write_text(text)
    function.mkdir()
    (function / "app.py").write_text("from darkroom import first\nvalue = first.value\n")
    made = root / "made" / "function", root / "made" / "layer"
    for artifacts, target, source in zip(
        made, ("build-JobsFunction", "build-SharedLayer"), (function, layer), strict=True
    ):
        artifacts.mkdir(parents=True)
        done = _make(target, source, artifacts)
        assert done.returncode == 0, done.stderr
        for path in artifacts.rglob("*.py"):
            os.utime(path, (0, 0))
    return made


def test_every_module_has_byte_code_that_is_not_compared_with_its_source(built: tuple[Path, Path]) -> None:
    modules = [path for folder in built for path in folder.rglob("*.py")]
    assert {path.name for path in modules} == {*PACKAGE, "app.py"}
    for path in modules:
        code = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
        header = code.read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(header[4:], "little") == UNCHECKED


def test_nothing_else_is_in_what_was_built(built: tuple[Path, Path]) -> None:
    function, layer = built
    assert {path.name for path in function.iterdir()} == {"app.py", "__pycache__"}
    assert {path.name for path in layer.iterdir()} == {"python"}
    assert {path.name for path in (layer / "python").iterdir()} == {"darkroom"}
    assert len(list(layer.rglob("*.pyc"))) == len(PACKAGE)


def test_what_was_built_is_loaded_without_being_compiled(built: tuple[Path, Path]) -> None:
    function, layer = built
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", LOADING, str(function), str(layer / "python")],
        capture_output=True,
        text=True,
        check=True,
    )
    compiled, traced = done.stdout.splitlines()
    assert compiled == "[] 7"
    assert traced == str(layer / "python" / "darkroom" / "broken.py")


def test_byte_code_names_files_as_they_are_in_lambda(built: tuple[Path, Path]) -> None:
    for folder, place in zip(built, (b"/var/task/app.py", b"/opt/python/darkroom/first.py"), strict=True):
        assert any(place in path.read_bytes() for path in folder.rglob("*.pyc"))
        assert not any(os.fsencode(folder) in path.read_bytes() for path in folder.rglob("*.pyc"))


def test_another_python_than_lambda_s_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.py").touch()
    done = _make("build-JobsFunction", tmp_path, tmp_path, VERSION="3.2")
    assert done.returncode != 0
    assert "is not a Python 3.2" in done.stderr
    assert "--use-container" in done.stderr


def test_the_recipe_is_for_lambda_s_python_and_the_packages_are_for_it_too() -> None:
    recipe = RECIPE.read_text()
    assert re.findall(r"(?m)^VERSION := (.*)$", recipe) == ["3.13"]
    assert "--abi cp$(subst .,,$(VERSION))" in recipe
    assert load_yaml(ROOT / "template.yaml")["Globals"]["Function"]["Runtime"] == "python3.13"
    dockerfile = (ROOT / "functions" / "remove_background" / "Dockerfile").read_text()
    assert set(re.findall(r"(?m)^FROM .*?:(\S+)", dockerfile)) == {"3.13"}


def test_the_layer_and_every_function_are_built_by_the_recipe() -> None:
    resources = load_yaml(ROOT / "template.yaml")["Resources"]
    kinds = ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    built = {name: each for name, each in resources.items() if each["Type"] in kinds}
    images = {name for name, each in built.items() if each["Properties"].get("PackageType") == "Image"}
    assert images == {"RemoveBackgroundFunction"}
    for name in built.keys() - images:
        metadata = built[name]["Metadata"]
        assert (metadata["BuildMethod"], metadata["ContextPath"]) == ("makefile", "layers"), name
        assert name == "SharedLayer" or name.endswith("Function")


def test_the_image_has_byte_code_of_everything() -> None:
    dockerfile = (ROOT / "functions" / "remove_background" / "Dockerfile").read_text()
    assert "--no-compile" in dockerfile
    compiling = re.findall(r"compileall (.*?)(?: \\)?\n", dockerfile)
    assert all("--invalidation-mode unchecked-hash" in each for each in compiling)
    assert [re.findall(r'"([^"]+)"', each) for each in compiling] == [
        ["${LAMBDA_TASK_ROOT}"],
        ["${LAMBDA_TASK_ROOT}/darkroom", "${LAMBDA_TASK_ROOT}/app.py"],
    ]


@pytest.mark.skipif(not (ROOT / ".aws-sam" / "build").exists(), reason="NOT TRIED: nothing is built: `make build`")
def test_what_make_build_has_made_has_byte_code_of_lambda_s_python() -> None:
    modules = [path for path in (ROOT / ".aws-sam" / "build").rglob("*.py") if "__pycache__" not in path.parts]
    assert modules
    magic = (3571).to_bytes(2, "little") + b"\r\n"
    for path in modules:
        code = path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc"
        assert code.read_bytes()[:8] == magic + UNCHECKED.to_bytes(4, "little"), path
