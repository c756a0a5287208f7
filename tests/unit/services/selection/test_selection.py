"""Who serves a request, and with which model: the request says, else its user's settings, the stack's, the built-in."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from darkroom.errors import InvalidApiKey, InvalidParameter, UnsupportedModel
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.models.key import StoredKey
from darkroom.models.user_settings import UserSettings
from darkroom.providers import ProviderSettings
from darkroom.providers.anthropic import connect as anthropic
from darkroom.providers.openai import connect as openai
from darkroom.services.selection.image_models import ImageModels
from darkroom.services.selection.providers import Choice
from darkroom.settings import Settings
from local.providers.openai import Simulator as OpenAi
from local.simulator import Simulator
from tests.application import KLEIN, Studio
from tests.conftest import SteppingClock
from tests.unit.services.completing import asked, done, submit
from tests.unit.services.talking import Talk

TERMS = Terms(route="POST /v1/images/generations")
MINI = "openai/gpt-image-1-mini"
GEMINI = "google/gemini-2.5-flash-image"
SEEDREAM = "bytedance-seed/seedream-4.5"
GONE = "somebody/gone"


@pytest.fixture(scope="module")
def open_ai() -> Iterator[OpenAi]:
    with OpenAi() as running:
        yield running


@pytest.fixture
def studio(studio_simulator: Simulator, clock: SteppingClock, open_ai: OpenAi) -> Studio:
    """With OpenRouter and OpenAI; Alice has a key of OpenRouter's."""
    studio_simulator.reset()
    open_ai.reset()
    studio = Studio(studio_simulator, clock)
    studio.direct["openai"] = openai(ProviderSettings(url=open_ai.url))
    studio.direct["anthropic"] = anthropic(ProviderSettings(url="http://127.0.0.1:9"))
    studio.connect("alice")
    return studio


def connect(studio: Studio, provider: str = "openai", secret: str = "", *, only: bool = False) -> None:
    if only:
        studio.vault.remove("alice", "openrouter")
    key = StoredKey(user="alice", provider=provider, hint="", sha256="0" * 64, connected_at=studio.clock())
    studio.vault.store(key, secret or "sk-" + "0" * 40)


def choose(studio: Studio, **settings: Any) -> None:
    studio.settings.settings["alice"] = UserSettings(**settings)


def made(studio: Studio, **fields: Any) -> Job:
    request = ImageRequest.model_validate({"prompt": "a fox", **fields})
    return studio.app.generate.submit(Caller(user="alice"), request, TERMS).job


class TestModels:
    """Four ways to come by one, by mode; the first that says something counts."""

    def models(self, studio: Studio, **environ: str) -> ImageModels:
        given = {"DARKROOM_TABLE": "table", "DARKROOM_UPLOADS_BUCKET": "uploads", "DARKROOM_OUTPUTS_BUCKET": "outputs"}
        settings = Settings.from_environ({**given, **environ})
        return ImageModels(
            studio.app.catalogue,
            generation_model=settings.image_generation_model,
            edit_model=settings.image_edit_model,
        )

    @pytest.mark.parametrize(("is_edit", "variable"), [(False, "IMAGE_GENERATION_MODEL"), (True, "IMAGE_EDIT_MODEL")])
    def test_request_then_user_then_stack_then_built_in(self, studio: Studio, is_edit: bool, variable: str) -> None:
        own = UserSettings(**{variable.lower(): SEEDREAM})
        other = UserSettings(**{("image_edit_model", "image_generation_model")[is_edit]: SEEDREAM})
        built_in, stack = self.models(studio), self.models(studio, **{variable: GEMINI})

        def chosen(models: ImageModels, model: str | None, settings: UserSettings) -> str:
            request = ImageRequest(prompt="a fox", model=model)
            choice = Choice(studio.openrouter, settings=settings)
            return models.choose(request, is_edit=is_edit, choice=choice).models[0].id

        assert chosen(stack, MINI, own) == MINI
        assert chosen(stack, None, own) == SEEDREAM
        assert chosen(stack, None, other) == GEMINI
        assert chosen(built_in, None, other) == KLEIN

    def test_a_default_of_the_users_that_has_died_gives_way_to_the_stacks_and_that_is_said(
        self, studio: Studio
    ) -> None:
        choose(studio, image_generation_model=GONE)
        job = made(studio)
        assert job.work is not None
        assert job.work.request is not None
        assert job.work.request.model == KLEIN
        assert job.warnings == (f"Your `image_generation_model`, {GONE}, cannot be had now; {KLEIN} is used instead.",)

    def test_it_applies_to_the_next_request(self, studio: Studio) -> None:
        models = []
        for settings in ({}, {"image_generation_model": MINI}, {}):
            choose(studio, **settings)
            models.append(made(studio).model_requested)
        assert models == [KLEIN, MINI, KLEIN]

    def test_of_chat_too(self, studio: Studio) -> None:
        choose(studio, chat_model="openai/gpt-4o-mini")
        assert submit(studio, asked(model=None)).job.model_requested == "openai/gpt-4o-mini"
        choose(studio, chat_model=GONE)
        job = submit(studio, asked(model=None)).job
        assert job.model_requested == "google/gemini-2.5-flash"
        assert job.warnings[0].startswith(f"Your `ai_chat_model`, {GONE}, cannot be had now;")


