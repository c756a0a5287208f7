"""Answers that succeed and are not as they should be: what scenarios do to a bill, a usage, a body, its delivery."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from local.simulator.costs import Bill
from local.simulator.delivery import DONE, EventStream, Reply, Step, comment, to_json
from local.simulator.money import exact
from local.simulator.purchase import Purchase
from local.simulator.scenarios import Plan

_BYOK_FEE = Decimal("0.05")
_CUT_AT = 0.5


def bill(original: Bill, plan: Plan) -> Bill:
    """What is charged."""
    changed = original
    if rule := plan.get("overcharge"):
        factor = Decimal(str(rule.options.get("factor", 2)))
        changed = replace(
            changed,
            prompt_cost=exact(changed.prompt_cost * factor),
            completion_cost=exact(changed.completion_cost * factor),
        )
    if rule := plan.get("exponent_cost"):
        cost = Decimal(str(rule.options.get("cost", "0.00003")))
        changed = replace(changed, prompt_cost=Decimal(0), completion_cost=cost)
    if "byok" in plan:
        changed = replace(changed, prompt_cost=Decimal(0), completion_cost=exact(changed.cost * _BYOK_FEE))
    if rule := plan.get("fractional_tokens"):
        part = Decimal(str(rule.options.get("fraction", "0.92")))
        changed = replace(
            changed, completion_tokens=changed.completion_tokens + part, image_tokens=changed.image_tokens + part
        )
    return changed


def usage(original: dict[str, Any], plan: Plan, unchanged: Bill) -> dict[str, Any] | None:
    """What is said about it.

    Args:
        unchanged: what the provider itself charged.
    """
    if "missing_usage" in plan:
        return None
    changed = {**original}
    if rule := plan.get("missing_cost"):
        if rule.options.get("form") == "null":
            changed["cost"] = None
        else:
            del changed["cost"]
    if rule := plan.get("nan_cost"):
        changed["cost"] = {"string": str(original["cost"]), "negative": -1}.get(
            rule.options.get("form", ""), float("nan")
        )
    if "byok" in plan:
        changed["is_byok"] = True
        changed["cost_details"] = {**original["cost_details"], "upstream_inference_cost": unchanged.cost}
    return changed


def size(asked: tuple[int, int], plan: Plan) -> tuple[int, int]:
    """How large a picture comes: as it was asked for, or in the same shape and smaller."""
    rule, longest = plan.get("small_picture"), max(asked)
    if rule is None:
        return asked
    factor = min(1.0, rule.number("side", 256) / longest)
    return max(1, round(asked[0] * factor)), max(1, round(asked[1] * factor))


def is_billed(plan: Plan, *, default: bool = True) -> bool:
    """Whether the call is charged: as a scenario's `billed` says, or else by default."""
    for rule in plan.quirks.values():
        if "billed" in rule.options:
            return bool(rule.options["billed"])
    return default


def word_for_word(purchase: Purchase, plan: Plan) -> Reply | None:
    """The answer that a scenario was given: its `body`, a text as it is and anything else as JSON.

    It is charged what it says itself in `usage.cost`, else nothing; or as `billed` says, what the call costs.
    """
    rule = plan.get("answer")
    if rule is None:
        return None
    body = rule.options.get("body", "")
    said = body.get("usage", {}).get("cost") if isinstance(body, dict) and isinstance(body.get("usage"), dict) else None
    if isinstance(said, int | float) and said > 0 and math.isfinite(said):
        purchase.bill = replace(purchase.bill, prompt_cost=Decimal(0), completion_cost=exact(Decimal(str(said))))
        purchase.settle()
    elif rule.options.get("billed", False):
        purchase.settle()
    else:
        purchase.fail()
    headers = {str(name).lower(): str(value) for name, value in rule.options.get("headers", {}).items()}
    # The call has an id, by which its charge is found.
    headers.pop("x-generation-id", None)
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else to_json(body)
    return Reply(int(rule.options.get("status", 200)), content, {"content-type": "application/json", **headers})


def delivered(reply: Reply, plan: Plan) -> Reply:
    """The reply, late or cut if it is to be."""
    if rule := plan.get("slow_headers"):
        reply.late_headers = rule.number("seconds", 5)
    reply.may_leave = _released(plan)
    if rule := plan.get("slow_body"):
        reply.late_body = rule.number("seconds", 5)
    if rule := plan.get("truncated_json"):
        # Whole to HTTP, and not to JSON.
        reply.body = reply.body[: int(len(reply.body) * rule.number("at", _CUT_AT))]
    if rule := plan.get("cut_body"):
        reply.cut_at = int(len(reply.body) * rule.number("at", _CUT_AT))
    return reply


def _released(plan: Plan, name: str = "held") -> Callable[[], bool]:
    """Whether nothing holds it back any more."""
    rule = plan.get(name)
    return lambda: rule is None or rule.released


def stream(
    steps: Sequence[Step],
    purchase: Purchase,
    plan: Plan,
    headers: dict[str, str],
    *,
    failed: bool,
    keep_alive: str = "",
) -> EventStream:
    """The stream, and what it costs: everything at the piece that charges, and nothing for one that does not get there.

    Args:
        failed: it tells of an error, and charges only if the scenario says so.
    """
    pays = purchase.settle if is_billed(plan, default=not failed) else purchase.abandon
    if failed:
        leaves = purchase.settle if is_billed(plan, default=False) else purchase.fail
    else:
        # Some providers cannot be stopped, and their work is charged whoever left.
        leaves = purchase.settle if "bill_cancelled" in plan else purchase.abandon
    rule = plan.get("slow_headers")
    late = rule.number("seconds", 5) if rule else 0
    return EventStream(_altered(steps, plan, keep_alive), headers, pays, leaves, late, _released(plan))


def _altered(steps: Sequence[Step], plan: Plan, keep_alive: str) -> list[Step]:
    """The steps, slow or ending as they are to.

    `cut_stream` closes the connection after `after` pieces, one by default, or with "billed" right after the piece that
    charges. What was not reached is not charged, unless `billed` is true.
    """
    changed = list(steps)
    if rule := plan.get("slow_stream"):
        seconds, every = rule.number("seconds", 5), rule.number("every", 0.05)
        waiting = [Step(comment(keep_alive), delay=every) for _ in range(max(1, int(seconds / every)))]
        place = next((place for place, step in enumerate(changed) if step.bills), len(changed))
        changed = [*changed[:place], *waiting, *changed[place:]]
    if rule := plan.get("held_stream"):
        # A client that leaves meanwhile is noticed at once.
        place = int(rule.number("after", 1))
        changed[place:] = [replace(step, may_leave=_released(plan, "held_stream")) for step in changed[place:]]
    if "stream_without_done" in plan:
        changed = [step for step in changed if step.data != DONE]
    if rule := plan.get("cut_stream"):
        charging = next((place for place, step in enumerate(changed) if step.bills), len(changed))
        after = rule.options.get("after", 1)
        place = charging + 1 if after == "billed" else int(after)
        early = bool(rule.options.get("billed", False)) and place <= charging
        changed = [*changed[:place], Step(cut=True, bills=early, delay=0.01)]
    return changed
