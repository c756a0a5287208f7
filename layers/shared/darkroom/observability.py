"""The log, and the metrics. Structured, one line an event; never a body, a header, a token or a key.

Metrics are lines of the log that CloudWatch makes metrics of (EMF): no call, so nothing to wait for, nothing to fail.
Each combination of name and dimensions is a metric of its own, which CloudWatch charges by the hour in which it has a
value ($0.30 for a whole month; the first ten are free). So there is no dimension but the service. Operation, model and
provider stand beside the metric in the line, where the dashboard's log queries find them; never a user, job or token.
A count of 0 is not sent, so an idle stack sends nothing that is charged. `POWERTOOLS_METRICS_DISABLED` turns them off.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.package_logger import set_package_logger_handler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from darkroom.models.job import Job
    from darkroom.models.money import MicroUsd

NAMESPACE: Final = "Darkroom"

logger = Logger(service="darkroom")
# Powertools logs each error that a route raises, with what the request said. Its `__init__`, which is not run here
# (`adapters.lazy_packages`), discards that.
set_package_logger_handler()  # type: ignore[no-untyped-call]  # Powertools left it untyped
# Every request for one of the provider's lists: how seldom that happens is the point.
CATALOGUE_REQUESTS: Final = "CatalogueRequests"
# Those of the client that calls the providers. They tell of requests and answers, but not of bodies or keys.
_CLIENT_LOGGERS: Final = ("darkroom_calls", "httpx", "httpcore")


# What a line of the log says of the invocation that wrote it, as far as it is known by then.
FACTS: Final = ("request_id", "function_request_id", "route", "user", "job")


@contextmanager
def logged(**facts: str) -> Iterator[None]:
    """Each line that this thread logs has these facts until the end, and those that are noted meanwhile.

    Then none of them is left: the process goes on with another caller's work. They are in a context variable, for the
    live door answers several callers at once: a thread that works for this one is started with its context
    (`contextvars.copy_context`), and keeps its facts when the request is over.

    Args:
        facts: by FACTS. Never a token, a key or what a user wrote.
    """
    # Not by `remove`, which would take them from threads with this context, too.
    logger.thread_safe_clear_keys()
    note(**facts)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()


def note(**facts: str) -> None:
    """From now on, within `logged`, each line of this thread has these facts, too."""
    logger.thread_safe_append_keys(**facts)


def log_provider_calls() -> None:
    """From now on the log has every call of a provider, and how each step of it went."""
    logger.setLevel(logging.DEBUG)
    for name in _CLIENT_LOGGERS:
        client = logging.getLogger(name)
        client.setLevel(logging.DEBUG)
        client.handlers = list(logger.handlers)
        client.propagate = False


def alarm(name: str, /, **facts: object) -> None:
    """Implements ports.Alarm: writes a line that the stack's metric filter counts and its alarm watches."""
    logger.error("Something that should not happen", extra={"alarm": name, **facts})


class EmfTelemetry:
    """Implements ports.Telemetry."""

    def settled(self, job: Job, actual: MicroUsd | None) -> None:
        counts = {"Reserved": job.cost.reserved, "CostMicroUsd": actual or 0}
        if job.status != "canceled":
            counts["Succeeded" if job.status == "succeeded" else "Failed"] = 1
        seconds = None
        if job.status == "succeeded" and job.dispatched_at and job.completed_at:
            seconds = (job.completed_at - job.dispatched_at).total_seconds()
        self._send(_facts(job), counts, seconds)

    def doubted(self, job: Job) -> None:
        self._send(_facts(job), {"Uncertain": 1}, None)

    def counted(self, name: str, n: int = 1) -> None:
        self._send({}, {name: n}, None)

    def _send(self, facts: dict[str, str], counts: dict[str, int], seconds: float | None) -> None:
        given = {name: ("Count", float(count)) for name, count in counts.items() if count}
        if seconds is not None:
            given["Seconds"] = ("Seconds", seconds)
        if not given:
            return
        try:
            # Here, for most functions measure nothing.
            from aws_lambda_powertools.metrics.functions import is_metrics_disabled

            if is_metrics_disabled():
                return
            # At once, and not by `print`, which writes a line and then its end: threads come between.
            sys.stdout.write(json.dumps(_emf(facts, given), separators=(",", ":")) + "\n")
        except Exception:
            logger.exception("A metric was not sent")


def _emf(facts: Mapping[str, str], given: Mapping[str, tuple[str, float]]) -> dict[str, object]:
    """A line that CloudWatch makes metrics of, which Powertools checks and copies several times.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

    Args: given: by a metric's name its unit and its value.
    """
    metrics = [{"Name": name, "Unit": unit} for name, (unit, _) in given.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": metrics}
    return {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "service": "darkroom",
        **facts,
        **{name: [amount] for name, (_, amount) in given.items()},
    }


def _facts(job: Job) -> dict[str, str]:
    """The model as its provider was asked for it: never as a user wrote it, who could make up any number of names."""
    work = job.work
    asked = None
    if work is not None:
        request = work.request or work.chat or work.completion
        asked = request.model if request is not None else None
    return {"op": job.op, "model": job.model_used or asked or "none", "provider": job.provider}