class TestProviders:
    def test_openrouter_goes_before_others_where_both_have_a_key(self, studio: Studio) -> None:
        connect(studio)
        assert made(studio, model=MINI).provider == "openrouter"

    def test_without_its_key_whoever_has_one(self, studio: Studio) -> None:
        connect(studio, only=True)
        assert made(studio, model=MINI, max_cost_usd="0.05").provider == "openai"

    def test_nobody_without_any(self, studio: Studio) -> None:
        studio.vault.remove("alice", "openrouter")
        with pytest.raises(InvalidApiKey, match="openrouter"):
            made(studio)

    def test_the_request_then_the_user_then_the_stack(self, studio: Studio) -> None:
        connect(studio)
        studio.preferred = "openai"
        assert made(studio, model=MINI).provider == "openai"
        choose(studio, provider="openrouter")
        assert made(studio, model=MINI).provider == "openrouter"
        assert made(studio, model=MINI, provider="openai").provider == "openai"
        choose(studio, provider="openai")
        assert made(studio, model=MINI, provider="auto").provider == "openrouter"

    def test_one_that_is_set_and_cannot_do_it_is_passed_over_but_not_one_that_is_asked_for(
        self, studio: Studio
    ) -> None:
        connect(studio, "anthropic")
        choose(studio, provider="anthropic")
        assert made(studio).provider == "openrouter"
        with pytest.raises(InvalidParameter) as refused:
            made(studio, provider="anthropic")
        assert (refused.value.param, "anthropic" in refused.value.context["accepted"]) == ("provider", False)

    def test_one_that_there_is_not_is_refused_before_anything_is_kept(self, studio: Studio) -> None:
        with pytest.raises(InvalidParameter) as refused:
            made(studio, provider="nobody")
        assert refused.value.param == "provider"
        assert {"auto", "openai", "openrouter"} <= set(refused.value.context["accepted"])
        assert studio.jobs.jobs == {}

    def test_without_its_key_one_that_is_asked_for_is_not_replaced(self, studio: Studio) -> None:
        with pytest.raises(InvalidApiKey, match="openai"):
            made(studio, model=MINI, provider="openai")

    def test_its_job_shows_it_as_it_was_said(self, studio: Studio) -> None:
        assert made(studio, provider="openrouter").input["provider"] == "openrouter"
        assert made(studio, provider={"sort": "price"}).input["provider"]["sort"] == "price"

    def test_two_providers_make_two_requests(self, studio: Studio) -> None:
        connect(studio)
        digests = {made(studio, model=MINI, **given).request_sha256 for given in ({}, {"provider": "openai"})}
        assert len(digests) == 2


