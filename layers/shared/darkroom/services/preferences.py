"""What applies to a user: what they have set, else what the stack's owner has, else what Darkroom comes with."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import Struct

from darkroom.errors import InvalidParameter
from darkroom.models.money import in_dollars, usd
from darkroom.models.user_settings import MOST_FAVOURITES, WARN_AT_COST, UserSettings
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
    "enable_background_removal": "enable_background_removal",
    "preferred_manipulation_method": "manipulation_method",
    "favorite_models": "favourite_models",
    "background_model": "background_model",
    "use_cloud_removal": "cloud_removal",
    "retention_days": "retention_days",
    "zero_data_retention": "zero_data_retention",
    "webhook_url": "webhook_url",
}
_AMOUNTS: Final = ("warn_at_cost", "credit_usd")


class Default(Struct, frozen=True):
    """What applies to whoever sets nothing. Amounts are dollars."""

    value: Any
    origin: Origin = "built-in"


# What the stack's owner does not set.
BUILT_IN: Final[Mapping[str, Default]] = {
    "warn_at_percent": Default(WARN_AT_PERCENT),
    "warn_at_cost": Default(float(in_dollars(WARN_AT_COST))),
    "enable_image_generation": Default(True),
    "enable_background_removal": Default(True),
    "preferred_manipulation_method": Default("hybrid"),
    "favorite_models": Default(()),
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
        values["favorite_models"] = list(values["favorite_models"])
        own_values = {name: _shown(name, getattr(chosen, stored)) for name, stored in STORED.items()}
        own_values |= {f"max_cost_{name}": usd(getattr(chosen.limits, name)) for name in LIMITS}
        effective = self._checks.effective(
            {name: (str(values[name]), sources[name]) for name in MODELS},
            {name: (str(self._defaults[name].value), self._defaults[name].origin) for name in MODELS},
            provider=values["ai_provider"],
        )
        paints = values["enable_image_generation"] and values["preferred_manipulation_method"] != "local"
        return {
            **values,
            "source": sources,
            "set": {name: own_values[name] for name, origin in sources.items() if own_values[name] not in (None, ())},
            "effective": {**effective, "paint": effective["edit"] if paints else None},
        }

    def favour(self, user: str, name: str, *, is_favourite: bool) -> tuple[str, tuple[str, ...]]:
        """Adds a model to the user's favourites, or takes it out, whatever else is changed at the same time.

        Returns:
            Its id, and all of them.

        Raises:
            UnsupportedModel: there is none of that name, and it is no favourite either.
            InvalidParameter: there are as many as there may be.
        """
        known = self._budgets.settings(user).favourite_models
        (named,), _ = self._checks.favourites((name,), known)

        def changed(seen: UserSettings) -> Mapping[str, Any]:
            others = tuple(each for each in seen.favourite_models if each != named)
            if len(others) >= MOST_FAVOURITES and is_favourite:
                raise InvalidParameter(
                    f"There are {MOST_FAVOURITES} favorites, which is the most.",
                    fix="Take one out first.",
                    param="model",
                )
            return {"favourite_models": (*others, named) if is_favourite else others}

        return named, self._budgets.update(user, changed).favourite_models

    def _unchanged(self, user: str, changes: Mapping[str, Any], *, own_key: bool, is_document: bool) -> set[str]:
        """What is sent as it was shown and cannot be meant as a change: all of it in a document that is sent back, and
        of single settings what nobody could set: several models, days beyond the least, a URL without its query.
        """
        shown = self.show(user, own_key=own_key)
        same = {name for name, value in changes.items() if value is not None and _same(shown[name], value)}
        hidden = {"webhook_url", "retention_days", *(name for name in MODELS if "," in str(shown[name]))}
        return same if is_document else same & hidden

    def change(
        self, user: str, changes: Mapping[str, Any], *, own_key: bool, is_document: bool = False
    ) -> tuple[str, ...]:
        """Sets what is named, by the API's names; None returns one to its default.

        Args:
            changes: amounts in dollars.
            own_key: whether the user pays for everything themselves.
            is_document: these are all settings, as they were shown.

        Returns:
            What to know about it.

        Raises:
            CallerError: what cannot be had; nothing is changed.
        """
        unchanged = self._unchanged(user, changes, own_key=own_key, is_document=is_document)
        changes = {name: value for name, value in changes.items() if name not in unchanged}
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


def _same(shown: Any, given: Any) -> bool:
    if isinstance(given, Decimal):
        return shown is not None and Decimal(str(shown)) == given
    return list(shown) == list(given) if isinstance(given, tuple) else bool(shown == given)


def _shown(name: str, own: Any) -> Any:
    if own is None:
        return None
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
