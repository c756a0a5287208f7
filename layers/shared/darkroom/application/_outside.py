"""What stands behind the application's ports outside of AWS: the providers, and addresses that users name."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from darkroom import ports
    from darkroom.adapters.url_guard import UrlGuard
    from darkroom.models.webhook import WebhookReply
    from darkroom.providers import ProviderSettings
    from darkroom.providers.openrouter import OpenRouter, OpenRouterAuth
    from darkroom.settings import Settings


class LazyFetcher:
    """Implements ports.UrlFetcher. What `make` takes, httpx among it, is loaded when the first URL is fetched."""

    def __init__(self, make: Callable[[], ports.UrlFetcher]) -> None:
        self._made = cache(make)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        return self._made().fetch(url, max_bytes=max_bytes)


class LazySender:
    """Implements ports.WebhookSender, as above when the first URL of a webhook is given or called."""

    def __init__(self, make: Callable[[], ports.WebhookSender]) -> None:
        self._made = cache(make)

    def check(self, url: str) -> None:
        self._made().check(url)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebhookReply:
        return self._made().send(url, body, headers)


class Outside:
    """Each is imported and made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def url_guard(self) -> UrlGuard:
        from darkroom.adapters.url_guard import UrlGuard

        return UrlGuard(also_allowed=self._settings.url_also_allowed)

    @cached_property
    def fetcher(self) -> ports.UrlFetcher:
        return self._fetcher(https_only=False)

    def _fetcher(self, *, https_only: bool) -> ports.UrlFetcher:
        def make() -> ports.UrlFetcher:
            from darkroom.adapters.url_fetcher import HttpUrlFetcher

            return HttpUrlFetcher(self.url_guard, https_only=https_only)

        return LazyFetcher(make)

    @cached_property
    def webhook_sender(self) -> ports.WebhookSender:
        def make() -> ports.WebhookSender:
            from darkroom.adapters.webhook_sender import HttpWebhookSender

            return HttpWebhookSender(self.url_guard)

        return LazySender(make)

    @cached_property
    def check_url(self) -> Callable[[str], object]:
        return lambda url: self.url_guard.check(url)

    @cached_property
    def providers(self) -> Mapping[str, ports.Provider]:
        from darkroom.providers import ProvidersByName

        return ProvidersByName(self.provider_settings)

    @cached_property
    def published(self) -> OpenRouter:
        from darkroom.providers.openrouter import OpenRouter

        return OpenRouter(self.provider_settings("openrouter"))

    @cached_property
    def key_issuer(self) -> OpenRouterAuth:
        from darkroom.providers.openrouter import OpenRouterAuth

        return OpenRouterAuth(self.provider_settings("openrouter"))

    def provider_settings(self, name: str) -> ProviderSettings:
        from darkroom.providers import ProviderSettings

        settings = self._settings
        return ProviderSettings(
            url=settings.openrouter_url if name == "openrouter" else settings.provider_urls.get(name),
            referer=settings.openrouter_http_referer or None,
            title=settings.openrouter_app_name,
            read_seconds=settings.openrouter_timeout_ms / 1000,
            attempts=settings.openrouter_max_retries + 1,
            credit_usd=settings.removebg_credit_usd if name == "removebg" else None,
            fetcher=self._fetcher(https_only=True),
        )
