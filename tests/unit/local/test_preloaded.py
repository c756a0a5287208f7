"""A function's process that is forked is as one that was started by itself; where it cannot be, it is not forked."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.functions import FunctionPool
from local.launch import spawned
from local.preloaded import Preloaded, common, layer
from local.template import Function
from local.worker import environment_of
from tests.unit.local.conftest import HANDLERS, MakePool, needs_fork
from tests.unit.local.processes import descendants, falls_to, survivors

pytestmark = needs_fork

Begin = Callable[..., Preloaded]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts what is forked from, with these modules and variables, and those of `make_pool`."""
    function = Function("F", "darkroom-behaves", "arn", HANDLERS / "behaves", "app.lambda_handler", {}, 20, 512)
    shared = environment_of(function, endpoint_url="http://127.0.0.1:9", overrides={})

    def begun(modules: list[str], **variables: str) -> Preloaded:
        return running.enter_context(Preloaded({**shared, **variables}, tmp_path / "log", modules))

    with ExitStack() as running:
        yield begun


def is_forked(preloaded: Preloaded, pool: FunctionPool) -> bool:
    pid: int = pool.call({"do": "who"}).value["pid"]
    return pid in descendants(preloaded.pid)


def test_both_ways_look_the_same_from_inside(make_pool: MakePool, preloaded: Preloaded) -> None:
    others = [make_pool(way=preloaded.launch) for _ in range(2)]
    for other in others:
        other.warm_up()
    forked = make_pool(way=preloaded.launch, DARKROOM_TABLE="table").call({"do": "look"}).value
    alone = make_pool(way=spawned, DARKROOM_TABLE="table").call({"do": "look"}).value
    assert forked == alone
    assert forked["sockets"] == 1
    assert forked["leads its group"]


def test_chance_is_not_shared(make_pool: MakePool, preloaded: Preloaded) -> None:
    drawn = [make_pool(way=preloaded.launch).call({"do": "draw"}).value for _ in range(3)]
    assert len(set(drawn)) == 3


def test_a_variable_that_was_looked_at_is_the_function_s_own(make_pool: MakePool, begin: Begin) -> None:
    preloaded = begin(["pydoc"], PYTHONDOCS="https://docs.example")
    assert is_forked(preloaded, make_pool(way=preloaded.launch, PYTHONDOCS="https://docs.example"))
    assert not is_forked(preloaded, make_pool(way=preloaded.launch, PYTHONDOCS="https://other.example"))
    assert not is_forked(preloaded, make_pool(way=preloaded.launch))


def test_what_starts_threads_is_not_forked(make_pool: MakePool, begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    preloaded = begin(["onnxruntime"])
    with caplog.at_level(logging.WARNING):
        assert not is_forked(preloaded, make_pool(way=preloaded.launch))
    assert "starts threads" in caplog.text


def test_what_cannot_be_imported_is_left_to_each_function_to_say(
    make_pool: MakePool, begin: Begin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    preloaded = begin(["nothing_by_this_name"])
    pool = make_pool(way=preloaded.launch)
    with caplog.at_level(logging.WARNING):
        assert not is_forked(preloaded, pool)
    assert f"{tmp_path / 'log'} says why" in caplog.text
    assert "nothing_by_this_name" in (tmp_path / "log").read_text()


def test_when_it_is_killed_its_forks_are_and_another_begins(make_pool: MakePool, begin: Begin) -> None:
    preloaded = begin([])
    pool = make_pool(way=preloaded.launch)
    forked = pool.call({"do": "who"}).value["pid"]
    before = preloaded.pid
    os.kill(before, signal.SIGKILL)
    assert survivors([before, forked]) == []
    assert pool.processes == []
    assert is_forked(preloaded, pool)
    assert preloaded.pid != before


def test_those_that_end_leave_nothing_behind(make_pool: MakePool, begin: Begin) -> None:
    preloaded = begin([])
    first = make_pool(way=preloaded.launch)
    first.warm_up()
    first.close()
    held = descriptors(preloaded.pid)
    for _ in range(3):
        pool = make_pool(way=preloaded.launch)
        assert pool.call({"do": "exit"}).value["errorMessage"].endswith("exit status 7")
        pool.call({"do": "who"})
        pool.close()
    assert falls_to(0, lambda: len(descendants(preloaded.pid)))
    assert falls_to(held, lambda: descriptors(preloaded.pid))


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_the_layer_is_imported_without_what_the_image_function_alone_has(make_pool: MakePool, begin: Begin) -> None:
    preloaded = begin(layer(), POWERTOOLS_LOG_LEVEL="INFO")
    pool = make_pool(way=preloaded.launch, POWERTOOLS_LOG_LEVEL="INFO", DARKROOM_TABLE="table")
    modules = pool.call({"do": "modules"}).value
    assert is_forked(preloaded, pool)
    assert {"darkroom.services.paid.worker", "botocore", "pydantic", "httpx"} <= set(modules)
    assert not {"numpy", "onnxruntime", "numba", "rembg"} & set(modules)
    assert not is_forked(preloaded, make_pool(way=preloaded.launch, POWERTOOLS_LOG_LEVEL="DEBUG"))


def test_what_environments_have_in_common() -> None:
    assert common([{"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "other"}]) == {"a": "1"}
