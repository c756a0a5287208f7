"""`/_simulator/…`: what the real service does not have. Tests read the invoice and choose what goes wrong."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.simulator.delivery import Answer, Reply
from local.simulator.errors import Refusal
from local.simulator.exchange import Exchange, World
from local.simulator.refusals import REFUSALS
from local.simulator.scenarios import QUIRKS, UnknownScenario
from local.simulator.state import hash_of

_OWN = ("name", "key", "model", "path", "times", "parameters")


def invoice(exchange: Exchange) -> Answer:
    return Reply.of_json(exchange.state.invoice())


def requests(exchange: Exchange) -> Answer:
    return Reply.of_json(exchange.world.log.entries())


def scenarios(_: Exchange) -> Answer:
    """The names there are."""
    paths = {**{name: named.paths for name, named in REFUSALS.items()}, **QUIRKS}
    return Reply.of_json({name: list(paths[name]) for name in sorted(paths)})


def add_scenario(exchange: Exchange) -> Answer:
    """Options of a scenario go under `parameters`, or beside the name."""
    try:
        choose(exchange.world, _body(exchange))
    except UnknownScenario as unknown:
        raise Refusal(400, f"There is no scenario named {unknown}; GET /_simulator/scenario lists them.") from None
    return Reply.of_json({"ok": True})


def release(exchange: Exchange) -> Answer:
    """Lets go what `held` holds back: `{key}`, or everybody's."""
    exchange.world.scenarios.release(_hash(_body(exchange).get("key")))
    return Reply.of_json({"ok": True})


def reset(exchange: Exchange) -> Answer:
    forget(exchange.world)
    return Reply.of_json({"ok": True})


def choose(world: World, data: Mapping[str, Any]) -> None:
    """Puts a scenario in force.

    Raises:
        UnknownScenario
    """
    options = {name: value for name, value in data.items() if name not in _OWN}
    world.scenarios.add(
        str(data.get("name")),
        world.state.clock(),
        key_hash=_hash(data.get("key")),
        model=data.get("model"),
        path=data.get("path"),
        times=data.get("times"),
        options={**options, **data.get("parameters", {})},
    )


def _hash(key: str | None) -> str | None:
    """Of a key, or of what is a hash already."""
    return hash_of(key) if key and key.startswith("sk-") else key


def forget(world: World) -> None:
    """Drops scenarios, requests, codes and charges. Keys stay."""
    world.scenarios.clear()
    world.log.clear()
    world.state.forget()


def mint(exchange: Exchange) -> Answer:
    """A key, with what its owner would set: `{name, limit, limit_reset, disabled, key}`."""
    data = _body(exchange)
    limit = data.get("limit")
    secret = exchange.state.mint(
        str(data.get("name", "Darkroom")),
        secret=data.get("key"),
        limit=None if limit is None else Decimal(str(limit)),
        limit_reset=data.get("limit_reset"),
        disabled=bool(data.get("disabled", False)),
    )
    return Reply.of_json({"key": secret, "hash": hash_of(secret)}, 201)


def _body(exchange: Exchange) -> Mapping[str, Any]:
    if exchange.data is None:
        raise Refusal(400, "A JSON object is expected.")
    return exchange.data
