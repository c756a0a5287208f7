"""Partial pictures: what a provider sends of a picture while it makes it, kept for a day for those who follow its job.

    outputs/{user}/{job}/partial/{0, 1, 2}

They are kept where a request asks for them, beside the work: the job's row does not know of them, and nothing that is
paid for waits for them or fails with them.
"""

import base64
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Final

from darkroom.models.generation import PartialImage
from darkroom.models.job import Job
from darkroom.ports import Alarm, ImageStore

_KEEP_DAYS: Final = 1


class Partials:
    """Keeps those of one call, numbered as they are stored, so that there is none without those before it."""

    def __init__(self, job: Job, images: ImageStore, alarm: Alarm) -> None:
        self._job = job
        self._images = images
        self._alarm = alarm
        self._keys = job.partial_keys
        self._heard = self._stored = 0
        self._threads: ThreadPoolExecutor | None = None

    def hear(self, data: str) -> None:
        """Args: data: of an event. Raises nothing, and waits for nothing."""
        if self._heard >= len(self._keys) or (partial := PartialImage.of(data)) is None:
            return
        self._heard += 1
        self._threads = self._threads or ThreadPoolExecutor(1, thread_name_prefix="partials")
        # The system may have no room for another thread.
        with suppress(RuntimeError):
            self._threads.submit(copy_context().run, self._store, partial)

    def end(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    def _store(self, partial: PartialImage) -> None:
        key = self._keys[self._stored]
        try:
            data = base64.b64decode(partial.b64_json, validate=True)
        except ValueError:
            return
        try:
            facts = {"job": self._job.id}
            self._images.write_output(key, data, media_type=partial.media_type, metadata=facts, keep_days=_KEEP_DAYS)
        except Exception as error:  # noqa: BLE001 - the picture itself is on its way
            self._alarm("NOT_PASSED_ON", job=self._job.id, error=type(error).__name__)
        else:
            self._stored += 1
