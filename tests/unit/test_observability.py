"""Metrics as CloudWatch takes them from the log."""

import contextlib
import io
import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from darkroom.models.job import JobStatus
from darkroom.observability import EmfTelemetry
from tests.conftest import SteppingClock
from tests.paid_jobs import ended, paid_job, succeeded


def _sent(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def _units(sent: dict[str, Any]) -> dict[str, str]:
    (directive,) = sent["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Darkroom"
    return {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}


def test_a_job_that_succeeded(capsys: pytest.CaptureFixture[str], clock: SteppingClock) -> None:
    job = paid_job("alice", clock.now, dispatched_at=clock.now)
    clock.step(timedelta(seconds=4.5))
    EmfTelemetry().settled(succeeded(job, clock.now), 14_000)
    sent = _sent(capsys)
    assert _units(sent) == {
        "Reserved": "Count",
        "CostMicroUsd": "Count",
        "Succeeded": "Count",
        "Seconds": "Seconds",
    }
    values = {name: sent[name] for name in _units(sent)}
    assert values == {"Reserved": [100_000.0], "CostMicroUsd": [14_000.0], "Succeeded": [1.0], "Seconds": [4.5]}
    # Each value of another dimension would be $0.30 a month for each name.
    assert sent["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    facts = {"op": "generate", "model": "a/b-2", "provider": "openrouter", "service": "darkroom"}
    assert {name: sent[name] for name in facts} == facts


def test_a_job_that_failed_sends_no_noughts(capsys: pytest.CaptureFixture[str], clock: SteppingClock) -> None:
    EmfTelemetry().settled(ended(paid_job("alice", clock.now), JobStatus.FAILED, clock.now), 0)
    assert set(_units(_sent(capsys))) == {"Reserved", "Failed"}


def test_nobodys_name_and_nothing_that_a_user_made_up_is_beside_a_metric(
    capsys: pytest.CaptureFixture[str], clock: SteppingClock
) -> None:
    job = paid_job("alice-CANARY", clock.now, model_requested="CANARY", token_id="CANARY", input={"prompt": "CANARY"})
    telemetry = EmfTelemetry()
    telemetry.settled(ended(job, JobStatus.FAILED, clock.now), None)
    telemetry.doubted(job)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert "CANARY" not in out
    assert job.id not in out


def test_doubts_and_counts(capsys: pytest.CaptureFixture[str], clock: SteppingClock) -> None:
    EmfTelemetry().doubted(paid_job("alice", clock.now))
    assert set(_units(_sent(capsys))) == {"Uncertain"}
    EmfTelemetry().counted("CatalogueHits", 3)
    assert _sent(capsys)["CatalogueHits"] == [3.0]
    EmfTelemetry().counted("CatalogueHits", 0)
    assert capsys.readouterr().out == ""


def test_what_cannot_be_counted_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device", text)

    with contextlib.redirect_stdout(Full()):
        EmfTelemetry().counted("Jobs")
    assert "A metric was not sent" in caplog.text


def test_what_powertools_logs_of_requests_is_discarded() -> None:
    script = "import logging, darkroom.http.app; print(logging.getLogger('aws_lambda_powertools').propagate)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_metric_is_written_at_once_so_that_no_other_thread_comes_between(clock: SteppingClock) -> None:
    class Pieces(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.written: list[str] = []

        def write(self, text: str) -> int:
            self.written.append(text)
            return len(text)

    with contextlib.redirect_stdout(Pieces()) as out:
        EmfTelemetry().doubted(paid_job("alice", clock.now))
        EmfTelemetry().counted("CatalogueRequests")
    assert [(piece.count("\n"), piece[-1], "_aws" in json.loads(piece)) for piece in out.written] == [
        (1, "\n", True)
    ] * 2
