"""The models that can be used, as one user sees them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from darkroom.errors import DarkroomError, InvalidParameter, NotFound
from darkroom.models.model_query import By, ModelQuery
from darkroom.models.model_row import TASKS, ModelFigures, ModelRow, Task
from darkroom.models.money import MicroUsd
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Clock, ModelStatistics, SettingsStore
from darkroom.services.catalogue import aliases
from darkroom.services.catalogue.catalogue import Catalogue, Listing
from darkroom.services.listing import model_choice
from darkroom.services.listing.model_quotes import ModelQuotes
from darkroom.services.listing.model_rows import rows

MOST_COMPARED: Final = 10
# How a model has done changes with every job, and nobody minds if it is a little late.
_FIGURES_FOR: Final = timedelta(seconds=60)


class Seen(Struct, frozen=True):
    """Rows, and as whom and when they are seen.

    Args:
        as_of: when the oldest was asked for of what they, and the choice of them, are made of.
        fresh_for: how long what was asked for is current; 0 asks each time.
    """

    rows: Sequence[ModelRow]
    as_of: datetime
    now: datetime
    fresh_for: timedelta
    favourites: frozenset[str] = frozenset()
    credit: MicroUsd = 1

    @property
    def age(self) -> timedelta:
        return max(timedelta(), self.now - self.as_of)

    def is_stale(self, as_of: datetime) -> bool:
        return self.now - as_of >= self.fresh_for > timedelta()


class Named(Struct, frozen=True):
    """A row for a name, and why it is another model's, if it is."""

    name: str
    row: ModelRow
    warning: str | None = None


