"""Functions in processes of their own behave as on Lambda."""

import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.function_host import MAX_PAYLOAD
from local.functions import EventTooLarge, Throttled
from local.launch import Launch, spawned
from local.preloaded import Preloaded
from local.worker import environment_of
from tests.unit.local.conftest import HANDLERS, MakePool, needs_fork
from tests.unit.local.processes import lives, survivors


@pytest.fixture(params=["spawned", pytest.param("forked", marks=needs_fork)])
def launch(request: pytest.FixtureRequest) -> Launch:
    """All that is said here is so whichever way a process is started."""
    if request.param == "spawned":
        return spawned
    preloaded: Preloaded = request.getfixturevalue("preloaded")
    return preloaded.launch


def test_the_result_comes_back(make_pool: MakePool) -> None:
    event = {"do": "echo", "text": "ü€😀", "nested": [1, 2.5, None, True]}
    outcome = make_pool().call(event)
    assert not outcome.is_error
    assert outcome.value == event


def test_a_process_is_used_again(make_pool: MakePool) -> None:
    pool = make_pool()
    first, second = pool.call({"do": "who"}).value, pool.call({"do": "who"}).value
    assert first["pid"] == second["pid"]
    assert (first["calls"], second["calls"]) == (1, 2)


def test_events_at_the_same_time_have_a_process_each_up_to_the_cap(make_pool: MakePool) -> None:
    pool = make_pool(cap=3)
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(lambda _: pool.call({"do": "who", "seconds": 0.5}).value, range(6)))
    assert len({result["pid"] for result in results}) == 3
    assert len(pool.processes) == 3


