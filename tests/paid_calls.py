"""Paid calls of a provider, as tests make them."""

from collections.abc import Callable
from typing import Any

from darkroom.models.deadline import Deadline
from darkroom.ports import PaidCall, Watch


def _unheard(_told: Any) -> Any:
    return False


def paid_call(key: str, *, seconds: float = 20.0, **told: Callable[[Any], Any]) -> PaidCall:
    """Args: told: what hears of the call, by the names of `Watch`; the rest is heard by none."""
    names = ("on_dispatched", "on_generation_id", "on_answer", "on_event")
    return PaidCall(key, Deadline(seconds), Watch(**{name: told.get(name, _unheard) for name in names}))
