"""Background removal where there is no segmentation model: pictures are put on the queue of the function that has it.

It is the same job as that of a cut-out which takes too long for its request. Where the request or the settings ask for
remove.bg, that is paid for as always.
"""

from collections.abc import Callable
from datetime import timedelta

from msgspec import Struct
from ulid import ULID

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.job import Job
from darkroom.models.segmentation import AUTO
from darkroom.models.user_settings import UserSettings
from darkroom.services.inputs.inputs import parent_of
from darkroom.services.inputs.sources import Sources
from darkroom.services.paid.admission import Submission, kept_for
from darkroom.services.removal.cloud_options import mode_of
from darkroom.services.removal.cloud_removal import OPERATION, CloudRemoval
from darkroom.services.removal.postponed import Order, Queued, read_beside
from darkroom.services.removal.remove_background import require_on, with_model


class QueuedRemoval(Struct, frozen=True):
    """Args:
    retention: how long jobs and their pictures are kept.
    settings: a user's own.
    cloud: the paid cut-out, put together when it is first asked for.
    """

    sources: Sources
    queued: Queued
    retention: timedelta
    settings: Callable[[str], UserSettings]
    cloud: Callable[[], CloudRemoval]

    def submit(self, caller: Caller, request: CutoutRequest, terms: Terms) -> Submission:
        """The job that cuts the picture out: free, or remove.bg's.

        Raises:
            Conflict: the user has switched it off.
            CallerError: the picture cannot be had; and as CloudRemoval.submit.
            ServiceUnavailable: it could not be queued.
        """
        settings = self.settings(caller.user)
        require_on(settings)
        wanted = with_model(request, settings)
        mode, warning = mode_of(request, settings, is_auto=wanted.model == AUTO)
        if mode == "always":
            return self.cloud().submit(caller, request, terms)
        beside = read_beside(self.sources, caller.user, wanted)
        data = self.sources.read(caller.user, wanted.source)
        now = self.queued.clock()
        job = Job(
            id=f"job_{ULID.from_datetime(now)}",
            user=caller.user,
            op=OPERATION,
            created_at=now,
            expires_at=now + kept_for(self.retention, settings),
            input=wanted.shown,
            warnings=(warning,) if warning else (),
            lineage=(parent_of(wanted.source, data),),
            token_id=caller.token.id if caller.token else None,
        )
        return Submission(self.queued.put(job, Order(data, wanted.options, beside)))
