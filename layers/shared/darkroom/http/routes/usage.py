"""The HTTP edge of what was spent: GET /v1/usage · GET /v1/usage/receipts · GET /v1/usage/reports"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import InvalidParameter
from darkroom.errors.names import shown_name
from darkroom.http.app import Api, answered
from darkroom.http.schemas.usage import (
    LIST_RECEIPTS,
    LIST_REPORTS,
    SHOW_USAGE,
    ReceiptList,
    ReceiptsQuery,
    ReportList,
    UsageQuery,
    UsageStatement,
    receipt_line,
)
from darkroom.models.usage import DIMENSIONS, Dimension
from darkroom.services.usage.statement import month_of
from darkroom.services.usage.usage_lines import as_csv, show


def usage_routes(api: Api, app: Application) -> None:
    app.load("budgets", "cursors", "key_figures", "keys", "reports", "usage")

    @api.serve(SHOW_USAGE)
    def show_usage() -> Response[Any]:
        query = api.query_as(UsageQuery)
        made = app.usage.statement(api.user, month=query.month, by=_dimensions(query.by), against=query.against)
        credit = app.usage.credit_of(api.user)
        if (query.format or _accepted(api)) == "csv":
            return _csv(as_csv(made, credit), f"usage-{made.month}.csv")
        # A provider speaks of its present month alone.
        is_present = made.month == month_of(app.usage.clock())
        figures = app.key_figures.show(api.user) if is_present else None
        shown = {**standing(api, app), **show(made, credit), "provider_key": figures}
        return answered(UsageStatement.model_validate(shown))

    @api.serve(LIST_RECEIPTS)
    def list_receipts() -> Response[Any]:
        query = api.query_as(ReceiptsQuery)
        before = app.cursors.decode(api.user, "receipts", query.cursor)
        page = app.ports.ledger.receipts(api.user, limit=query.limit, before=before, month=query.month)
        credit = app.usage.credit_of(api.user)
        next_cursor = app.cursors.encode(api.user, "receipts", page.next_id)
        data = tuple(receipt_line(receipt, credit) for receipt in page.receipts)
        return answered(ReceiptList(data=data, next_cursor=next_cursor))

    @api.serve(LIST_REPORTS)
    def list_reports() -> Response[Any]:
        return answered(ReportList.model_validate({"data": app.reports.of_user(api.user)}))


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
