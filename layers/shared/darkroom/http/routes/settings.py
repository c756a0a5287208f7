"""The HTTP edge of a user's settings: GET, PATCH /v1/settings"""

from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered, validated
from darkroom.http.schemas.settings import CHANGE_SETTINGS, SHOW_SETTINGS, ChangedSettings, SettingsView


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
        named = validated(ChangedSettings, api.request.fields(ChangedSettings.model_fields))
        changes = {name: getattr(named, name) for name in named.model_fields_set}
        warnings = app.preferences.change(api.user, changes, own_key=app.keys.pays_alone(api.user))
        return answered(shown(warnings))
