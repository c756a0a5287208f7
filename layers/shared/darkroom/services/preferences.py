"""What applies to a user: what they have set, else what the stack's owner has, else what Darkroom comes with."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from darkroom.models.money import in_dollars, usd
from darkroom.models.user_settings import WARN_AT_COST, UserSettings
from darkroom.services.paid.budgets import WARN_AT_PERCENT, Budgets
from darkroom.services.setting_checks import SettingChecks

Origin = Literal["user", "stack", "built-in"]

MODELS: Final = ("image_generation_model", "image_edit_model", "ai_chat_model")
LIMITS: Final = ("per_request", "per_conversation", "per_day", "per_month")
# By the API's names: as what it is kept.
STORED: Final[Mapping[str, str]] = {
    "image_generation_model": "image_generation_model",
    "image_edit_model": "image_edit_model",
    "ai_chat_model": "chat_model",
    "ai_provider": "provider",
    "warn_at_percent": "warn_at_percent",
    "warn_at_cost": "warn_at_cost",
    "credit_usd": "credit",
    "enable_image_generation": "enable_image_generation",
    "preferred_manipulation_method": "manipulation_method",
    "favourite_models": "favourite_models",
    "background_model": "background_model",
    "use_cloud_removal": "cloud_removal",
    "retention_days": "retention_days",
    "zero_data_retention": "zero_data_retention",
    "webhook_url": "webhook_url",
}
_AMOUNTS: Final = ("warn_at_cost", "credit_usd")


@dataclass(frozen=True, slots=True)
class Default:
    """What applies to whoever sets nothing. Amounts are dollars."""

    value: Any
    origin: Origin = "built-in"


# What the stack's owner does not set.
BUILT_IN: Final[Mapping[str, Default]] = {
    "warn_at_percent": Default(WARN_AT_PERCENT),
    "warn_at_cost": Default(float(in_dollars(WARN_AT_COST))),
    "enable_image_generation": Default(True),
    "preferred_manipulation_method": Default("hybrid"),
    "favourite_models": Default(()),
    "use_cloud_removal": Default("never"),
    "zero_data_retention": Default(False),
    "webhook_url": Default(None),
}


class Preferences:
    """Args: defaults: of the settings that the stack has, and of the limits as `max_cost_{name}`."""

    def __init__(self, budgets: Budgets, checks: SettingChecks, *, defaults: Mapping[str, Default]) -> None:
        self._budgets = budgets
        self._checks = checks
        self._defaults = {**BUILT_IN, **defaults}

    def show(self, user: str, *, own_key: bool) -> dict[str, Any]:
        """By name what applies, and under `source` where that comes from."""
        chosen = self._budgets.settings(user)
        limits = self._budgets.limits(user, own_key=own_key)
        values: dict[str, Any] = {}
        sources: dict[str, Origin] = {}
        for name in LIMITS:
            own, applies = getattr(chosen.limits, name), getattr(limits, name)
            values[f"max_cost_{name}"] = usd(applies)
            # Who pays with the stack's key may have set more than they may have.
            is_own = own is not None and own == applies
            sources[f"max_cost_{name}"] = "user" if is_own else self._defaults[f"max_cost_{name}"].origin
        for name, stored in STORED.items():
            own, default = getattr(chosen, stored), self._defaults[name]
            is_set = own is not None and own != ()
            values[name] = _shown(name, own) if is_set else default.value
            sources[name] = "user" if is_set else default.origin
        kept = self._defaults["retention_days"].value
        values["retention_days"] = min(values["retention_days"], kept)
        values["favourite_models"] = list(values["favourite_models"])
        return {**values, "source": sources}

    def change(self, user: str, changes: Mapping[str, Any], *, own_key: bool) -> tuple[str, ...]:
        """Sets what is named, by the API's names; None returns one to its default.

        Args:
            changes: amounts in dollars.
            own_key: whether the user pays for everything themselves.

        Returns:
            What to know about it.

        Raises:
            CallerError: what cannot be had; nothing is changed.
        """
        seen = self._budgets.settings(user)
        given = {name: value for name, value in changes.items() if value is not None}
        accepted, warnings = self._checks.check(given, favourites=seen.favourite_models)
        values = {**dict.fromkeys(changes), **accepted}
        limits = {name: _micro(values[f"max_cost_{name}"]) for name in LIMITS if f"max_cost_{name}" in values}
        stored = {STORED[name]: _kept(name, value) for name, value in values.items() if name in STORED}
        changed = self._budgets.change(user, limits, **stored)
        concerned = MODELS if limits else [name for name in MODELS if name in values]
        models = {name: getattr(changed, STORED[name]) or self._defaults[name].value for name in concerned}
        allowed = self._budgets.limits(user, own_key=own_key)
        return (*warnings, *self._checks.unaffordable(models, allowed))


def _shown(name: str, own: Any) -> Any:
    if name == "webhook_url":
        # What its query carries is between its user and their server.
        return own.partition("?")[0]
    return float(in_dollars(own)) if name in _AMOUNTS else own


def _kept(name: str, value: Any) -> Any:
    if value is None:
        return UserSettings.model_fields[STORED[name]].default
    if name == "credit_usd":
        return max(1, _micro(value) or 0)
    return _micro(value) if name in _AMOUNTS else value


def _micro(dollars: Decimal | None) -> int | None:
    """Rounded down: a limit is never higher than what was said."""
    return None if dollars is None else int(dollars * 1_000_000)
