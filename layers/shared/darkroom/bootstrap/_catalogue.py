"""What is published of models, for every function that prices anything."""

from darkroom.adapters.catalogue_store import DynamoCatalogueStore
from darkroom.bootstrap._base import Stores, now, openrouter
from darkroom.observability import EmfTelemetry
from darkroom.services.catalogue.catalogue import Catalogue
from darkroom.settings import Settings

# Every request for one of the lists: how seldom that happens is the point.
COUNTER = "CatalogueRequests"


def catalogue(settings: Settings, behind: Stores) -> Catalogue:
    """Shared with all functions through the table."""
    telemetry = EmfTelemetry()
    return Catalogue(
        openrouter(settings),
        DynamoCatalogueStore(settings.table, behind.dynamodb),
        ttl_seconds=settings.catalogue_seconds,
        clock=now,
        counted=lambda _list: telemetry.counted(COUNTER),
    )
