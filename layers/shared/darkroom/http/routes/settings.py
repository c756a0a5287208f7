"""The HTTP edge of a user's settings: GET, PATCH /v1/settings"""

from typing import Any

from darkroom.application import Application
from darkroom.http.app import Api, validated
from darkroom.http.schemas.settings import ChangedSettings


def settings_routes(api: Api, app: Application) -> None:
    app.load("keys", "preferences")

    def shown() -> dict[str, Any]:
        own_key = app.keys.pays_alone(api.user)
        return {"object": "settings", **app.preferences.show(api.user, own_key=own_key)}

    @api.get("/v1/settings")
    def show_settings() -> dict[str, Any]:
        return shown()

    @api.patch("/v1/settings", enable_validation=False)
    def change_settings() -> dict[str, Any]:
        api.require_unrestricted()
        named = validated(ChangedSettings, api.request.fields(ChangedSettings.model_fields))
        warnings = app.preferences.change(api.user, {name: getattr(named, name) for name in named.model_fields_set})
        return {**shown(), **({"warnings": list(warnings)} if warnings else {})}