class ModelList:
    """Args:
    defaults: the stack's own choice for each task: ids or names, separated by commas.
    credit: the stack's.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        statistics: ModelStatistics,
        settings: SettingsStore,
        *,
        defaults: Mapping[Task, str],
        credit: MicroUsd,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._defaults = defaults
        self._credit = credit
        self._clock = clock
        self._figures = _Figures(statistics, clock)
        self._made: tuple[Listing, tuple[ModelRow, ...]] | None = None

    def find(self, user: str, query: ModelQuery) -> Seen:
        """The rows that are asked for. With wants, a row's price is that of such a request.

        Raises:
            InvalidParameter: wants for pictures, and for a chat.
            ProviderError, ServiceUnavailable: nobody can be asked, and nothing is known.
        """
        listing = self._catalogue.listing()
        found = self._figures.on(self._rows(listing))
        if query.recommend and query.task is None:
            query = query.model_copy(update={"task": query.picture_task})
        if query.wants:
            found, query = _wanted(found, listing, query)
        chosen = self._settings.load(user)
        picked = model_choice.chosen(found, query, favourites=chosen.favourite_models)
        return self._seen(picked, listing.as_of, chosen)

    def show(self, user: str, name: str) -> tuple[Named, Seen]:
        """One model, by any name that it goes by.

        Raises:
            NotFound: with `suggestions`.
        """
        listing = self._catalogue.listing()
        named = self._named(name, {row.id: row for row in self._rows(listing)})
        (row,) = self._figures.now_on([named.row])
        return replace(named, row=row), self._seen([row], listing.as_of_model(row.id), self._settings.load(user))

    def compare(self, user: str, names: Sequence[str]) -> tuple[list[Named], Seen]:
        """Several models, in the order in which they were named.

        Raises:
            InvalidParameter: none, or too many.
            NotFound: there is no such model; with `suggestions`.
        """
        if not 1 <= len(names) <= MOST_COMPARED:
            raise InvalidParameter(
                f"{len(names)} models are named.",
                fix=f"Name one to {MOST_COMPARED}, separated by commas: ids=openai/gpt-image-2,qwen/qwen-image-3.",
                param="ids",
            )
        listing = self._catalogue.listing()
        by_id = {row.id: row for row in self._rows(listing)}
        named = [self._named(name, by_id, param="ids") for name in names]
        found = self._figures.now_on([each.row for each in named])
        both = [replace(each, row=row) for each, row in zip(named, found, strict=True)]
        as_of = min(listing.as_of_model(row.id) for row in found)
        return both, self._seen(found, as_of, self._settings.load(user))

    def _rows(self, listing: Listing) -> tuple[ModelRow, ...]:
        if self._made is None or self._made[0] is not listing:
            self._made = (listing, rows(listing, _recommended(listing, self._defaults)))
        return self._made[1]

    def _named(self, name: str, by_id: Mapping[str, ModelRow], *, param: str | None = None) -> Named:
        found = aliases.resolve(name, by_id)
        if found is None:
            suggestions = aliases.suggest(name, by_id)
            raise NotFound(
                f"There is no model {name.strip()[:100]!r}.",
                fix=f"Try {suggestions[0]}." if suggestions else "GET /v1/models lists the models there are.",
                param=param,
                context={"suggestions": suggestions},
            )
        return Named(name, by_id[found.id], f"{found.reason} {found.id} is shown instead." if found.reason else None)

    def _seen(self, found: Sequence[ModelRow], as_of: datetime, chosen: UserSettings) -> Seen:
        return Seen(
            rows=found,
            as_of=as_of,
            now=self._clock(),
            fresh_for=self._catalogue.ttl,
            favourites=frozenset(chosen.favourite_models),
            credit=chosen.credit or self._credit,
        )


class _Figures:
    """How models have done: for a list as it was within the last minute, for a few as it is."""

    def __init__(self, statistics: ModelStatistics, clock: Clock) -> None:
        self._statistics = statistics
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, tuple[ModelFigures | None, datetime]] = {}

    def on(self, found: Sequence[ModelRow]) -> list[ModelRow]:
        """The rows with what was measured; without it, while that cannot be read."""
        now = self._clock()
        with self._lock:
            self._ask([row.id for row in found if self._is_old(row.id, now)], now)
            return [self._with(row) for row in found]

    def now_on(self, found: Sequence[ModelRow]) -> list[ModelRow]:
        with self._lock:
            self._ask([row.id for row in found], self._clock())
            return [self._with(row) for row in found]

    def _ask(self, models: Sequence[str], now: datetime) -> None:
        if models:
            measured = _or_nothing(lambda: self._statistics.of(models))
            self._known |= {model: (measured.get(model), now) for model in models}

    def _with(self, row: ModelRow) -> ModelRow:
        figures = self._known[row.id][0]
        return row if figures is None else replace(row, figures=figures)

    def _is_old(self, model: str, now: datetime) -> bool:
        known = self._known.get(model)
        return known is None or now - known[1] >= _FIGURES_FOR


def _or_nothing(ask: Callable[[], Mapping[str, ModelFigures]]) -> Mapping[str, ModelFigures]:
    try:
        return ask()
    except DarkroomError:
        return {}


def best(found: Iterable[ModelRow], by: By, task: Task | None = None) -> ModelRow | None:
    """The one of which there is the least to pay, or to wait for; None if that is known of none."""
    measured = [row for row in found if model_choice.measure(row, by, task) is not None]
    return next(iter(model_choice.ordered(measured, "price" if by == "cheapest" else "latency", task)), None)


def _wanted(found: Sequence[ModelRow], listing: Listing, query: ModelQuery) -> tuple[list[ModelRow], ModelQuery]:
    """The rows that can do it, with what it costs; and the query for them."""
    task = query.picture_task
    if task == "chat":
        raise _of_pictures(query.wants)
    quotes = ModelQuotes(listing)
    able = []
    for row in found:
        if task in row.estimates and (wanted := quotes.wanted(row.id, task, query.wants)):
            able.append(replace(row, estimates={task: wanted.price}))
    return able, query.model_copy(update={"task": task})


def _of_pictures(wants: Mapping[str, Any]) -> InvalidParameter:
    name = next(iter(wants))
    return InvalidParameter(
        f"`{name}` is of pictures, and `for` says chat.", fix=f"Leave `{name}` out, or set `for` to edit.", param=name
    )


def _recommended(listing: Listing, defaults: Mapping[Task, str]) -> Mapping[str, tuple[Task, ...]]:
    """What the stack takes by itself, of each model for what: for each task the first that is live."""
    live = [*(model.id for model in listing.image_models), *(model.id for model in listing.chat_models)]
    found: dict[str, tuple[Task, ...]] = {}
    for task, names in defaults.items():
        resolved = (aliases.resolve(name.strip(), live) for name in names.split(",") if name.strip())
        first = next((each for each in resolved if each is not None), None)
        if first:
            found[first.id] = (*found.get(first.id, ()), task)
    return found


def tasks_of(found: Iterable[ModelRow]) -> list[Task]:
    """What at least one of them can do."""
    able = {task for row in found for task in row.estimates}
    return [task for task in TASKS if task in able]
