"""The HTTP edge of a user's settings: GET, PATCH /v1/settings · PUT, DELETE /v1/models/{id}/favorite"""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import NotFound
from darkroom.http.app import Api, answered, validated
from darkroom.http.schemas.settings import (
    ADD_FAVORITE,
    CHANGE_SETTINGS,
    ONLY_SHOWN,
    REMOVE_FAVORITE,
    SHOW_SETTINGS,
    ChangedSettings,
    FavoriteModel,
    SettingsView,
)

_FAVORITE: Final = re.compile(r"/v1/models/(.+)/favou?rite/?")


def settings_routes(api: Api, app: Application) -> None:
    app.load("keys", "preferences")

    def shown(warnings: Sequence[str] = ()) -> SettingsView:
        own_key = app.keys.pays_alone(api.user)
        return SettingsView(**app.preferences.show(api.user, own_key=own_key), warnings=tuple(warnings) or None)

    @api.serve(SHOW_SETTINGS)
    def show_settings() -> Response[Any]:
        return answered(shown())

    @api.serve(CHANGE_SETTINGS)
    def change_settings() -> Response[Any]:
        api.require_unrestricted()
        given = api.request.fields(_is_setting)
        named = validated(ChangedSettings, given)
        changes = {name: getattr(named, name) for name in named.model_fields_set}
        warnings = app.preferences.change(
            api.user, changes, own_key=app.keys.pays_alone(api.user), is_document="source" in given
        )
        return answered(shown(warnings))

    def favored(*, is_favourite: bool) -> Response[Any]:
        api.require_unrestricted()
        found = _FAVORITE.fullmatch(str(api.app.current_event.path))
        if found is None:
            raise NotFound(
                "A model itself cannot be changed.", fix="PUT or DELETE /v1/models/{id}/favorite stars it, or not."
            )
        model, every = app.preferences.favour(api.user, unquote(found[1]), is_favourite=is_favourite)
        return answered(FavoriteModel(id=model, favorite=is_favourite, favorite_models=every))

    # Ids contain slashes, which clients write as they are or as %2F.
    @api.serve(ADD_FAVORITE)
    def add_favorite() -> Response[Any]:
        return favored(is_favourite=True)

    @api.serve(REMOVE_FAVORITE)
    def remove_favorite() -> Response[Any]:
        return favored(is_favourite=False)


def _is_setting(name: str) -> bool:
    return name in ChangedSettings.model_fields or name in ONLY_SHOWN or name == "favourite_models"
