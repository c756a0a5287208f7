"""The composition root: reads the environment once and puts the services together, for each function what it needs.

A function's part is imported when it is asked for: no function loads what only others stand on.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from darkroom.bootstrap._base import Handler, Stores, alarm, entry, keys, now, operator_key, stores

if TYPE_CHECKING:
    from darkroom.bootstrap._account import AccountServices, OAuthServices, account, oauth
    from darkroom.bootstrap._chat import ChatServices, chat
    from darkroom.bootstrap._models import ModelsServices, models
    from darkroom.bootstrap._paid import (
        AnswerServices,
        EditServices,
        GenerateServices,
        JobsServices,
        edit,
        generate,
        jobs,
    )
    from darkroom.bootstrap._removal import RemoveBackgroundServices, remove_background
    from darkroom.bootstrap._webhooks import WebhooksServices, webhooks
    from darkroom.bootstrap._worker import WorkerServices, worker

__all__ = [
    "AccountServices",
    "AnswerServices",
    "ChatServices",
    "EditServices",
    "GenerateServices",
    "Handler",
    "JobsServices",
    "ModelsServices",
    "OAuthServices",
    "RemoveBackgroundServices",
    "Stores",
    "WebhooksServices",
    "WorkerServices",
    "account",
    "alarm",
    "chat",
    "edit",
    "entry",
    "generate",
    "jobs",
    "keys",
    "models",
    "now",
    "oauth",
    "operator_key",
    "remove_background",
    "stores",
    "webhooks",
    "worker",
]

_PARTS = {
    "_account": ("AccountServices", "OAuthServices", "account", "oauth"),
    "_chat": ("ChatServices", "chat"),
    "_models": ("ModelsServices", "models"),
    "_paid": (
        *("AnswerServices", "EditServices", "GenerateServices", "JobsServices"),
        *("edit", "generate", "jobs"),
    ),
    "_removal": ("RemoveBackgroundServices", "remove_background"),
    "_webhooks": ("WebhooksServices", "webhooks"),
    "_worker": ("WorkerServices", "worker"),
}


def __getattr__(name: str) -> Any:
    for part, names in _PARTS.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{part}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
