"""The table of routes in `docs/api.md`, between its markers."""

from collections.abc import Iterator
from typing import Final

from darkroom.http.operation import Operation
from local import state
from local.openapi.document import OPERATIONS
from local.openapi.said import summary

PAGE: Final = state.ROOT / "docs" / "api.md"
BEGIN: Final = "<!-- routes: written by `python -m local.openapi` -->"
END: Final = "<!-- end of routes -->"


def rewritten(page: str) -> str:
    """The page with the table as the routes declare it."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{chr(10).join(_lines())}\n{END}{after}"


def _lines() -> Iterator[str]:
    yield "| route | does |"
    yield "|---|---|"
    for operation in OPERATIONS:
        yield f"| `{_shown(operation)}` | {summary(operation)}{_query(operation)} |"


def _shown(operation: Operation) -> str:
    return operation.route.replace("{proxy+}", "{id}")


def _query(operation: Operation) -> str:
    """The fields of a query or of a body of few fields, where the summary does not name them."""
    model = operation.query
    names = [field.alias or name for name, field in model.model_fields.items()] if model is not None else []
    unnamed = [name for name in names if f"`{name}`" not in summary(operation)]
    if not 0 < len(unnamed) <= _MOST_NAMED or operation.body:
        return ""
    return "; query: " + ", ".join(f"`{name}`" for name in unnamed)


_MOST_NAMED: Final = 6
