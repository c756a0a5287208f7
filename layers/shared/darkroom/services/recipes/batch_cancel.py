"""Canceling a recipe's batch: what is not begun is not begun, and what no provider was sent yet is not sent."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from darkroom.errors import ServiceUnavailable
from darkroom.models.job import Job, JobStatus
from darkroom.models.recipe import Entry, Manifest, Wanted
from darkroom.ports import Clock, JobStore
from darkroom.services.recipes.batch_notes import Notes, manifest_key, part_id
from darkroom.services.recipes.batch_results import canceled, closed, ended, summed

# Whoever works on the batch may write down how far it has come between two looks.
_TRIES: Final = 10

Cancel = Callable[[Job], bool]
"""Settles a paid job that was not sent; False if it is too late."""


class BatchCancel(Struct, frozen=True):
    jobs: JobStore
    notes: Notes
    clock: Clock

    def cancel(self, batch: Job, cancel: Cancel) -> None:
        """Ends the batch with the images that there are. One whose paintings are under way is ended with the last.

        Raises:
            ServiceUnavailable: others were faster each time.
        """
        for _ in range(_TRIES):
            found = self.jobs.find(batch.user, batch.id)
            if found is None or found.status.is_final:
                return
            if self._end(found, cancel):
                return
        raise ServiceUnavailable("The batch is just being worked on.", fix="Try again in a moment.", retry_after=1)

    def _end(self, batch: Job, cancel: Cancel) -> bool:
        # From this mark on nothing is admitted any more; what was admitted before it is found below.
        mark = {"cancel_at": self.clock(), "result": {**batch.result, "canceling": True}}
        marked = batch if batch.cancel_at else self.jobs.progress(batch.model_copy(update=mark))
        if marked is None:
            return False
        manifest = self.notes.read(manifest_key(marked), Manifest)
        found = {index: self._left(marked, index, each, cancel) for index, each in manifest.wanted.items()}
        entries = {index: entry for index, entry in found.items() if entry is not None}
        if len(entries) == len(found) and self.jobs.finish(
            canceled(marked, {**manifest.entries, **entries}, self.clock())
        ):
            self.notes.images.remove_outputs([wanted.image.key for wanted in manifest.wanted.values()])
            self.notes.remove(marked)
        return True

    def _left(self, batch: Job, index: int, wanted: Wanted, cancel: Cancel) -> Entry | None:
        """What becomes of a picture on its way; None if its painting has to be waited for, or was paid for."""
        part = self.jobs.find(batch.user, part_id(batch.id, index, wanted.number))
        if part is None:
            return ended(wanted, None, closed(batch).problem())
        if not part.status.is_final:
            if part.dispatched_at is not None or not cancel(part):
                return None
            return ended(wanted, None, closed(batch).problem())
        if part.status is JobStatus.SUCCEEDED:
            return None
        return ended(wanted, summed([wanted.cost, part.cost]), part.error or {})
