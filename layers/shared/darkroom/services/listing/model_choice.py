"""Which of the rows are meant, and in which order. Nothing is asked of anybody here."""

from collections.abc import Collection, Sequence

from darkroom.models.model_query import By, ModelQuery, Sort
from darkroom.models.model_row import ModelRow, Task

_SORTS: dict[By, Sort] = {"cheapest": "price", "fastest": "latency"}


def chosen(rows: Sequence[ModelRow], query: ModelQuery, *, favourites: Collection[str] = ()) -> list[ModelRow]:
    """The rows of which everything is true that the query says, in its order.

    With `recommend`, those alone of which it is known how dear, or how quick, they are.
    """
    found = [row for row in rows if satisfies(row, query, favourites=favourites)]
    sort = _SORTS[query.recommend] if query.recommend else query.sort
    if query.recommend:
        found = [row for row in found if measure(row, query.recommend, query.task) is not None]
    return ordered(found, sort, query.task)


def satisfies(row: ModelRow, query: ModelQuery, *, favourites: Collection[str] = ()) -> bool:
    return (
        _says(row, query.q)
        and set(query.tag) <= set(row.tags)
        and set(query.input) <= set(row.input_modalities)
        and set(query.output) <= set(row.output_modalities)
        and query.free in (None, row.is_free)
        and query.is_favorite in (None, row.id in favourites)
        and (query.task is None or query.task in row.estimates)
        and _is_within(row, query)
    )


def ordered(rows: Sequence[ModelRow], sort: Sort | None, task: Task | None = None) -> list[ModelRow]:
    """The least first, and what is not known last; without an order, the recommended ones first."""
    if sort is None:
        return sorted(rows, key=lambda row: not row.recommended)
    if sort == "name":
        return sorted(rows, key=lambda row: (row.name.casefold(), row.id))
    by: By = "cheapest" if sort == "price" else "fastest"

    def key(row: ModelRow) -> tuple[bool, float, str]:
        found = measure(row, by, task)
        return found is None, found or 0, row.id

    return sorted(rows, key=key)


def measure(row: ModelRow, by: By, task: Task | None = None) -> float | None:
    """What is to be as little as can be; None if it is not known."""
    return row.price(task) if by == "cheapest" else row.median_seconds


def _says(row: ModelRow, words: str) -> bool:
    said = f"{row.id} {row.name} {row.description} {' '.join(row.tags)}".casefold()
    return all(word in said for word in words.casefold().split())


def _is_within(row: ModelRow, query: ModelQuery) -> bool:
    """An unknown price is within no limit."""
    if query.max_price is None:
        return True
    price = row.price(query.task)
    return price is not None and price <= query.max_price * 1_000_000
