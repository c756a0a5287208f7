"""The application at the live door, which carries out what callers wait for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from darkroom.application import Application
from darkroom.observability import note

if TYPE_CHECKING:
    from concurrent.futures import Future

    from darkroom.models.deadline import Deadline
    from darkroom.models.job import Job
    from darkroom.ports import OnEvent
    from darkroom.services.paid.in_place import InPlace


class LiveApplication(Application):
    @cached_property
    def in_place(self) -> InPlace:
        from darkroom.application.outlasting import in_outlasting_thread
        from darkroom.services.paid.in_place import InPlace

        class NotedInPlace(InPlace, frozen=True):
            def begin(self, job: Job, deadline: Deadline, on_event: OnEvent | None) -> Future[None] | None:
                # The thread that is begun takes over what the log says of this one.
                note(job=job.id)
                return super().begin(job, deadline, on_event)

        return NotedInPlace(self.worker, in_outlasting_thread, outlasts_answer=False)
