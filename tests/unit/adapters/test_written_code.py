"""Source that is compiled when the layer is built: each case in a process of its own, as nothing is loaded there."""

import subprocess
import sys
from pathlib import Path

import pytest

WRITE = "from pathlib import Path\nfrom darkroom.adapters import written_code\nwritten_code.write(Path(sys.argv[1]))"
# Prints how many sources are compiled while a package of dataclasses is loaded, and how its values behave.
LOAD = """
from pathlib import Path
from darkroom.adapters import written_code
written_code.use(Path(sys.argv[1]))
compiled = []
sys.addaudithook(lambda event, facts: compiled.append(facts) if event == "compile" and facts[1] == "<string>" else None)
import annotated_types
print(len(compiled), annotated_types.Gt(3), annotated_types.Gt(3) == annotated_types.Gt(3), hash(annotated_types.Gt(3)))
"""
UNTYPED = """
import typing_extensions as typing
from darkroom.adapters.written_code import load_untyped
kept = typing.TypedDict
load_untyped("pydantic_core")
from pydantic_core import core_schema
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
class Model(BaseModel):
    n: int = Field(gt=1)
try:
    Model(n=1)
except ValidationError as error:
    print(error.errors()[0]["type"], Model(n="2").model_dump_json(), Model.model_json_schema()["required"])
class Typed(typing.TypedDict):
    n: int
print(typing.TypedDict is kept, type(core_schema.CoreConfig(title="t")), TypeAdapter(Typed).validate_python({"n": "3"}))
"""


def _run(script: str, *arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", f"import sys\n{script}", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("layer") / "written_code.bin"
    _run(WRITE, str(file))
    return file


def test_what_was_compiled_before_is_not_compiled_again(written: Path) -> None:
    compiled, _, behaves = _run(LOAD, str(written))[0].partition(" ")
    assert compiled == "0"
    usual, _, same = _run(LOAD, str(written.with_name("none")))[0].partition(" ")
    assert int(usual) > 0
    assert behaves == same


def test_what_another_python_wrote_is_ignored(written: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"\0\0\r\n" + written.read_bytes()[4:])
    assert _run(LOAD, str(other)) == _run(LOAD, str(tmp_path / "none"))


def test_validation_does_as_with_typed_dicts() -> None:
    assert _run(UNTYPED) == ["greater_than {\"n\":2} ['n']", "True <class 'dict'> {'n': 3}"]
