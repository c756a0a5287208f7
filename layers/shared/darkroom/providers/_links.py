"""Pictures that an answer names by address: fetched at once, since such addresses expire soon."""

import time
from collections.abc import Callable
from typing import Final

from darkroom.errors import UrlUnreachable
from darkroom.models.deadline import Deadline
from darkroom.ports import UrlFetcher
from darkroom.providers._pictures import MAX_PICTURE_BYTES, Fetch

# For all the pictures of an answer together: no fetch begins later, and each has an end of its own.
MAX_SECONDS: Final = 12.0
_WAITS: Final = (0.5, 1.0)


def follow(
    fetcher: UrlFetcher | None, *, seconds: float = MAX_SECONDS, sleep: Callable[[float], None] = time.sleep
) -> Fetch | None:
    """What fetches the pictures of one answer; tries again what may only have been a moment's trouble."""
    if fetcher is None:
        return None
    deadline = Deadline(seconds)

    def fetch(url: str) -> bytes:
        for wait in (*_WAITS, None):
            if deadline.is_over:
                break
            try:
                return fetcher.fetch(url, max_bytes=MAX_PICTURE_BYTES)
            except UrlUnreachable:
                if wait is None or deadline.left() <= wait:
                    raise
            sleep(wait)
        raise UrlUnreachable("There was no time left to fetch it.")

    return fetch
