"""Where OpenRouter is, what it is told of this application, and what its answers other than a 200 mean.

Authorization: Bearer sk-or-v1-…        HTTP-Referer: https://darkroom.example
X-OpenRouter-Title: Darkroom            X-OpenRouter-Categories: image-gen
"""

from darkroom.providers._calls import Calls
from darkroom.providers._http import HttpClient, Timeouts
from darkroom.providers._openrouter_errors import refused
from darkroom.providers._retry import Retries
from darkroom.providers._settings import ProviderSettings

NAME = "openrouter"
TITLE = "OpenRouter"
CONSOLE_URL = "https://openrouter.ai/keys"
_URL = "https://openrouter.ai"


def url(settings: ProviderSettings | None) -> str:
    return (settings and settings.url) or _URL


def calls(
    settings: ProviderSettings | None, *, http: HttpClient | None = None, retries: Retries | None = None
) -> Calls:
    settings = settings or ProviderSettings()
    return Calls(
        provider=NAME,
        title=TITLE,
        base_url=f"{url(settings)}/api/v1",
        headers={
            name: plain
            for name, value in _attribution(settings).items()
            if (plain := "".join(letter for letter in value or "" if " " <= letter <= "~").strip())
        },
        refused=refused,
        http=http or HttpClient(Timeouts(settings.connect_seconds, settings.read_seconds)),
        retries=retries or Retries(attempts=settings.attempts),
        fetcher=settings.fetcher,
    )


def _attribution(settings: ProviderSettings) -> dict[str, str | None]:
    return {
        "HTTP-Referer": settings.referer,
        "X-OpenRouter-Title": settings.title,
        "X-OpenRouter-Categories": ",".join(settings.categories),
    }
