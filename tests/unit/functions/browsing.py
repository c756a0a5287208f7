"""The function of models over the simulator's lists, as users see it."""

import json
from typing import Any

from darkroom.bootstrap import ModelsServices
from darkroom.http.routes.models import routes
from darkroom.models.money import CREDIT
from darkroom.providers import ProviderSettings, load
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.accounts.callers import Callers
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.listing.estimates import Estimates
from darkroom.services.listing.model_list import ModelList
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.chat_models import ChatModels
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.catalogue import MemoryCatalogueStore
from tests.fakes.paid import MemorySettingsStore
from tests.fakes.usage import MemoryModelStatistics

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
        provider = OpenRouter(ProviderSettings(url=self.simulator.url, attempts=1), retries=Retries(attempts=1))
        catalogue = Catalogue(provider, self.store, ttl_seconds=HOUR, clock=self.clock, patience=60)
        defaults = {"generate": f"nobody/gone,{KLEIN}", "edit": "google/gemini-2.5-flash-image", "chat": FLASH}
        services = ModelsServices(
            callers=self._callers,
            models=ModelList(
                catalogue,
                self.statistics,
                self.settings,
                defaults=defaults,  # type: ignore[arg-type]  # a dict of these very words
                credit=CREDIT,
                clock=self.clock,
            ),
            estimates=Estimates(
                quotes=Quotes(catalogue, generation_model=defaults["generate"], edit_model=defaults["edit"]),
                chats=ChatModels(catalogue, default=FLASH),
                settings=self.settings,
                known={"openrouter": provider, **DIRECT},
                credit=CREDIT,
            ),
        )
        self._api = routes(services)

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        return self._api.handle(event, context)

    def call(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = self.handle(http_event(*args, **kwargs), Context())
        return answer["statusCode"], json.loads(answer["body"])

    @property
    def asked(self) -> int:
        return len(self.simulator.world.log.entries())
