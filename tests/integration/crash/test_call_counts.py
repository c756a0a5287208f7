"""The calls of AWS that each kind of work makes are those that the cost model counts, and no more than are needed."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any, Final

import pytest

from darkroom.application import Application
from darkroom.application.on_aws import AwsPorts
from darkroom.application.outlasting import OutlastingApplication
from darkroom.http.app import Api
from darkroom.http.routes import account, completions, edits, generations, jobs, models
from darkroom.models.deadline import Deadline
from darkroom.settings import Settings
from local.aws import Aws
from local.costs import JOURNEYS
from local.providers.removebg import Simulator as RemoveBg
from local.simulator import Simulator
from local.template import Template
from tests.integration.crash import asked
from tests.integration.crash.aws_faults import faulty, listening
from tests.integration.crash.doors import Handles, Newcomer, Request, Street, at_once

_WRITES: Final = ("Put", "Update", "Delete", "ConditionCheck")


class Counts:
    """What calls are charged for: write and read units, and requests."""

    def __init__(self) -> None:
        self.units: Counter[str] = Counter()
        # Bytes by column of the rows that were written, by key: an update is charged for the whole row.
        self.rows: dict[str, dict[str, int]] = {}

    def __call__(self, name: str, params: dict[str, Any]) -> None:
        service, operation = name.split(".")
        if service == "dynamodb":
            self._of_table(operation, params)
        elif service == "s3":
            self.units["s3_gets" if operation in ("GetObject", "HeadObject") else "s3_puts"] += (
                operation != "DeleteObject"
            )
        elif service == "sqs":
            # A message is sent, received by a poller that polls anyway, and deleted.
            self.units["sqs"] += 3
        elif service == "kms":
            self.units["kms"] += 1

    def _of_table(self, operation: str, params: dict[str, Any]) -> None:
        if operation == "TransactWriteItems":
            for member in params["TransactItems"]:
                ((kind, write),) = member.items()
                self.units["writes"] += 2 * self._written(kind, write) + self._indexed(write)
        elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
            self.units["writes"] += self._written(operation.removesuffix("Item"), params) + self._indexed(params)
        elif operation == "BatchGetItem":
            self.units["reads"] += sum(len(each["Keys"]) for each in params["RequestItems"].values())
        else:
            self.units["reads"] += 1

    def _indexed(self, write: dict[str, Any]) -> int:
        """The index of open work has keys alone, so it is written when a row gets into it or out of it."""
        return int("open" in write.get("Item", ()) or "#open" in write.get("UpdateExpression", ""))

    def _written(self, kind: str, write: dict[str, Any]) -> int:
        assert kind in _WRITES
        row = write.get("Item") or {**write["Key"], **_assigned(write)}
        key = json.dumps([row["pk"], row["sk"]])
        columns = {name: _size(name, typed) for name, typed in row.items()}
        self.rows[key] = {**self.rows.get(key, {}), **columns}
        return ceil(sum(self.rows[key].values()) / 1024)


def _assigned(write: dict[str, Any]) -> dict[str, Any]:
    """What an update writes, by column. What is added to a number or a set is about as large as what it becomes."""
    names, values = write.get("ExpressionAttributeNames", {}), write.get("ExpressionAttributeValues", {})
    found = re.findall(r"(?:SET|ADD|,)\s+([#\w.]+)\s*=?\s*([^=]*?:\w+)", write.get("UpdateExpression", ""))
    return {names.get(column, column): values[re.findall(r":\w+", value)[-1]] for column, value in found}


def _size(name: str, typed: dict[str, Any]) -> int:
    """Bytes as DynamoDB counts them, about: a column's name and its value."""
    return len(name) + sum(map(_bytes, typed.values()))


def _bytes(value: Any) -> int:
    return len(value if isinstance(value, bytes) else str(value).encode())


@dataclass
class Delivering(Street):
    """Delivers what was sent to the queue of jobs, as SQS does: a worker sees a job when it is told of it."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def _outlasting(self, settings: Settings, ports: AwsPorts) -> Application:
        return OutlastingApplication(settings, ports, at_once)

    def carry_out(self) -> bool:
        messages = list(self.sent)
        self.sent.clear()
        for user, job_id in messages:
            # A worker knows nothing of what the request has at hand.
            Context().run(self._worker.run, user, job_id, Deadline(60))
        return bool(messages)


class Listener:
    """Hears all calls of AWS: counts what they are charged for, and their names, and keeps what is sent to workers."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.calls: list[str] = []
        self.sent: list[tuple[str, str]] = []

    def __call__(self, name: str, params: dict[str, Any]) -> None:
        self.counts(name, params)
        key = params.get("Key") or params.get("Item", {})
        place = key["pk"]["S"] if isinstance(key, dict) and "pk" in key else ""
        # The check of a token is a call once in five seconds, its use is written once a minute, and published lists of
        # models are read again once in a while, a model's figures are written once in ten seconds: how often depends on
        # how busy the machine is.
        if not place.startswith(("TOKEN#", "CATALOGUE#", "MODEL#")):
            self.calls.append(name)
        if name == "sqs.SendMessage":
            message = json.loads(params["MessageBody"])
            self.sent.append((message["user"], message["job_id"]))

    def clear(self) -> None:
        self.counts.units.clear()
        self.calls.clear()


