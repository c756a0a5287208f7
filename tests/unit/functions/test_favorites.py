"""PUT, DELETE /v1/models/{model_id}/favorite: one star, whatever else changes."""

import json
from typing import Any

import pytest

from darkroom.http.routes.account import routes
from darkroom.models.user_settings import UserSettings
from tests.application import KLEIN, Studio
from tests.events import Context, http_event
from tests.fakes.paid import MemorySettingsStore
from tests.openapi import handled

MINI = "openai/gpt-image-1-mini"


class RacingSettings(MemorySettingsStore):
    """Somebody else is faster, once."""

    is_raced = False

    def save(self, user: str, settings: UserSettings) -> bool:
        if not self.is_raced:
            self.is_raced = True
            others = {"favourite_models": (MINI,), "warn_at_percent": 44}
            assert super().save(user, self.load(user).model_copy(update=others))
        return super().save(user, settings)


def _settings(studio: Studio) -> Any:
    event = http_event("GET", "/v1/settings", token=studio.token("alice"))
    return json.loads(handled(routes(studio.app).handle, event, Context())["body"])


class TestFavorites:
    def ask(self, studio: Studio, method: str, name: str, path: str = "favorite") -> tuple[int, Any]:
        token = studio.token("alice")
        event = http_event(method, f"/v1/models/{name}/{path}", token=token)
        event["routeKey"] = event["requestContext"]["routeKey"] = f"{method} /v1/models/{{proxy+}}"
        answer = handled(routes(studio.app).handle, event, Context())
        return answer["statusCode"], json.loads(answer["body"])

    @pytest.mark.parametrize("path", ["favorite", "favourite"])
    def test_a_model_is_starred_and_not_any_more(self, studio: Studio, path: str) -> None:
        status, answer = self.ask(studio, "PUT", KLEIN, path)
        assert (status, answer["favorite"], answer["favorite_models"]) == (200, True, [KLEIN])
        assert self.ask(studio, "PUT", "gpt-image-1-mini", path)[1]["favorite_models"] == [KLEIN, MINI]
        assert _settings(studio)["favorite_models"] == [KLEIN, MINI]
        assert self.ask(studio, "DELETE", KLEIN, path)[1]["favorite_models"] == [MINI]
        assert self.ask(studio, "DELETE", KLEIN, path)[0] == 200, "once more changes nothing"
        status, problem = self.ask(studio, "PUT", "acme/none", path)
        assert (status, problem["charged"], _settings(studio)["favorite_models"]) == (400, False, [MINI])

    def test_changes_at_the_same_time_lose_nothing(self, studio: Studio) -> None:
        """Another star comes between reading and writing."""
        studio.settings = RacingSettings()
        assert set(self.ask(studio, "PUT", KLEIN)[1]["favorite_models"]) == {KLEIN, MINI}
        assert _settings(studio)["warn_at_percent"] == 44
