"""Users' settings over a stack that was deployed with some variables."""

from collections.abc import Callable
from typing import Any

from darkroom.bootstrap._preferences import stack_defaults
from darkroom.errors import ServiceUnavailable
from darkroom.ports import CatalogueSource, Provider
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.services.paid.budgets import Budgets
from darkroom.services.preferences import Preferences
from darkroom.services.selection.chat_models import ChatModels
from darkroom.services.setting_checks import SettingChecks
from darkroom.settings import Settings

GIVEN = {"DARKROOM_TABLE": "table", "DARKROOM_UPLOADS_BUCKET": "uploads", "DARKROOM_OUTPUTS_BUCKET": "outputs"}


class Unreachable:
    """Publishes models that nobody can ask for now. Implements ports.CatalogueSource."""

    def image_models(self) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def image_endpoints(self, model: str) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def chat_models(self) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def chat_endpoints(self, model: str) -> Any:
        raise ServiceUnavailable("Nobody answers.")

    def private_models(self) -> Any:
        raise ServiceUnavailable("Nobody answers.")


def preferring(
    budgets: Budgets,
    source: CatalogueSource,
    providers: dict[str, Provider],
    check_webhook: Callable[[str], None] = lambda _url: None,
    **environ: str,
) -> Preferences:
    settings = Settings.from_environ({**GIVEN, **environ})
    catalogue = Catalogue(source)
    checks = SettingChecks(
        catalogue,
        ChatModels(catalogue, default=settings.chat_model),
        providers,
        check_webhook,
        segmenter=settings.background_model,
        acknowledged=settings.acknowledged_licences,
    )
    return Preferences(budgets, checks, defaults=stack_defaults(settings))
