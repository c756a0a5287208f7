"""How long a job will probably take: its model's median, looked up once in a while."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from darkroom.errors import DarkroomError
from darkroom.models.job import Job
from darkroom.models.model_row import ModelFigures
from darkroom.ports import Clock, ModelStatistics

_BELIEVED: Final = timedelta(minutes=5)
_MAX_REMEMBERED: Final = 200


class Durations:
    """A process asks for the figures of a model once in five minutes, so that a request costs no read for them."""

    def __init__(self, statistics: ModelStatistics, clock: Clock) -> None:
        self._statistics = statistics
        self._clock = clock
        self._known: dict[str, tuple[datetime, float | None]] = {}

    def expected(self, job: Job) -> float | None:
        """Seconds from the dispatch to the end; None while nobody knows. A look-up that fails is nobody's trouble."""
        model = _model_of(job)
        if model is None:
            return None
        now = self._clock()
        read_at, seconds = self._known.get(model, (None, None))
        if read_at is None or not timedelta() <= now - read_at < _BELIEVED:
            seconds = self._median(model)
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[model] = (now, seconds)
        return seconds

    def _median(self, model: str) -> float | None:
        try:
            figures: Mapping[str, ModelFigures] = self._statistics.of([model])
        except DarkroomError:
            return None
        return figures[model].median_seconds if model in figures else None


def _model_of(job: Job) -> str | None:
    """What is asked first. A turn says by which model it is planned."""
    work = job.work
    asked = (work.request or work.chat or work.completion) if work else None
    if asked is not None:
        return asked.model
    return job.model_requested.partition(",")[0].strip() or None if job.model_requested else None