def test_when_all_are_busy_for_too_long_the_call_is_throttled(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(cap=1)
    with ThreadPoolExecutor(1) as threads:
        gate = tmp_path / "gate"
        busy = threads.submit(pool.call, {"do": "wait for", "file": str(gate)})
        while not pool.processes:
            time.sleep(0.01)
        with pytest.raises(Throttled):
            pool.call({}, patience=0.2)
        gate.touch()
        assert busy.result().value == "came"


def test_an_exception_comes_back_as_lambda_tells_it(make_pool: MakePool, caplog: pytest.LogCaptureFixture) -> None:
    pool = make_pool()
    with caplog.at_level(logging.ERROR):
        outcome = pool.call({"do": "raise"})
    assert outcome.is_error
    assert (outcome.value["errorType"], outcome.value["errorMessage"]) == ("Refused", "the colour is wrong")
    assert "BehavesFunction failed: Refused: the colour is wrong" in caplog.text
    assert "Traceback" in pool.log.read_text()
    assert pool.call({"do": "echo"}).value == {"do": "echo"}


def test_what_the_function_prints_goes_to_its_log_and_harms_nothing(make_pool: MakePool) -> None:
    pool = make_pool()
    assert pool.call({"do": "print"}).value == "printed"
    log = pool.log.read_text()
    for text in ("on standard output", "straight to descriptor 1", "on standard error", "START RequestId", "REPORT"):
        assert text in log


def test_past_its_timeout_a_function_is_killed_and_replaced(make_pool: MakePool) -> None:
    pool = make_pool(timeout=1)
    before = pool.call({"do": "who"}).value["pid"]
    outcome = pool.call({"do": "sleep", "seconds": 60})
    assert outcome.value["errorType"] == "Sandbox.Timedout"
    assert outcome.value["errorMessage"] == "Task timed out after 1.00 seconds"
    assert not lives(before)
    assert pool.call({"do": "who"}).value["pid"] != before


@pytest.mark.parametrize(("do", "how"), [("exit", "exit status 7"), ("die", "signal: SIGABRT")])
def test_a_process_that_ends_in_a_call_is_replaced(make_pool: MakePool, do: str, how: str) -> None:
    pool = make_pool()
    outcome = pool.call({"do": do})
    assert outcome.value["errorType"] == "Runtime.ExitError"
    assert how in outcome.value["errorMessage"]
    assert pool.call({"do": "who"}).value["calls"] == 1


def test_a_process_that_dies_while_idle_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool()
    pid = pool.call({"do": "who"}).value["pid"]
    os.kill(pid, signal.SIGKILL)
    while pool.processes:
        time.sleep(0.01)
    assert pool.call({"do": "who"}).value["pid"] != pid


def test_a_process_that_has_had_nothing_to_do_is_ended(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool()
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(pool.call, {"do": "wait for", "file": str(gate)})
        while not pool.processes:
            time.sleep(0.01)
        idle = pool.call({"do": "who"}).value["pid"]
        pool.end_idle(3600)
        assert lives(idle)
        pool.end_idle(0)
        assert not lives(idle)
        assert len(pool.processes) == 1
        gate.touch()
        assert busy.result().value == "came"
    assert pool.call({"do": "who"}).value["pid"] != idle


def test_closing_ends_idle_and_busy_processes_and_their_children(make_pool: MakePool) -> None:
    pool = make_pool(cap=2)
    with ThreadPoolExecutor(2) as threads:
        busy = threads.submit(pool.call, {"do": "child"})
        pool.call({"do": "who"})
        while len(pool.processes) < 2:
            time.sleep(0.01)
        pids = pool.processes
        pool.close()
        assert busy.result(timeout=60).is_error
    assert not any(lives(pid) for pid in pids)
    with pytest.raises(Throttled):
        pool.call({})


def test_large_payloads_pass_both_ways_up_to_six_megabytes(make_pool: MakePool) -> None:
    pool = make_pool()
    frame = len('{"do": "echo", "text": ""}')
    event = {"do": "echo", "text": "x" * (MAX_PAYLOAD - frame)}
    assert pool.call(event).value == event
    with pytest.raises(EventTooLarge):
        pool.call({"do": "echo", "text": "x" * (MAX_PAYLOAD - frame + 1)})


def test_a_response_of_more_than_six_megabytes_is_an_error(make_pool: MakePool) -> None:
    pool = make_pool()
    assert len(pool.call({"do": "big", "size": MAX_PAYLOAD - 2}).value) == MAX_PAYLOAD - 2
    assert pool.call({"do": "big", "size": MAX_PAYLOAD - 1}).value["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_result_that_json_cannot_say_is_an_error(make_pool: MakePool) -> None:
    pool = make_pool()
    assert pool.call({"do": "set"}).value["errorType"] == "Runtime.MarshalError"
    assert pool.call({"do": "decimal"}).value == {"price": "0.10"}


@pytest.mark.parametrize(
    ("name", "handler", "error"),
    [
        ("broken", "app.lambda_handler", "Runtime.ImportModuleError"),
        ("behaves", "app.handle", "Runtime.HandlerNotFound"),
        ("behaves", "main.lambda_handler", "Runtime.ImportModuleError"),
    ],
)
def test_a_handler_that_cannot_be_loaded_fails_every_call(
    make_pool: MakePool, name: str, handler: str, error: str
) -> None:
    pool = make_pool(name, handler=handler)
    failure = pool.warm_up()
    assert failure is not None
    assert failure.value["errorType"] == error
    assert pool.call({}).value["errorType"] == error
    assert pool.processes == []


def test_warming_up_leaves_a_process_ready(make_pool: MakePool) -> None:
    pool = make_pool()
    assert pool.warm_up() is None
    assert pool.processes == [pool.call({"do": "who"}).value["pid"]]


def test_the_context_is_lambda_s(make_pool: MakePool) -> None:
    context = make_pool(timeout=20).call({"do": "context"}).value
    assert context["function_name"] == "darkroom-behaves"
    assert context["function_version"] == "$LATEST"
    assert context["memory_limit_in_mb"] == "512"
    assert context["invoked_function_arn"].endswith(":function:darkroom-behaves")
    assert len(context["aws_request_id"]) == 36
    assert 15_000 < context["remaining"] <= 20_000


def test_the_module_is_top_level_and_its_folder_comes_first(make_pool: MakePool) -> None:
    paths = make_pool().call({"do": "paths"}).value
    assert paths["name"] == "app"
    assert paths["first"] == paths["cwd"] == str(HANDLERS / "behaves")


def test_the_environment_is_the_template_s_and_lambda_s_and_no_more(make_pool: MakePool) -> None:
    environment = make_pool(DARKROOM_TABLE="table").call({"do": "environ"}).value
    assert environment["DARKROOM_TABLE"] == "table"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "darkroom-behaves"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    allowed = ("AWS_", "DARKROOM_", "LAMBDA_", "LC_", "__CF")
    others = {name for name in environment if not name.startswith(allowed)}
    assert others <= {"_HANDLER", "HOME", "LANG", "PATH", "TMPDIR", "TZ"}


def test_only_declared_variables_have_local_values(make_pool: MakePool) -> None:
    function = make_pool(DARKROOM_WEIGHTS_DIR="/opt/weights").function
    overrides = {"DARKROOM_WEIGHTS_DIR": "/home/weights", "DARKROOM_OTHER": "x"}
    environment = environment_of(function, endpoint_url="http://127.0.0.1:9", overrides=overrides)
    assert environment["DARKROOM_WEIGHTS_DIR"] == "/home/weights"
    assert "DARKROOM_OTHER" not in environment


@pytest.mark.parametrize("way", ["spawned", pytest.param("forked", marks=needs_fork)])
def test_processes_end_with_the_one_that_started_them(tmp_path: Path, way: str) -> None:
    """A parent that is killed cannot tidy up; its functions notice by themselves, even in the middle of a call."""
    command = [sys.executable, "-c", PARENT, str(HANDLERS), str(tmp_path), way]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(lives(child) for child in children)
        parent.kill()
    assert survivors(children) == []


PARENT = """
import sys, threading
from pathlib import Path
from local.functions import FunctionPool
from local.launch import spawned
from local.preloaded import Preloaded
from local.template import Function
from local.worker import environment_of

handlers, folder, way = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
function = Function("F", "f", "arn", handlers / "behaves", "app.lambda_handler", {}, 60, 128)
preloaded = Preloaded({}, folder / "log", []).__enter__() if way == "forked" else None
environment = environment_of(function, endpoint_url="", overrides={})
pool = FunctionPool(function, environment, folder, launch=preloaded.launch if preloaded else spawned)
pid = pool.call({"do": "who"}).value["pid"]
threading.Thread(target=pool.call, args=({"do": "sleep", "seconds": 60},)).start()
print(pid, preloaded.pid if preloaded else pid, flush=True)
"""


def test_a_process_with_an_extension_goes_on_when_it_has_answered(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(cap=2, DARKROOM_IN_PLACE="true")
    gate, wrote = tmp_path / "gate", tmp_path / "wrote"
    first = pool.call({"do": "who"}).value["pid"]
    assert pool.call({"do": "go on", "file": str(gate), "wrote": str(wrote)}).value == "answered"
    # It takes no other call until it is done.
    assert pool.call({"do": "who"}).value["pid"] != first
    assert not wrote.exists()
    pool.end_idle(0)
    assert pool.processes == [first]
    gate.touch()
    while not wrote.exists():
        time.sleep(0.01)
    assert wrote.read_text() == str(first)
    # Then it is kept for the next.
    pool.cap = 1
    assert pool.call({"do": "who"}).value == {"pid": first, "calls": 3}


def test_a_process_that_goes_on_for_too_long_is_killed(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(timeout=1, cap=1, DARKROOM_IN_PLACE="true")
    first = pool.call({"do": "who"}).value["pid"]
    event = {"do": "go on", "file": str(tmp_path / "never"), "wrote": str(tmp_path / "wrote")}
    assert pool.call(event).value == "answered"
    assert pool.call({"do": "who"}).value["pid"] != first
    assert not lives(first)
