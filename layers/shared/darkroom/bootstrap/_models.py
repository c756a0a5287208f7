"""The function of models: what there is, what it costs, and what a request would cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from darkroom.bootstrap._base import ProvidersByName, callers, now, stores
from darkroom.bootstrap._catalogue import catalogue
from darkroom.bootstrap._usage import statistics
from darkroom.models.model_row import Task
from darkroom.services.accounts.callers import Callers
from darkroom.services.listing.estimates import Estimates
from darkroom.services.listing.model_list import ModelList
from darkroom.services.pricing.quotes import Quotes
from darkroom.services.selection.chat_models import ChatModels
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelsServices:
    callers: Callers
    models: ModelList
    estimates: Estimates


def models(environ: Mapping[str, str]) -> ModelsServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    published = catalogue(settings, behind)
    defaults: dict[Task, str] = {
        "generate": settings.image_generation_model,
        "edit": settings.image_edit_model,
        "chat": settings.chat_model,
    }
    return ModelsServices(
        callers=callers(settings, behind),
        models=ModelList(
            published,
            statistics(settings, behind),
            behind.settings,
            defaults=defaults,
            credit=settings.credit,
            clock=now,
        ),
        estimates=Estimates(
            quotes=Quotes(published, generation_model=defaults["generate"], edit_model=defaults["edit"]),
            chats=ChatModels(published, default=defaults["chat"]),
            settings=behind.settings,
            known=ProvidersByName(settings),
            credit=settings.credit,
        ),
    )
