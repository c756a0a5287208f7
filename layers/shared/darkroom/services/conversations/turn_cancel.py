"""What becomes of turns in progress when their conversation is removed: what nobody has been asked for yet never is."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from msgspec import Struct

from darkroom.errors import DarkroomError
from darkroom.models.conversation import Conversation
from darkroom.models.job import Job, JobStatus
from darkroom.ports import Clock, JobStore
from darkroom.services.paid.settlement import DECIDED_AFTER

_PER_PAGE: Final = 100
# Somebody waits meanwhile; what lies further back ends as it would have without this.
_MOST_PAGES: Final = 10


class TurnCancel(Struct, frozen=True):
    """Args: cancel: settles a job that was not sent to its provider; False if it is too late."""

    jobs: JobStore
    cancel: Callable[[Job], bool]
    clock: Clock

    def of(self, conversation: Conversation) -> int:
        """Cancels the paid calls that still wait, and so sets free what was set aside; how many.

        Their turns end when the calls' messages are delivered, or with the sweep. A call that cannot be found or
        canceled now is carried out: that is no reason to keep what its owner removes.
        """
        canceled = 0
        with suppress(DarkroomError):
            for job in self._waiting(conversation):
                canceled += self._is_canceled(job)
        return canceled

    def _is_canceled(self, job: Job) -> bool:
        try:
            return self.cancel(job)
        except DarkroomError:
            return False

    def _waiting(self, conversation: Conversation) -> Iterator[Job]:
        # No turn goes on for longer.
        earliest = max(conversation.created_at, self.clock() - 2 * DECIDED_AFTER)
        before: str | None = None
        for _ in range(_MOST_PAGES):
            page = self.jobs.page(conversation.user, limit=_PER_PAGE, before=before)
            for job in page.jobs:
                is_its = job.conversation_id == conversation.id and job.parent_id is not None
                if is_its and job.is_paid and job.status is JobStatus.QUEUED:
                    yield job
            before = page.next_id
            if before is None or page.jobs[-1].created_at < earliest:
                return
