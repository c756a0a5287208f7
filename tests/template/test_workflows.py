"""What a fork gets under .github: what its steps call exists here, and what they may do is what they need."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.template.test_template import TEMPLATE

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# Made by an earlier step of the same job.
MADE = {".venv-sam/bin/sam", ".venv/bin/python"}
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def _loaded(path: Path) -> dict[Any, Any]:
    found = yaml.safe_load(path.read_text())
    assert isinstance(found, dict)
    return found


def _jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in _loaded(path)["jobs"].items():
            yield f"{path.stem}.{name}", job


JOBS = dict(_jobs())


def _steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in JOBS.items():
        for index, step in enumerate(job["steps"]):
            yield f"{name}.{index}", step


STEPS = dict(_steps())
RUNS = {name: str(step["run"]) for name, step in STEPS.items() if "run" in step}


def test_there_are_those_that_a_fork_needs() -> None:
    assert {path.stem for path in WORKFLOWS} == {"ci", "codeql", "deploy", "release"}
    assert _loaded(WORKFLOWS[0])["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]


@pytest.mark.parametrize("name", RUNS)
def test_what_a_step_calls_exists(name: str) -> None:
    run = RUNS[name]
    assert set(re.findall(r"\bmake ([a-z-]+)", run)) <= TARGETS
    for script in re.findall(r"(?:\b(?:ba)?sh |^)((?:\.ci|local)/\S+)", run, re.MULTILINE):
        assert (ROOT / script).is_file(), script
    for module in re.findall(r"-m (local\.\w+)", run):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
    assert set(re.findall(r"\.venv[\w-]*/bin/\S+", run)) <= MADE


@pytest.mark.parametrize("name", RUNS)
def test_nothing_that_others_can_write_is_put_into_a_script(name: str) -> None:
    """A branch or a title of theirs would run as a command: it comes by the environment."""
    assert not _EXPRESSION.search(RUNS[name])


@pytest.mark.parametrize("name", JOBS)
def test_a_job_may_do_what_it_needs_and_ends(name: str) -> None:
    job = JOBS[name]
    may = {
        "deploy.deploy": {"id-token"},
        "release.release": {"contents", "packages"},
        "codeql.analyze": {"security-events"},
    }
    written = {right for right, how in job.get("permissions", {}).items() if how == "write"}
    assert written == may.get(name, set())
    assert 0 < job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_says_more(path: Path) -> None:
    assert _loaded(path)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(("name", "step"), [each for each in STEPS.items() if "uses" in each[1]])
def test_actions_are_named_with_a_version(name: str, step: dict[str, Any]) -> None:
    assert re.fullmatch(r"[\w-]+/[\w/-]+@(v\d+|[0-9a-f]{40})", step["uses"])
    if step["uses"].startswith("actions/checkout@"):
        assert step["with"]["persist-credentials"] is False


def test_a_deployment_takes_a_configuration_that_there_is() -> None:
    inputs = _loaded(GITHUB / "workflows" / "deploy.yml")[True]["workflow_dispatch"]["inputs"]  # `on` is YAML's true
    configurations = set(
        re.findall(r"^\[(\w+)\.deploy\.parameters\]", (ROOT / "samconfig.toml").read_text(), re.MULTILINE)
    )
    assert set(inputs["config"]["options"]) == configurations


def test_the_image_of_a_release_is_the_one_that_sam_builds() -> None:
    (built,) = [function for function in TEMPLATE.functions.values() if function.is_image]
    assert f"{built.logical_id.lower()}:latest" in RUNS["release.release.6"]


def test_dependencies_are_looked_after_wherever_there_are_any() -> None:
    places = {
        each["package-ecosystem"]: ROOT / each["directory"].lstrip("/")
        for each in _loaded(GITHUB / "dependabot.yml")["updates"]
    }
    assert {
        name: (places[name] / file).exists()
        for name, file in (
            ("pip", "pyproject.toml"),
            ("npm", "package.json"),
            ("docker", "Dockerfile"),
            ("github-actions", ".github/workflows"),
        )
    } == dict.fromkeys(places, True)


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem)
def test_a_form_for_issues_asks_for_something(path: Path) -> None:
    form = _loaded(path)
    if path.stem == "config":
        assert form["blank_issues_enabled"] is False
        return
    assert {"name", "description", "body"} <= form.keys()
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert ids
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((docs/[\w./-]+)\)", (ROOT / "SECURITY.md").read_text()))))
def test_what_the_security_page_refers_to_exists(path: str) -> None:
    assert (ROOT / path).is_file()


def test_the_package_says_that_it_has_types() -> None:
    assert (ROOT / "layers" / "shared" / "darkroom" / "py.typed").is_file()
