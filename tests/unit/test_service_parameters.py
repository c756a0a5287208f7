"""No service does less unless it is given something: what it works with is a required parameter.

An optional collaborator, or a callback that does nothing, leaves tests with another graph than production has.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

SHIPPED = ROOT / "layers/shared/darkroom"
SERVICES = SHIPPED / "services"
APPLICATION = SHIPPED / "application"
_NOTHING = (ast.Pass, ast.Constant)


class Parameter(NamedTuple):
    """Of a function, or a field of a dataclass. Args: owner: the class, or "" for a function's."""

    owner: str
    name: str
    annotation: str
    default: ast.expr


def parameters(tree: ast.Module) -> Iterator[Parameter]:
    """Those that have a default."""
    for cls in (each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)):
        for node in cls.body:
            if isinstance(node, ast.AnnAssign) and node.value is not None:
                yield Parameter(cls.name, ast.unparse(node.target), ast.unparse(node.annotation), node.value)
            elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
                yield from _of(node, cls.name)
    for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
        if function.name != "__init__":
            yield from _of(function, "")


def _of(function: ast.FunctionDef, owner: str) -> Iterator[Parameter]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    last = positional[len(positional) - len(given.defaults) :]
    for parameter, default in [
        *zip(last, given.defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]:
        if default is not None:
            annotation = ast.unparse(parameter.annotation) if parameter.annotation else ""
            yield Parameter(owner, parameter.arg, annotation, default)


def does_nothing(default: ast.expr, tree: ast.Module) -> bool:
    """Whether it is a function that only returns a constant, such as None, or what it was given."""
    if isinstance(default, ast.Lambda):
        return True
    if not isinstance(default, ast.Name):
        return False
    found = {each.name: each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    return default.id in found and all(_is_nothing(each) for each in found[default.id].body)


def _is_nothing(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr | ast.Return) else statement
    return value is None or isinstance(value, _NOTHING)


def is_optional_collaborator(parameter: Parameter, collaborators: frozenset[str]) -> bool:
    is_none = isinstance(parameter.default, ast.Constant) and parameter.default.value is None
    named = {each.id for each in ast.walk(ast.parse(parameter.annotation.strip("'"))) if isinstance(each, ast.Name)}
    return is_none and bool(named & collaborators)


def is_setting(default: ast.expr) -> bool:
    """A value that is not empty, the name of a constant, or what a dataclass keeps for itself."""
    is_value = isinstance(default, ast.Constant) and bool(default.value)
    is_constant = isinstance(default, ast.Name) and default.id.isupper()
    is_own = isinstance(default, ast.Call) and ast.unparse(default.func) == "field"
    return is_value or is_constant or is_own


def made_by_application() -> frozenset[str]:
    """The classes of services that the application makes."""
    nodes = [node for path in APPLICATION.glob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    named = {each.name for node in imports if "darkroom.services" in str(node.module) for each in node.names}
    return frozenset(called & named)


def ports() -> frozenset[str]:
    trees = (ast.parse(path.read_text()) for path in (SHIPPED / "ports").rglob("*.py"))
    return frozenset(each.name for tree in trees for each in tree.body if isinstance(each, ast.ClassDef))


def refused(source: str, services: frozenset[str], collaborators: frozenset[str]) -> list[str]:
    tree = ast.parse(source)
    return [
        f"{each.owner}({each.name}={ast.unparse(each.default)})"
        for each in parameters(tree)
        if does_nothing(each.default, tree)
        or is_optional_collaborator(each, collaborators)
        or (each.owner in services and not is_setting(each.default))
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class S:\n    def __init__(self, alarm: Alarm = lambda _name: None): ...", ["S(alarm=lambda _name: None)"]),
        ("@dataclass\nclass S:\n    jobs: JobStore | None = None", ["S(jobs=None)"]),
        ("@dataclass\nclass S:\n    public_url: str = ''", ["S(public_url='')"]),
        ("def quiet(_):\n    return None\ndef f(tell: Callable = quiet): ...", ["(tell=quiet)"]),
        ("def f(self, jobs: 'JobStore | None' = None): ...", ["(jobs=None)"]),
        ("@dataclass\nclass S:\n    longest: float = LONGEST\n    seconds: float = 3.5", []),
        ("def f(limit: int = 20, before: str | None = None, sleep: Sleep = time.sleep): ...", []),
        ("@dataclass\nclass Value:\n    warnings: tuple[str, ...] = ()", []),
    ],
)
def test_what_is_refused(source: str, expected: list[str]) -> None:
    assert refused(source, frozenset({"S"}), frozenset({"JobStore"})) == expected


def test_what_a_service_works_with_is_always_given() -> None:
    services = made_by_application()
    assert {"Worker", "Settlement", "Recipes"} <= services
    collaborators = ports() | services | {"Callable"}
    assert {"JobStore", "Alarm"} <= collaborators
    files: list[Path] = sorted(SERVICES.rglob("*.py"))
    found = {str(path.relative_to(SERVICES)): refused(path.read_text(), services, collaborators) for path in files}
    assert {name: names for name, names in found.items() if names} == {}
