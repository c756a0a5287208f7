"""Users' settings, over the stack's."""

from darkroom.bootstrap._base import ProvidersByName, Stores, budgets
from darkroom.bootstrap._catalogue import catalogue
from darkroom.bootstrap._paid import check_webhook
from darkroom.services.preferences import LIMITS, Default, Preferences
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.setting_checks import SettingChecks
from darkroom.settings import Settings

# Of those that the stack has, too: the field of Settings.
_STACKS = {
    "image_generation_model": "image_generation_model",
    "image_edit_model": "image_edit_model",
    "ai_chat_model": "chat_model",
    "ai_provider": "ai_provider",
    "credit_usd": "credit_usd",
    "background_model": "background_model",
    "retention_days": "retention_days",
    **{f"max_cost_{name}": f"max_cost_{name}" for name in LIMITS},
}


def preferences(settings: Settings, behind: Stores) -> Preferences:
    published = catalogue(settings, behind)
    checks = SettingChecks(
        published,
        ChatModels(published, default=settings.chat_model),
        ProvidersByName(settings),
        check_webhook(settings),
        segmenter=settings.background_model,
        acknowledged=settings.acknowledged_licences,
    )
    return Preferences(budgets(settings, behind), checks, defaults=stack_defaults(settings))


def stack_defaults(settings: Settings) -> dict[str, Default]:
    """What applies to users who set nothing else, and whether that is the stack owner's choice."""
    return {name: _default(settings, field) for name, field in _STACKS.items()}


def _default(settings: Settings, field: str) -> Default:
    value = getattr(settings, field)
    shown = float(value) if field == "credit_usd" else value
    return Default(shown, "built-in" if settings.is_built_in(field) else "stack")
