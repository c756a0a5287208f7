"""What the models of a running stack cost, side by side, as a table for a document.

    python -m local.model_table [--for generate|edit|chat] [--top 20] [--url … --token …]

Prices, names and figures come from `GET /v1/models` at that minute: none is written down anywhere. Without a URL the
stack is asked that runs here.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from local import state

_MOST_TEXT: Final = 90


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.model_table", description="Prints a table of models.")
    parser.add_argument("--for", dest="task", choices=("generate", "edit", "chat"), default="generate")
    parser.add_argument("--top", type=int, default=20, help="how many rows, cheapest first")
    parser.add_argument("--url", help="a stack's address; the one that runs here when absent")
    parser.add_argument("--token", help="an API token of that stack")
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder of darkroom.json")
    options = parser.parse_args(arguments)
    try:
        running = {"url": options.url, "token": options.token} if options.url else state.read(options.state)
        answer = httpx.get(
            f"{running['url']}/v1/models",
            params={"for": options.task, "sort": "price"},
            headers={"authorization": f"Bearer {running['token']}"},
            timeout=60,
            trust_env=False,
        )
        answer.raise_for_status()
    except (state.NotRunning, httpx.HTTPError) as error:
        print(error, file=sys.stderr)
        return 1
    print(table(answer.json(), options.task, top=options.top))
    return 0


def table(listed: Mapping[str, Any], task: str, *, top: int) -> str:
    """A list of models as Markdown, cheapest first; those at the end whose price nobody says."""
    head = [
        f"Estimates for one ordinary {'turn' if task == 'chat' else 'picture'}, as published at {listed['as_of']}.",
        "",
        "| model | one costs | price lines | seconds here | best for |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_line(row, task) for row in listed["data"][:top])])


def _line(row: Mapping[str, Any], task: str) -> str:
    amount = row["estimates"][task]["usd"]
    measured = row["measured"] or {}
    cells = (
        f"`{row['id']}`" + (" ★" if row["recommended"] else ""),
        "unknown" if amount is None else f"${amount:.6f}".rstrip("0").rstrip("."),
        "<br>".join(map(_price, row["prices"])) or "none",
        str(measured.get("median_seconds") or ""),
        _short((row["note"] or {}).get("best_for") or row["description"]),
    )
    return f"| {' | '.join(cells)} |"


def _price(price: Mapping[str, Any]) -> str:
    amount = "?" if price["usd"] is None else f"${price['usd']}"
    variant = f" ({price['variant']})" if price["variant"] else ""
    return f"{price['billable']} {amount} a {price['unit']}{variant}"


def _short(text: str) -> str:
    plain = " ".join(text.replace("|", "/").split())
    return plain if len(plain) <= _MOST_TEXT else f"{plain[:_MOST_TEXT].rstrip()}…"


if __name__ == "__main__":
    sys.exit(main())
