"""Who calls, with whose key, what that may cost, and what models there are."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from darkroom.observability import CATALOGUE_REQUESTS

if TYPE_CHECKING:
    from darkroom.application.ports import Ports
    from darkroom.models.model_row import Task
    from darkroom.services.accounts.callers import Callers
    from darkroom.services.accounts.connect import Connect
    from darkroom.services.accounts.cursors import Cursors
    from darkroom.services.accounts.identities import Identities
    from darkroom.services.accounts.keys import Keys
    from darkroom.services.accounts.links import Links
    from darkroom.services.accounts.rates import Rates
    from darkroom.services.accounts.sessions import Sessions
    from darkroom.services.accounts.tokens import Tokens
    from darkroom.services.catalogue.catalogue import Catalogue
    from darkroom.services.health import Health
    from darkroom.services.listing.estimates import Estimates
    from darkroom.services.listing.model_list import ModelList
    from darkroom.services.paid.budgets import Budgets
    from darkroom.services.preferences import Default, Preferences
    from darkroom.services.pricing.quotes import Quotes
    from darkroom.services.selection.chat_models import ChatModels
    from darkroom.services.selection.providers import Providers
    from darkroom.services.usage.other_prices import OtherPrices
    from darkroom.services.usage.reports import Reports
    from darkroom.services.usage.usage import KeyFigures, Usage
    from darkroom.settings import Settings

# The settings of users that the stack has, too: the field of Settings.
_STACKS = {
    "image_generation_model": "image_generation_model",
    "image_edit_model": "image_edit_model",
    "ai_chat_model": "chat_model",
    "ai_provider": "ai_provider",
    "credit_usd": "credit_usd",
    "background_model": "background_model",
    "retention_days": "retention_days",
    **{f"max_cost_{name}": f"max_cost_{name}" for name in ("per_request", "per_conversation", "per_day", "per_month")},
}


class Accounts:
    def __init__(self, settings: Settings, ports: Ports) -> None:
        self.settings = settings
        self.ports = ports

    def load(self, *services: str) -> None:
        """Make these services now, in Lambda's init phase, rather than in the first request that asks for one."""
        for name in services:
            getattr(self, name)

    @cached_property
    def tokens(self) -> Tokens:
        from darkroom.services.accounts.tokens import Tokens

        return Tokens(self.ports.tokens, self.ports.clock)

    @cached_property
    def sessions(self) -> Sessions:
        from darkroom.services.accounts.sessions import Sessions

        return Sessions(self.ports.sessions, self.ports.clock)

    @cached_property
    def callers(self) -> Callers:
        from darkroom.services.accounts.callers import Callers

        return Callers(self.tokens, self.sessions, public_url=self.settings.public_url.rstrip("/"))

    @cached_property
    def rates(self) -> Rates:
        from darkroom.services.accounts.rates import Rates

        return Rates(self.ports.request_counts, self.ports.clock, self.settings.rate_limits)

    @cached_property
    def cursors(self) -> Cursors:
        from darkroom.services.accounts.cursors import Cursors

        return Cursors(self.ports.signing_key)

    @cached_property
    def identities(self) -> Identities:
        from darkroom.services.accounts.identities import Identities

        return Identities(self.ports.identities, self.ports.clock)

    @cached_property
    def links(self) -> Links:
        from darkroom.services.accounts.links import Links

        return Links(self.ports.links, self.ports.clock)

    @cached_property
    def keys(self) -> Keys:
        from darkroom.services.accounts.keys import Keys

        operated = {"openrouter"} if self.settings.has_operator_key else set()
        return Keys(
            self.ports.vault,
            self.ports.providers,
            self.ports.clock,
            operator_key=self.ports.operator_key,
            operated=frozenset(operated | self.settings.provider_keys.keys()),
        )

    @cached_property
    def connect(self) -> Connect:
        from darkroom.services.accounts.connect import Connect, SignInPolicy

        return Connect(
            store=self.ports.sessions,
            sessions=self.sessions,
            keys=self.keys,
            identities=self.identities,
            issuer=self.ports.key_issuer,
            policy=SignInPolicy(self.settings.sign_in, self.settings.sign_in_users),
            clock=self.ports.clock,
        )

    @cached_property
    def providers(self) -> Providers:
        from darkroom.services.selection.providers import Providers

        return Providers(self.ports.providers, self.keys, self.ports.settings, preferred=self.settings.ai_provider)

    @cached_property
    def budgets(self) -> Budgets:
        from darkroom.services.paid.budgets import Budgets

        return Budgets(self.ports.settings, self.ports.ledger, self.ports.clock, defaults=self.settings.limits)

    @cached_property
    def catalogue(self) -> Catalogue:
        """Shared with all functions through the table."""
        from darkroom.services.catalogue.catalogue import Catalogue

        telemetry = self.ports.telemetry
        return Catalogue(
            self.ports.published,
            self.ports.catalogue,
            ttl_seconds=self.settings.catalogue_seconds,
            clock=self.ports.clock,
            counted=lambda _list: telemetry.counted(CATALOGUE_REQUESTS),
        )

    @cached_property
    def chat_models(self) -> ChatModels:
        from darkroom.services.selection.chat_models import ChatModels

        return ChatModels(self.catalogue, default=self.settings.chat_model)

    @cached_property
    def quotes(self) -> Quotes:
        from darkroom.services.pricing.quotes import Quotes

        return Quotes(
            self.catalogue,
            generation_model=self.settings.image_generation_model,
            edit_model=self.settings.image_edit_model,
        )

    @cached_property
    def models(self) -> ModelList:
        from darkroom.services.listing.model_list import ModelList

        defaults: dict[Task, str] = {
            "generate": self.settings.image_generation_model,
            "edit": self.settings.image_edit_model,
            "chat": self.settings.chat_model,
        }
        return ModelList(
            self.catalogue,
            self.ports.statistics,
            self.ports.settings,
            defaults=defaults,
            credit=self.settings.credit,
            clock=self.ports.clock,
        )

    @cached_property
    def estimates(self) -> Estimates:
        from darkroom.services.listing.estimates import Estimates

        return Estimates(
            quotes=self.quotes,
            chats=self.chat_models,
            settings=self.ports.settings,
            known=self.ports.providers,
            credit=self.settings.credit,
            cutter=self.settings.background_model,
            removal=int(self.settings.removebg_credit_usd * 1_000_000),
        )

    @cached_property
    def preferences(self) -> Preferences:
        from darkroom.services.preferences import Preferences
        from darkroom.services.setting_checks import SettingChecks

        checks = SettingChecks(
            self.catalogue,
            self.chat_models,
            self.ports.providers,
            self.ports.webhook_sender.check,
            segmenter=self.settings.background_model,
            acknowledged=self.settings.acknowledged_licences,
        )
        return Preferences(self.budgets, checks, defaults=stack_defaults(self.settings))

    @cached_property
    def health(self) -> Health:
        from darkroom.services.health import Health

        return Health(
            self.ports.probes,
            self.ports.published,
            self.keys,
            self.ports.providers,
            self.ports.clock,
            sees_stack_key=not self.settings.operator_key_secret,
        )

    @cached_property
    def usage(self) -> Usage:
        from darkroom.services.usage.usage import Usage

        return Usage(
            books=self.ports.books,
            settings=self.ports.settings,
            clock=self.ports.clock,
            credit=self.settings.credit,
            # Only where somebody compares is what asks for prices loaded.
            price_of=lambda model, images, is_edit: self.other_prices(model, images, is_edit),
        )

    @cached_property
    def other_prices(self) -> OtherPrices:
        from darkroom.services.usage.other_prices import OtherPrices

        return OtherPrices(self.quotes)

    @cached_property
    def key_figures(self) -> KeyFigures:
        from darkroom.services.usage.usage import KeyFigures

        return KeyFigures(self.ports.vault, self.ports.providers["openrouter"], "openrouter")

    @cached_property
    def reports(self) -> Reports:
        from darkroom.services.usage.reports import Reports

        return Reports(
            usage=self.usage,
            store=self.ports.reports,
            images=self.ports.images,
            settings=self.ports.settings,
            webhooks=self.ports.webhook_queue,
            clock=self.ports.clock,
            alarm=self.ports.alarm,
        )


def stack_defaults(settings: Settings) -> dict[str, Default]:
    """What applies to users who set nothing else, and whether that is the stack owner's choice."""
    from darkroom.services.preferences import Default

    def default(field: str) -> Default:
        value = getattr(settings, field)
        shown = float(value) if field == "credit_usd" else value
        return Default(shown, "built-in" if settings.is_built_in(field) else "stack")

    return {name: default(field) for name, field in _STACKS.items()}