class TestDirect:
    @pytest.fixture(autouse=True)
    def _chosen(self, studio: Studio) -> None:
        connect(studio)
        choose(studio, provider="openai")

    def test_the_call_goes_there_and_its_cost_is_told_by_the_published_prices(
        self, studio: Studio, open_ai: OpenAi
    ) -> None:
        connect(studio, secret=str(open_ai.key))
        job = made(studio, model=MINI, quality="low")
        assert job.work is not None
        assert {line.billable for line in job.work.rates["openai"][MINI].lines} >= {"output_image", "input_text"}
        studio.carry_out()
        done_job = studio.job("alice", job.id)
        assert (done_job.status, done_job.provider) == (JobStatus.SUCCEEDED, "openai"), done_job.error
        assert done_job.cost.actual == open_ai.invoice()
        assert studio.charged() == []

    def test_a_model_of_others_is_refused_with_its_own(self, studio: Studio) -> None:
        with pytest.raises(UnsupportedModel) as refused:
            made(studio, model=KLEIN)
        assert "OpenAI does not serve" in refused.value.detail
        assert all(each.startswith("openai/") for each in refused.value.context["suggestions"])
        with pytest.raises(InvalidParameter) as fallback:
            made(studio, model=MINI, fallback_models=[KLEIN])
        assert fallback.value.param == "fallback_models"
        with pytest.raises(UnsupportedModel):
            made(studio, model=KLEIN, fallback_models=[MINI])

    def test_whoever_names_no_model_gets_one_that_it_serves(self, studio: Studio) -> None:
        job = made(studio, max_cost_usd="0.1")
        assert str(job.model_requested).startswith("openai/")

    def test_an_old_name_leads_to_one_that_it_serves(self, studio: Studio) -> None:
        job = made(studio, model="dall-e-2", max_cost_usd="0.1")
        assert job.work is not None
        assert job.work.request is not None
        assert job.work.request.model.startswith("openai/")

    @pytest.mark.parametrize(
        ("fields", "param"),
        [({"provider": {"only": ["openai"]}}, "provider"), ({"zdr": True}, "zdr")],
    )
    def test_what_only_openrouter_can_be_asked_for_is_refused(
        self, studio: Studio, fields: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(InvalidParameter) as refused:
            made(studio, model=MINI, **fields)
        assert refused.value.param == param
        with pytest.raises(InvalidParameter) as in_chat:
            submit(studio, asked(model="openai/gpt-4o-mini", **fields))
        assert in_chat.value.param == param

    def test_plain_chat_goes_there_without_openrouters_preferences(self, studio: Studio, open_ai: OpenAi) -> None:
        connect(studio, secret=str(open_ai.key))
        job = done(studio, asked(model="openai/gpt-4o-mini"))
        assert (job.status, job.provider) == (JobStatus.SUCCEEDED, "openai"), job.error
        assert job.cost.actual == open_ai.invoice()
        assert studio.charged() == []


class TestStandIns:
    """Others that may do it, while nothing has been billed: for a known price, within what is set aside."""

    @pytest.fixture(autouse=True)
    def _both(self, studio: Studio) -> None:
        connect(studio)

    def others(self, job: Job) -> tuple[str, ...]:
        assert job.work is not None
        assert set(job.work.other_providers) == set(job.work.rates)
        return job.work.other_providers

    def test_the_maker_of_the_model(self, studio: Studio) -> None:
        assert self.others(made(studio, model=MINI)) == ("openai",)
        assert self.others(submit(studio, asked(model="openai/gpt-4o-mini")).job) == ("openai",)

    @pytest.mark.parametrize(
        "fields",
        [
            {"model": KLEIN},
            {"model": MINI, "fallback_models": [KLEIN]},
            {"model": MINI, "provider": "openrouter"},
            {"model": MINI, "provider": {"sort": "price"}},
        ],
    )
    def test_nobody_else(self, studio: Studio, fields: dict[str, Any]) -> None:
        assert self.others(made(studio, **fields)) == ()

    def test_not_at_the_stack_owners_expense_where_the_user_pays(self, studio: Studio, clock: SteppingClock) -> None:
        studio.vault.remove("alice", "openai")
        studio.operator = "sk-of-the-stack"
        choice = studio.app.providers.choose("alice", "generate")
        assert (choice.name, choice.others, choice.own_key) == ("openrouter", (), True)
        studio.vault.remove("alice", "openrouter")
        assert not studio.app.providers.choose("alice", "generate").own_key


class TestPrivacy:
    """What is sent may be kept by nobody: by the request, else by the user's settings."""

    @pytest.mark.parametrize(
        ("setting", "fields", "only"),
        [
            (None, {}, None),
            (None, {"zdr": True}, ["black-forest-labs"]),
            (True, {}, ["black-forest-labs"]),
            (True, {"zdr": False}, None),
            (True, {"provider": {"sort": "price"}}, ["black-forest-labs"]),
        ],
    )
    def test_pictures_are_sent_to_the_one_source_that_keeps_nothing(
        self, studio: Studio, setting: bool | None, fields: dict[str, Any], only: list[str] | None
    ) -> None:
        choose(studio, zero_data_retention=setting)
        made(studio, model=KLEIN, **fields)
        studio.carry_out()
        (sent,) = studio.paid_requests()
        assert sent["body"].get("provider", {}).get("only") == only

    @pytest.mark.parametrize("fields", [{"model": MINI}, {"model": KLEIN, "fallback_models": [MINI]}])
    def test_a_model_of_which_nobody_says_so_is_refused_before_anything_is_spent(
        self, studio: Studio, fields: dict[str, Any]
    ) -> None:
        choose(studio, zero_data_retention=True)
        with pytest.raises(InvalidParameter, match="keeps nothing") as refused:
            made(studio, **fields)
        assert (refused.value.param, studio.jobs.jobs) == ("zdr", {})

    def test_a_default_is_one_that_can(self, studio: Studio) -> None:
        studio.painter = f"{MINI}, {KLEIN}"
        assert made(studio).model_requested == MINI
        assert made(studio, zdr=True).model_requested == KLEIN

    @pytest.mark.parametrize(
        ("setting", "fields", "sent"),
        [
            (None, {}, None),
            (None, {"zdr": True}, True),
            (True, {}, True),
            (True, {"zdr": False}, None),
            (True, {"provider": {"zdr": False}}, False),
            (None, {"provider": {"zdr": True}}, True),
        ],
    )
    def test_plain_chat_says_so(
        self, studio: Studio, setting: bool | None, fields: dict[str, Any], sent: bool | None
    ) -> None:
        choose(studio, zero_data_retention=setting)
        done(studio, asked(**fields))
        (request,) = studio.paid_requests()
        assert request["body"]["provider"].get("zdr") == sent

    def test_the_planner_does_and_nothing_is_put_into_the_providers_cache(self, studio: Studio) -> None:
        for setting in (None, True):
            choose(studio, zero_data_retention=setting)
            Talk(studio).begin().submit("warmer")
            studio.carry_out()
        plain, private = [row for row in studio.paid_requests() if row["path"].endswith("/chat/completions")]
        assert ("zdr" in plain["body"]["provider"], "x-openrouter-cache" in plain["headers"]) == (False, True)
        assert (private["body"]["provider"]["zdr"], "x-openrouter-cache" in private["headers"]) == (True, False)

    def test_nobody_stands_in(self, studio: Studio) -> None:
        connect(studio)
        job = submit(studio, asked(model="openai/gpt-4o-mini", zdr=True)).job
        assert job.work is not None
        assert job.work.other_providers == ()


class TestWebhook:
    def test_the_settings_stand_in_for_the_requests(self, studio: Studio) -> None:
        choose(studio, webhook_url="https://hooks.example/all")
        assert made(studio).webhook_url == "https://hooks.example/all"
        assert made(studio, webhook_url="https://hooks.example/one").webhook_url == "https://hooks.example/one"
        assert "webhook_url" not in made(studio).input
        assert studio.webhook_sender.checked == ["https://hooks.example/one"]


class TestRetention:
    @pytest.mark.parametrize(("days", "kept"), [(None, 30), (1, 1), (14, 14)])
    def test_a_job_is_kept_as_long_as_its_pictures(self, studio: Studio, days: int | None, kept: int) -> None:
        choose(studio, retention_days=days)
        assert made(studio).expires_at == studio.clock() + timedelta(days=kept)
