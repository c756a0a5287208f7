"""Recipes on many pictures, as the worker has to do with them: the paintings that they wait for, and their sweep."""

from collections.abc import Callable

from darkroom.bootstrap._base import Stores, alarm, now
from darkroom.bootstrap._chat import batch_pricing
from darkroom.bootstrap._paid import job_queue, render_queue, settlement
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.paid.worker import Advance
from darkroom.services.recipes.batch_notes import Notes
from darkroom.services.recipes.batch_painting import BatchPainting
from darkroom.settings import Settings


def batch_painting(settings: Settings, behind: Stores, published: Catalogue) -> BatchPainting:
    return BatchPainting(
        pricing=batch_pricing(settings, behind, published),
        jobs=behind.jobs,
        ledger=behind.ledger,
        notes=Notes(behind.images),
        queue=job_queue(settings),
        render_queue=render_queue(settings),
        settlement=settlement(settings, behind),
        clock=now,
        alarm=alarm,
    )


def advancing(turns: Callable[[str, str], bool], batches: Advance) -> Advance:
    """Goes on with whatever the job is: a turn, which says so, or a batch."""

    def advance(user: str, job_id: str) -> None:
        if not turns(user, job_id):
            batches(user, job_id)

    return advance
