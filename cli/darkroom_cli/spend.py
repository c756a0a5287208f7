"""`darkroom spend`: what is left to spend, and what a month came to."""

import argparse
from collections.abc import Mapping
from typing import Any

from darkroom_cli.context import Context
from darkroom_cli.failures import Exit
from darkroom_cli.money import dollars


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("spend", help="tell what is left of your budgets, and what was spent on what")
    parser.add_argument("--month", help="2026-11; this one if left out")
    parser.add_argument("--by", default="model", help="model, day, op, token, conversation or provider")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, context: Context) -> Exit:
    month = {"month": options.month} if options.month else {}
    usage = context.client.get("/v1/usage", by=options.by, **month)
    for name, budget in _budgets(usage):
        context.tell(f"{name}\t{dollars(budget['remaining_usd'])} left of {dollars(budget['limit_usd'])}")
    totals = usage["totals"]
    context.tell(f"{usage['month']}\t{dollars(totals['cost_usd'])} for {_count(totals['requests'], 'request')}")
    for group in usage["groups"]:
        named = " ".join(str(group.get(part) or "—") for part in options.by.split(","))
        context.tell(f"  {named}\t{dollars(group['cost_usd'])}\t{_count(group['requests'], 'request')}")
    return Exit.DONE


def _budgets(usage: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(str(budget["name"]), budget) for budget in usage["budgets"]]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
