"""The time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Implements ports.Clock."""
    return datetime.now(UTC)
