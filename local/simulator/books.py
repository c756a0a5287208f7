"""What the simulated service remembers, in a journal: keys, charges, generations and sign-in codes as JSON."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from local.journal import Journal

if TYPE_CHECKING:
    from local.simulator.state import Charge, Code, Key, State

_PREFIX: Final = "openrouter."


class Books:
    """Writes each thing before anybody is told of it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._charges = 0

    def restore(self, state: "State") -> None:
        """Adds what the journal has to the state. What was in progress when it ended is over, and cost nothing.

        Raises:
            JournalError: it is damaged.
        """
        from local.simulator.state import Charge, Code, Key

        for kind, name, value in self._journal:
            told = json.loads(value, object_hook=_decoded)
            match kind.removeprefix(_PREFIX):
                case "key":
                    state.keys[name] = Key(**told)
                case "charge":
                    state.charges.append(Charge(**told))
                    self._charges = int(name)
                case "generation":
                    state.generations[name] = told
                case "code":
                    state.codes[name] = Code(**told)

    def key(self, key: "Key") -> None:
        # What calls in progress have set aside ends with them.
        self._write("key", key.hash, {**_of(key), "reserved": Decimal(0)})

    def charge(self, charge: "Charge") -> None:
        self._charges += 1
        self._write("charge", f"{self._charges:012}", _of(charge))

    def generation(self, generation_id: str, record: Mapping[str, Any]) -> None:
        self._write("generation", generation_id, record)

    def code(self, code: "Code") -> None:
        self._write("code", code.code, _of(code))

    def redeemed(self, code: str) -> None:
        self._journal.write({(f"{_PREFIX}code", code): None})

    def forget(self) -> None:
        """Everything but the keys."""
        kinds = {f"{_PREFIX}{kind}" for kind in ("charge", "generation", "code")}
        self._journal.write({(kind, name): None for kind, name, _ in self._journal if kind in kinds})
        self._charges = 0

    def _write(self, kind: str, name: str, value: Mapping[str, Any]) -> None:
        self._journal.write({(f"{_PREFIX}{kind}", name): json.dumps(value, default=_encoded).encode()})


def _of(thing: Any) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def _encoded(value: object) -> dict[str, str]:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    raise TypeError(f"{type(value).__name__} has no form in the journal.")


def _decoded(value: dict[str, Any]) -> Any:
    if value.keys() == {"decimal"}:
        return Decimal(value["decimal"])
    if value.keys() == {"time"}:
        return datetime.fromisoformat(value["time"])
    return value