@pytest.fixture(scope="module")
def heard() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def street(openrouter: Simulator, aws: Aws, template: Template, weights_dir: Path, heard: Listener) -> Iterator[Street]:
    with listening(heard), RemoveBg() as removebg, faulty(str(aws.endpoint_url)) as faults:
        # The workers' clients are heard, too.
        yield Delivering(template, aws, openrouter, removebg, faults, str(weights_dir), sent=heard.sent)


def _png(somebody: Newcomer) -> Request:
    return asked.removal(somebody).with_headers(accept="image/png")


def _painted(somebody: Newcomer) -> Request:
    return replace(asked.message(somebody), body={"content": "Paint a castle in the background"})


def _later(ask: Callable[[Newcomer], Request]) -> Callable[[Newcomer], Request]:
    return lambda somebody: ask(somebody).with_headers(Prefer="respond-async")


def _job(somebody: Newcomer) -> Request:
    return Request(f"/v1/jobs/{somebody.jobs()[0].id}", route="/v1/jobs/<job_id>", method="GET")


def _get(path: str) -> Callable[[Newcomer], Request]:
    return lambda _: Request(path, method="GET")


Door = tuple[Callable[[Street], Handles], Callable[[Newcomer], Request]]
WORK: Final[dict[str, Door]] = {
    "image": (lambda street: street.generate, asked.generation),
    "edit": (lambda street: street.edit, asked.edit),
    "chat turn": (lambda street: street.chat, asked.message),
    "painted chat turn": (lambda street: street.chat, _painted),
    "cut-out": (lambda street: street.removal, asked.removal),
    "plain chat": (lambda street: street.chat, asked.completion),
    "image at `ClientUrl`": (lambda street: street.live(generations.routes), asked.generation),
    "edit at `ClientUrl`": (lambda street: street.live(edits.routes), asked.edit),
    "plain chat at `ClientUrl`": (lambda street: street.live(completions.routes), asked.completion),
}


@pytest.mark.parametrize("name", WORK)
def test_a_kind_of_work_is_charged_for_as_is_counted(street: Delivering, heard: Listener, name: str) -> None:
    door, ask = WORK[name]
    api = door(street)
    # The first asks for the lists of models, too.
    for somebody in (street.newcomer(), street.newcomer()):
        request = ask(somebody)
        heard.clear()
        status, body, _ = somebody.send_once(api, request)
        assert status == 200, body
        street.settle()
        measured = dict(heard.counts.units)
    counted = {unit: getattr(JOURNEYS[name], unit) for unit in ("writes", "reads", "s3_puts", "s3_gets", "sqs", "kms")}
    for unit, number in counted.items():
        assert 0.7 * number <= measured.get(unit, 0) <= number, (measured, counted)


@dataclass(frozen=True)
class Ceiling:
    """Args: answer: calls until the answer. whole: with those of the workers."""

    answer: int
    whole: int


def _models(street: Street) -> Api:
    return models.routes(street.application("ModelsFunction"))


def _jobs(street: Street) -> Api:
    return jobs.routes(street.application("JobsFunction"))


def _account(street: Street) -> Api:
    return account.routes(street.application("AccountFunction"))


# As measured: one more is refused. Of somebody whom the process knows: their key was opened within five minutes.
CEILINGS: Final[dict[str, tuple[Door, Ceiling]]] = {
    "generation, later": ((lambda street: street.generate, _later(asked.generation)), Ceiling(4, 9)),
    "generation": ((lambda street: street.generate, asked.generation), Ceiling(12, 12)),
    "edit, later": ((lambda street: street.edit, _later(asked.edit)), Ceiling(5, 11)),
    "edit": ((lambda street: street.edit, asked.edit), Ceiling(14, 14)),
    "plain chat": ((lambda street: street.chat, asked.completion), Ceiling(11, 11)),
    "chat turn": ((lambda street: street.chat, asked.message), Ceiling(19, 19)),
    "painted chat turn": ((lambda street: street.chat, _painted), Ceiling(38, 38)),
    "cut-out as PNG": ((lambda street: street.removal, _png), Ceiling(2, 2)),
    "cut-out": ((lambda street: street.removal, asked.removal), Ceiling(5, 5)),
    "image at `ClientUrl`": (WORK["image at `ClientUrl`"], Ceiling(7, 7)),
    "edit at `ClientUrl`": (WORK["edit at `ClientUrl`"], Ceiling(9, 9)),
    "plain chat at `ClientUrl`": (WORK["plain chat at `ClientUrl`"], Ceiling(8, 8)),
    "models": ((_models, _get("/v1/models")), Ceiling(1, 1)),
    "job": ((_jobs, _job), Ceiling(1, 1)),
    "settings": ((_account, _get("/v1/settings")), Ceiling(1, 1)),
}


@pytest.mark.parametrize("name", CEILINGS)
def test_no_more_calls_are_made_than_are_needed(street: Delivering, heard: Listener, name: str) -> None:
    (door, ask), ceiling = CEILINGS[name]
    api, somebody = door(street), street.newcomer()
    if name == "job":
        somebody.send_once(street.generate, asked.generation(somebody))
        street.settle()
    for _ in range(2):
        request = ask(somebody)
        heard.clear()
        status, body, _ = somebody.send_once(api, request)
        assert status in (200, 202), body
        until_the_answer = list(heard.calls)
        street.settle()
        whole = list(heard.calls)
    assert len(until_the_answer) <= ceiling.answer, until_the_answer
    assert len(whole) <= ceiling.whole, whole
