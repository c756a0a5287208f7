"""The function of models over the simulator's lists, as users see it."""

import json
from typing import Any

from darkroom.http.routes.models import routes
from darkroom.providers import ProviderSettings, load
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.accounts.callers import Callers
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.catalogue import MemoryCatalogueStore
from tests.fakes.paid import MemorySettingsStore
from tests.fakes.usage import MemoryModelStatistics
from tests.openapi import handled

KLEIN = "black-forest-labs/flux.2-klein-4b"
PRO = "black-forest-labs/flux.2-pro"
GPT = "openai/gpt-image-2"
MINI = "openai/gpt-image-1-mini"
MUSE = "meta/muse-image"
FLASH = "google/gemini-3-flash-preview"
OPUS = "anthropic/claude-opus-4.6"
GEMMA = "google/gemma-4-31b-it:free"
LLAMA = "meta-llama/llama-3.3-70b-instruct"
HOUR = 3600
# Nobody asks them anything: it is by the catalogue that they are priced.
DIRECT = {name: load(name)(ProviderSettings()) for name in ("gemini", "groq", "removebg")}


class World:
    """The function as two users see it."""

    def __init__(self, simulator: Simulator, callers: Callers, clock: SteppingClock) -> None:
        self.simulator = simulator
        self.clock = clock
        self.store = MemoryCatalogueStore()
        self.statistics = MemoryModelStatistics()
        self.settings = MemorySettingsStore()
        self._callers = callers
        self.start()

    def start(self) -> None:
        """A container that remembers nothing."""
        studio = Studio(
            self.simulator,
            self.clock,
            planner=FLASH,
            direct=DIRECT,
            environ={
                "DARKROOM_IMAGE_GENERATION_MODEL": f"nobody/gone,{KLEIN}",
                "DARKROOM_IMAGE_EDIT_MODEL": "google/gemini-2.5-flash-image",
                "DARKROOM_CATALOGUE_SECONDS": str(HOUR),
            },
            settings=self.settings,
            catalogue=self.store,
            statistics=self.statistics,
        )
        once = OpenRouter(ProviderSettings(url=self.simulator.url, attempts=1), retries=Retries(attempts=1))
        studio.app.callers = self._callers
        studio.published = once
        self._api = routes(studio.app)

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        return handled(self._api.handle, event, context)

    def call(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = self.handle(http_event(*args, **kwargs), Context())
        return answer["statusCode"], json.loads(answer["body"])

    @property
    def asked(self) -> int:
        return len(self.simulator.world.log.entries())
