"""GET, PATCH /v1/settings: what applies, where it comes from, and what cannot be had."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from darkroom.http.routes.account import routes
from darkroom.http.schemas.settings import ChangedSettings
from darkroom.models.catalogue import ImageModel, ParameterRange
from darkroom.models.money import CREDIT
from darkroom.models.user_settings import RETENTION_DAYS, UserSettings
from tests.application import KLEIN, LIMITS, Studio
from tests.events import Context, http_event
from tests.fakes.catalogue import Unreachable
from tests.openapi import handled

MINI = "openai/gpt-image-1-mini"
URL = "https://hooks.example/all"
# By name: what is set, and what it shows as.
CHANGES: dict[str, tuple[Any, Any]] = {
    "image_generation_model": (MINI, MINI),
    "image_edit_model": (MINI, MINI),
    "ai_chat_model": ("openai/gpt-4o-mini", "openai/gpt-4o-mini"),
    "ai_provider": ("openrouter", "openrouter"),
    "max_cost_per_request": (0.5, 0.5),
    "max_cost_per_conversation": (2, 2.0),
    "max_cost_per_day": ("3.5", 3.5),
    "max_cost_per_month": (40, 40.0),
    "warn_at_percent": (50, 50),
    "warn_at_cost": (0.5, 0.5),
    "credit_usd": (0.01, 0.01),
    "enable_image_generation": (False, False),
    "enable_background_removal": (False, False),
    "preferred_manipulation_method": ("local", "local"),
    "favorite_models": (["gpt-image-1-mini", KLEIN, KLEIN, "gpt-4o-mini"], [MINI, KLEIN, "openai/gpt-4o-mini"]),
    "background_model": ("u2netp", "u2netp"),
    "use_cloud_removal": (True, "always"),
    "retention_days": (7, 7),
    "zero_data_retention": (True, True),
    "webhook_url": (f"{URL}?key=CANARY", URL),
}


class Painters(Unreachable):
    """Two models, of which one edits."""

    def image_models(self) -> Any:
        edits = {"input_references": ParameterRange(type="range", min=Decimal(0), max=Decimal(4))}
        return (
            ImageModel(id="acme/new", name="New"),
            ImageModel(id="acme/retoucher", name="Retoucher", parameters=edits),
        )


@pytest.fixture
def studio(studio: Studio) -> Studio:
    """Whose owner has set nothing."""
    return Studio(studio.simulator, studio.clock, painter=None, planner=None)


class User:
    def __init__(self, studio: Studio, name: str = "alice", **token: Any) -> None:
        self.studio = studio
        self.token = studio.token(name, **token)

    def __call__(self, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        event = http_event(method, "/v1/settings", token=self.token, **({} if body is None else {"body": body}))
        answer = handled(routes(self.studio.app).handle, event, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def set(self, **changes: Any) -> Any:
        status, answer = self("PATCH", changes)
        assert status == 200, answer
        return answer

    def refusal(self, **changes: Any) -> Any:
        before = self()
        status, problem = self("PATCH", changes)
        assert status == 400, problem
        assert problem["charged"] is False
        assert self() == before
        return problem


@pytest.fixture
def alice(studio: Studio) -> User:
    return User(studio)


def test_every_setting_is_tried() -> None:
    assert set(CHANGES) == set(ChangedSettings.model_fields)


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_set_shown_and_given_back(alice: User, name: str) -> None:
    given, shown = CHANGES[name]
    before = alice()[1]
    assert before[name] != shown or name == "ai_provider"
    assert before["source"][name] == "built-in"
    after = alice.set(**{name: given})
    assert (after[name], after["source"][name]) == (shown, "user")
    # Nothing else has moved.
    changed = {
        each for each in CHANGES if after[each] != before[each] or after["source"][each] != before["source"][each]
    }
    assert changed == {name}
    assert alice()[1] == {each: after[each] for each in after if each != "warnings"}
    back = alice.set(**{name: None})
    assert back == before


def test_the_four_of_old_go_there_and_back(alice: User) -> None:
    four = {
        "ai_chat_model": "google/gemini-2.5-flash",
        "max_cost_per_request": 0.1,
        "enable_image_generation": False,
        "preferred_manipulation_method": "hybrid",
    }
    assert alice.set(**four) | four == alice()[1] == alice()[1] | four


def test_all_at_once_are_anothers_in_nothing(studio: Studio, alice: User) -> None:
    bob = User(studio, "bob")
    before = bob()
    alice.set(**{name: given for name, (given, _) in CHANGES.items()})
    assert bob() == before
    assert set(bob()[1]["source"].values()) == {"built-in"}


def test_a_token_with_limits_changes_nothing(studio: Studio, alice: User) -> None:
    before = alice()
    limited = User(studio, day_limit=1_000_000)
    status, problem = limited("PATCH", {"ai_provider": "openrouter"})
    assert (status, problem["code"]) == (403, "TOKEN_RESTRICTED")
    assert alice() == before


class TestStack:
    """What its owner has set applies to whoever has not."""

    @pytest.fixture
    def alice(self, studio: Studio) -> User:
        return User(
            Studio(
                studio.simulator,
                studio.clock,
                limits=LIMITS.model_copy(update={"per_day": 2_000_000}),
                painter=None,
                planner="openai/gpt-4o-mini",
                preferred="openrouter",
                environ={"DARKROOM_IMAGE_GENERATION_MODEL": MINI, "DARKROOM_RETENTION_DAYS": "3"},
            )
        )

    def test_it_is_shown_with_where_it_comes_from(self, alice: User) -> None:
        shown = alice()[1]
        assert {name: (shown[name], origin) for name, origin in shown["source"].items() if origin == "stack"} == {
            "image_generation_model": (MINI, "stack"),
            "ai_chat_model": ("openai/gpt-4o-mini", "stack"),
            "ai_provider": ("openrouter", "stack"),
            "retention_days": (3, "stack"),
            "max_cost_per_day": (2.0, "stack"),
        }

    def test_nothing_is_kept_longer_than_there(self, alice: User) -> None:
        assert alice.set(retention_days=14)["retention_days"] == 3
        assert alice.set(retention_days=1)["retention_days"] == 1


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "value", "suggested"),
        [
            ("image_generation_model", "somebody/painter", KLEIN),
            ("image_generation_model", "google/gemini-2.5-flash", "google/gemini-2.5-flash-image"),
            ("ai_chat_model", "openai/gpt-4o-minni", "openai/gpt-4o-mini"),
            ("ai_chat_model", KLEIN, "google/gemini-2.5-flash"),
            ("favorite_models", [KLEIN, "somebody/painter"], KLEIN),
        ],
    )
    def test_a_model_that_cannot_be_had_with_those_that_can(
        self, alice: User, name: str, value: Any, suggested: str
    ) -> None:
        problem = alice.refusal(**{name: value})
        assert (problem["code"], problem["param"]) == ("UNSUPPORTED_MODEL", name)
        assert suggested in problem["suggestions"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ai_provider", "nobody"),
            ("ai_provider", ""),
            ("retention_days", 2),
            ("retention_days", 0),
            ("use_cloud_removal", "sometimes"),
            ("preferred_manipulation_method", "magic"),
            ("credit_usd", 0),
            ("warn_at_percent", 101),
            ("max_cost_per_day", -1),
            ("max_cost_per_day", "NaN"),
            ("zero_data_retention", "perhaps"),
            ("webhook_url", ""),
            ("user", "bob"),
            ("limits", {}),
            ("version", 7),
        ],
    )
    def test_a_value_that_is_none_with_its_name(self, alice: User, name: str, value: Any) -> None:
        problem = alice.refusal(**{name: value})
        assert (problem["code"], problem["param"].split(".")[0]) == ("INVALID_PARAMETER", name)

    def test_a_model_that_makes_new_pictures_only_is_none_to_edit_with(self, studio: Studio) -> None:
        studio.published = Painters()
        problem = User(studio).refusal(image_edit_model="acme/new")
        assert (problem["code"], problem["param"]) == ("UNSUPPORTED_MODEL", "image_edit_model")
        assert problem["suggestions"] == ["acme/retoucher"]
        assert User(studio).set(image_generation_model="acme/new", image_edit_model="acme/retoucher")

    def test_a_segmentation_model_that_there_is_not(self, alice: User) -> None:
        problem = alice.refusal(background_model="u3net")
        assert (problem["code"], problem["param"]) == ("UNSUPPORTED_MODEL", "background_model")

    def test_a_segmentation_model_whose_licence_nobody_has(self, studio: Studio, alice: User) -> None:
        before = alice()
        status, problem = alice("PATCH", {"background_model": "bria-rmbg"})
        assert (status, problem["code"], problem["param"]) == (403, "LICENCE_NOT_ACKNOWLEDGED", "background_model")
        assert "bria-rmbg" in problem["detail"]
        assert "u2net" in problem["fix"]
        assert alice() == before
        licensed = Studio(
            studio.simulator, studio.clock, painter=None, environ={"DARKROOM_ACKNOWLEDGED_LICENCES": "bria-rmbg"}
        )
        assert User(licensed).set(background_model="bria-rmbg")["background_model"] == "bria-rmbg"

    def test_one_fault_keeps_the_rest_from_being_set(self, alice: User) -> None:
        alice.refusal(max_cost_per_day=1, ai_chat_model="somebody/talker")


class TestToKnow:
    def test_an_old_name_is_taken_and_it_is_said_which_model_that_is(self, alice: User) -> None:
        answer = alice.set(image_generation_model="dall-e-3")
        assert answer["image_generation_model"] == "dall-e-3"
        assert "openai/gpt-image" in answer["warnings"][0]

    def test_a_planner_that_is_blind_is_said_to_be(self, alice: User) -> None:
        assert "cannot look at pictures" in alice.set(ai_chat_model="openai/gpt-oss-20b")["warnings"][0]

    def test_a_favourite_that_has_died_can_stay(self, studio: Studio, alice: User) -> None:
        alice.set(favourite_models=[KLEIN])
        stored = studio.settings.settings["alice"]
        studio.settings.settings["alice"] = stored.model_copy(update={"favourite_models": ("somebody/gone", KLEIN)})
        assert alice.set(favourite_models=["somebody/gone", MINI])["favorite_models"] == ["somebody/gone", MINI]
        assert alice.set(favourite_models=[])["favorite_models"] == []

    def test_while_nobody_can_be_asked_a_name_is_taken_as_it_is(self, studio: Studio) -> None:
        studio.published = Unreachable()
        answer = User(studio).set(
            image_edit_model="somebody/painter", ai_chat_model="somebody/talker", favourite_models=["somebody/painter"]
        )
        assert (answer["image_edit_model"], answer["ai_chat_model"]) == ("somebody/painter", "somebody/talker")
        assert answer["favorite_models"] == ["somebody/painter"]
        assert len(answer["warnings"]) == 3
        assert all("stored as it is" in each for each in answer["warnings"])

    def test_whether_a_segmentation_models_weights_are_there_cannot_be_seen(self, alice: User) -> None:
        (warning,) = alice.set(background_model="isnet-anime")["warnings"]
        assert "weights of isnet-anime" in warning
        assert "null returns to u2net" in warning
        # Of the stack's own they are.
        assert "warnings" not in alice.set(background_model="u2net")

    def test_fast_is_kept_as_the_model_that_it_names(self, alice: User) -> None:
        assert alice.set(background_model="fast")["background_model"] == "u2netp"

    def test_a_webhook_is_checked_as_a_jobs_is(self, studio: Studio, alice: User) -> None:
        alice.set(webhook_url=URL)
        assert studio.webhook_sender.checked == [URL]


@pytest.mark.parametrize(("given", "shown"), [(True, "always"), (False, "never"), ("fallback", "fallback")])
def test_the_switch_has_a_third_position(alice: User, given: Any, shown: str) -> None:
    assert alice.set(use_cloud_removal=given)["use_cloud_removal"] == shown


def test_the_days_are_those_that_there_are_rules_for(alice: User) -> None:
    assert [alice.set(retention_days=days)["retention_days"] for days in RETENTION_DAYS] == list(RETENTION_DAYS)


def test_a_credit_is_worth_what_it_is_said_to_be(studio: Studio, alice: User) -> None:
    alice.set(credit_usd="0.0000019")
    assert studio.settings.load("alice").credit == 1 < CREDIT


class TestLimitsOfModels:
    """A model that cannot be used under the limits is named when it, or one of them, is set."""

    OPUS = "anthropic/claude-opus-4.6"

    def test_the_premium_planner_is_fine_by_the_limits_that_a_deployment_comes_with(self, alice: User) -> None:
        assert "warnings" not in alice.set(ai_chat_model=self.OPUS)
        assert "warnings" not in alice.set(max_cost_per_request=0.1)

    def test_a_planner_that_is_too_dear_is_told_of_at_once(self, alice: User) -> None:
        alice.set(ai_chat_model=self.OPUS)
        (warning,) = alice.set(max_cost_per_request=0.02)["warnings"]
        assert warning.startswith(f"{self.OPUS} cannot be used under your limits: a message may cost $0.0")
        assert warning.endswith("`max_cost_per_request` is $0.02. Raise it, or choose another `ai_chat_model`.")
        assert "warnings" not in alice.set(warn_at_percent=50), "nothing of it was touched"
        assert "warnings" not in alice.set(ai_chat_model="google/gemini-2.5-flash")

    def test_so_are_painters_and_limits_of_a_day(self, alice: User) -> None:
        (told,) = alice.set(max_cost_per_request=0.04, image_edit_model="openai/gpt-image-2")["warnings"]
        assert told.startswith("openai/gpt-image-2 cannot be used under your limits: an edit may cost $0.04")
        alice.set(image_edit_model=None, max_cost_per_request=None)
        (told,) = alice.set(max_cost_per_day=0.05, ai_chat_model=self.OPUS)["warnings"]
        assert "`max_cost_per_day` is $0.05" in told


class TestRoundTrip:
    @given(names=st.sets(st.sampled_from(sorted(CHANGES))))
    @example(names=set())
    @example(names=set(CHANGES))
    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_what_is_shown_can_be_sent_back_and_changes_nothing(self, alice: User, names: set[str]) -> None:
        """Whichever are set: the document as it is, what of it was set, and each field by itself."""
        alice.set(**dict.fromkeys(CHANGES))
        alice.set(**{name: CHANGES[name][0] for name in names})
        shown = alice()[1]
        assert alice.set(**shown) == shown
        assert alice.set(**shown["set"])["set"] == shown["set"]
        for name in names:
            alice.set(**{name: shown[name]})
        assert alice()[1] == shown

    def test_both_spellings_of_favorites_are_read(self, alice: User) -> None:
        assert alice.set(favourite_models=[KLEIN])["favorite_models"] == [KLEIN]
        assert alice.set(favorite_models=[MINI])["favorite_models"] == [MINI]
        both = alice.set(favorite_models=[KLEIN], favourite_models=[MINI])
        assert (both["favorite_models"], "favourite_models" in both) == ([KLEIN], False)

    def test_a_document_that_was_edited_changes_what_was_edited(self, alice: User) -> None:
        shown = alice()[1]
        after = alice.set(**{**shown, "warn_at_percent": 33, "webhook_url": URL})
        assert after["set"] == {"warn_at_percent": 33, "webhook_url": URL}
        assert {name for name, origin in after["source"].items() if origin == "user"} == after["set"].keys()

    def test_it_says_which_model_serves_each_role(self, alice: User) -> None:
        first = alice()[1]["effective"]
        painter = {"model": KLEIN, "source": "built-in"}
        chat = {"model": "google/gemini-3-flash-preview", "source": "built-in"}
        assert first == {"generate": painter, "edit": painter, "chat": chat, "paint": painter}
        alice.set(image_generation_model="gpt-image-1-mini", image_edit_model="google/gemini-2.5-flash-image")
        alice.set(ai_chat_model="gemini-2.5-flash", enable_image_generation=False)
        shown = alice()[1]
        assert shown["effective"] == {
            "generate": {"model": MINI, "source": "user"},
            "edit": {"model": "google/gemini-2.5-flash-image", "source": "user"},
            "chat": {"model": "google/gemini-2.5-flash", "source": "user"},
            "paint": None,
        }
        assert shown["set"]["ai_chat_model"] == "gemini-2.5-flash"

    def test_a_model_that_has_gone_is_shown_as_set_and_not_as_effective(self, studio: Studio, alice: User) -> None:
        studio.settings.settings["alice"] = UserSettings(chat_model="acme/gone")
        shown = alice()[1]
        assert shown["ai_chat_model"] == shown["set"]["ai_chat_model"] == "acme/gone"
        assert shown["effective"]["chat"] == {"model": "google/gemini-3-flash-preview", "source": "built-in"}

    def test_where_the_lists_cannot_be_had_nothing_is_claimed(self, studio: Studio) -> None:
        studio.published = Unreachable()
        assert User(studio)()[1]["effective"] == dict.fromkeys(("generate", "edit", "chat", "paint"))

    def test_a_model_that_lives_is_not_called_dead(self, alice: User) -> None:
        problem = alice.refusal(image_generation_model="anthropic/claude-opus-4.6")
        assert "makes text" in problem["detail"]
        assert "There is no" not in problem["detail"]
