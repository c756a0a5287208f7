"""The HTTP edge of what was spent: GET /v1/usage · GET /v1/usage/receipts · GET /v1/usage/reports"""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from darkroom.application import Application
from darkroom.errors import InvalidParameter
from darkroom.errors.names import shown_name
from darkroom.http.app import Api
from darkroom.models.money import MicroUsd, in_credits, in_dollars
from darkroom.models.receipt import Receipt
from darkroom.models.usage import DIMENSIONS, Dimension
from darkroom.services.usage.statement import month_of
from darkroom.services.usage.usage_lines import as_csv, show

Month = Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
By = Annotated[str, Query(max_length=100)]


def usage_routes(api: Api, app: Application) -> None:
    app.load("budgets", "cursors", "key_figures", "keys", "reports", "usage")

    @api.get("/v1/usage")
    def show_usage(
        month: Month = None,
        by: By = "",
        against: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
        format: Literal["json", "csv"] | None = None,  # noqa: A002 - the name in the query
    ) -> Any:
        made = app.usage.statement(api.user, month=month, by=_dimensions(by), against=against)
        credit = app.usage.credit_of(api.user)
        if (format or _accepted(api)) == "csv":
            return _csv(as_csv(made, credit), f"usage-{made.month}.csv")
        # A provider speaks of its present month alone.
        is_present = made.month == month_of(app.usage.clock())
        figures = app.key_figures.show(api.user) if is_present else None
        return {"object": "usage", **standing(api, app), **show(made, credit), "provider_key": figures}

    @api.get("/v1/usage/receipts")
    def list_receipts(
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        cursor: str | None = None,
        month: Month = None,
    ) -> dict[str, Any]:
        before = app.cursors.decode(api.user, "receipts", cursor)
        page = app.ports.ledger.receipts(api.user, limit=limit, before=before, month=month)
        credit = app.usage.credit_of(api.user)
        shown = [_shown_receipt(receipt, credit) for receipt in page.receipts]
        next_cursor = app.cursors.encode(api.user, "receipts", page.next_id)
        return {"object": "list", "data": shown, "next_cursor": next_cursor}

    @api.get("/v1/usage/reports")
    def list_reports() -> dict[str, Any]:
        return {"object": "list", "data": app.reports.of_user(api.user)}


def standing(api: Api, app: Application) -> dict[str, Any]:
    """The caller's limits, what is left of each, and what counts as spent."""
    return app.budgets.show(api.caller, own_key=app.keys.pays_alone(api.user))


def _dimensions(by: str) -> tuple[Dimension, ...]:
    """Raises InvalidParameter for one that there is not."""
    named = dict.fromkeys(word for part in by.split(",") if (word := part.strip()))
    known = {name: name for name in DIMENSIONS}
    if unknown := [word for word in named if word not in known]:
        raise InvalidParameter(
            f"Usage cannot be shown by {shown_name(unknown[0])!r}.",
            fix=f"Use one or several of: {', '.join(DIMENSIONS)}.",
            param="by",
            context={"accepted": list(DIMENSIONS)},
        )
    return tuple(known[word] for word in named)  # type: ignore[index]  # all of them are known


def _accepted(api: Api) -> str:
    kinds = [part.partition(";")[0].strip().lower() for part in api.headers.get("accept", "").split(",")]
    first = next((kind for kind in kinds if kind in ("text/csv", "application/json", "*/*")), "")
    return "csv" if first == "text/csv" else "json"


def _csv(text: str, name: str) -> Response[str]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(200, "text/csv; charset=utf-8", text, headers=headers)


def _shown_receipt(receipt: Receipt, credit: MicroUsd) -> dict[str, Any]:
    """Micro-dollars beside the dollars: a sum of those is exact."""
    amounts = {"estimated", "reserved", "actual"}
    dollars = {f"{name}_usd": _dollars(getattr(receipt, name)) for name in sorted(amounts)}
    return {
        "object": "receipt",
        **receipt.model_dump(mode="json", exclude={"user", "calls", "together", *amounts}),
        **({"calls": [each.line() for each in receipt.calls]} if receipt.calls else {}),
        **({"settled_together": receipt.together.line()} if receipt.together else {}),
        **dollars,
        "actual_micro_usd": receipt.actual,
        "actual_credits": None if receipt.actual is None else float(in_credits(receipt.actual, credit)),
    }


def _dollars(amount: MicroUsd | None) -> float | None:
    return None if amount is None else float(in_dollars(amount))
