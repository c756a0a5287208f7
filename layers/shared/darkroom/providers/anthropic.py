"""Anthropic's Claude, asked directly through the door that speaks OpenAI's language.

It takes no schema for an answer, so plans are asked for as a call of a tool. Temperatures go up to 1, and seeds are not
known. The list of models is behind a door of its own kind, with `x-api-key` and a version.
https://docs.claude.com/en/api/openai-sdk
"""

import re
from functools import cached_property
from typing import Final

from darkroom.ports import Provider
from darkroom.providers._calls import Calls
from darkroom.providers._openai_like import OpenAiLike
from darkroom.providers._openai_like_chat import Dialect
from darkroom.providers._settings import ProviderSettings

_PREFIX: Final = "anthropic/"
# The catalogue's names since version 4: a family and a version, `claude-opus-4.6`. What came before is retired.
_NAME: Final = re.compile(r"claude-([a-z]+)-(\d+)(?:\.(\d+))?")
_VERSION: Final = "2023-06-01"


def connect(settings: ProviderSettings | None = None) -> Provider:
    return Anthropic(settings)


class Anthropic(OpenAiLike):
    name = "anthropic"
    title = "Anthropic"
    console_url = "https://console.anthropic.com/settings/keys"
    origin = "https://api.anthropic.com"
    makers = frozenset({"anthropic"})
    sources = frozenset({"anthropic"})
    dialect = Dialect(schema_by_tool=True, takes=frozenset({"temperature"}), most_temperature=1.0)
    _models_path = "/models?limit=1000"

    def serves(self, model: str) -> str | None:
        """Versions have hyphens there, and the first of version 4 a zero: `claude-opus-4-6`, `claude-opus-4-0`."""
        match = _NAME.fullmatch(model.removeprefix(_PREFIX)) if model.startswith(_PREFIX) else None
        if match is None:
            return None
        minor = match[3] or ("0" if match[2] == "4" else "")
        return "-".join(part for part in ("claude", match[1], match[2], minor) if part)

    @cached_property
    def _lists(self) -> Calls:
        return self._calls_at(self.path, authorise=lambda key: {"x-api-key": key, "anthropic-version": _VERSION})
