"""The calls of AWS that each kind of work makes are those that the cost model counts."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any, Final

import pytest

from darkroom.http.app import Api
from local.aws import Aws
from local.costs import JOURNEYS
from local.providers.removebg import Simulator as RemoveBg
from local.simulator import Simulator
from local.template import Template
from tests.integration.crash import asked
from tests.integration.crash.aws_faults import faulty, listening
from tests.integration.crash.doors import Newcomer, Request, Street

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
        # A value has its column's name, nearly always; those of conditions alone make the row seem a little larger.
        row = write.get("Item") or {**write["Key"], **write.get("ExpressionAttributeValues", {})}
        key = json.dumps([row["pk"], row["sk"]])
        columns = {name.removeprefix(":"): _size(name, typed) for name, typed in row.items()}
        self.rows[key] = {**self.rows.get(key, {}), **columns}
        return ceil(sum(self.rows[key].values()) / 1024)


def _size(name: str, typed: dict[str, Any]) -> int:
    """Bytes as DynamoDB counts them, about: a column's name and its value."""
    return len(name) + sum(map(_bytes, typed.values()))


def _bytes(value: Any) -> int:
    return len(value if isinstance(value, bytes) else str(value).encode())


@pytest.fixture(scope="module")
def counts() -> Counts:
    return Counts()


@pytest.fixture(scope="module")
def street(openrouter: Simulator, aws: Aws, template: Template, weights_dir: Path, counts: Counts) -> Iterator[Street]:
    with listening(counts), RemoveBg() as removebg, faulty(str(aws.endpoint_url)) as faults:
        yield Street(template, aws, openrouter, removebg, faults, str(weights_dir))


DOORS: Final[dict[str, tuple[Callable[[Street], Api], Callable[[Newcomer], Request]]]] = {
    "image": (lambda street: street.generate, asked.generation),
    "edit": (lambda street: street.edit, asked.edit),
    "chat turn": (lambda street: street.chat, asked.message),
}


@pytest.mark.parametrize("name", DOORS)
def test_a_kind_of_work_makes_as_many_calls_as_are_counted(street: Street, counts: Counts, name: str) -> None:
    api, ask = DOORS[name]
    # The first asks for the lists of models, too.
    for somebody in (street.newcomer(), street.newcomer()):
        request = ask(somebody)
        counts.units.clear()
        status, body, _ = somebody.send_once(api(street), request)
        assert status == 200, body
        measured = dict(counts.units)
        street.settle()
    counted = {unit: getattr(JOURNEYS[name], unit) for unit in measured}
    for unit, number in measured.items():
        assert 0.7 * counted[unit] <= number <= counted[unit], (measured, counted)
