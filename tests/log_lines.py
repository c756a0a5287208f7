"""Lines of the log, as CloudWatch would have them."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from darkroom.observability import logger


@contextmanager
def log_lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged meanwhile is in the list at the end."""
    written, found = io.StringIO(), list[dict[str, Any]]()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger._logger.removeHandler(handler)
        found += [json.loads(line) for line in written.getvalue().splitlines()]
