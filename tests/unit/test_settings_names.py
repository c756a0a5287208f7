"""The names that variables go by: with the prefix and without, old ones and new ones, and keys that nobody may see."""

import traceback

import pytest

from darkroom.providers import load, names
from darkroom.settings import CUTTERS, OTHER_NAMES, Settings, SettingsError

GIVEN = {"DARKROOM_TABLE": "table", "DARKROOM_UPLOADS_BUCKET": "uploads", "DARKROOM_OUTPUTS_BUCKET": "outputs"}
BODY = "0123456789abcdef"
CANARY = f"sk-CANARY{BODY}"
# By variable: a value that is not the built-in one, and the field and what it comes to.
NAMED = [
    ("IMAGE_GENERATION_MODEL", "openai/gpt-image-2", "image_generation_model", "openai/gpt-image-2"),
    ("IMAGE_EDIT_MODEL", "openai/gpt-image-2", "image_edit_model", "openai/gpt-image-2"),
    ("OPENROUTER_DEFAULT_MODEL", "openai/gpt-4o-mini", "chat_model", "openai/gpt-4o-mini"),
    ("AI_PROVIDER", "openrouter", "ai_provider", "openrouter"),
    ("LLM_PROVIDER", "OpenRouter", "ai_provider", "openrouter"),
    ("OPENROUTER_TIMEOUT_MS", "60000", "openrouter_timeout_ms", 60_000),
    ("OPENROUTER_MAX_RETRIES", "0", "openrouter_max_retries", 0),
    ("OPENROUTER_HTTP_REFERER", "https://x.example", "openrouter_http_referer", "https://x.example"),
    ("OPENROUTER_APP_NAME", "Panel", "openrouter_app_name", "Panel"),
    ("OPENROUTER_DEBUG", "true", "openrouter_debug", True),
]


def made(**environ: str) -> Settings:
    return Settings.from_environ({**GIVEN, **environ})


@pytest.mark.parametrize("prefix", ["", "DARKROOM_"])
@pytest.mark.parametrize(("name", "value", "field", "expected"), NAMED)
def test_a_variable_is_read_under_its_own_name_and_with_the_prefix(
    prefix: str, name: str, value: str, field: str, expected: object
) -> None:
    assert Settings.model_fields[field].default != expected
    settings = made(**{prefix + name: value})
    assert getattr(settings, field) == expected
    assert not settings.is_built_in(field)


def test_every_other_name_is_tried() -> None:
    tried = {name for name, *_ in NAMED} | {"OPENROUTER_API_KEY"}
    assert {name for each in OTHER_NAMES.values() for name in each} == tried


@pytest.mark.parametrize(("name", "value", "field", "expected"), NAMED)
def test_what_has_the_prefix_comes_first(name: str, value: str, field: str, expected: object) -> None:
    other = {"openrouter_timeout_ms": "5000", "openrouter_max_retries": "7", "openrouter_debug": "false"}
    plain = "auto" if field == "ai_provider" else other.get(field, "something/else")
    settings = made(**{name: plain, f"DARKROOM_{name}": value})
    assert getattr(settings, field) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("AI_PROVIDER", "LLM_PROVIDER"),
        ("DARKROOM_AI_PROVIDER", "DARKROOM_LLM_PROVIDER"),
        ("DARKROOM_CHAT_MODEL", "DARKROOM_OPENROUTER_DEFAULT_MODEL"),
    ],
)
def test_two_names_that_disagree_stop_the_start_and_both_are_named(first: str, second: str) -> None:
    with pytest.raises(SettingsError, match=f"{first} and {second}"):
        made(**{first: "auto", second: "openrouter"})
    assert made(**{first: "openrouter", second: "openrouter"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AI_PROVIDER", "nobody"),
        ("LLM_PROVIDER", "nobody"),
        ("DARKROOM_LLM_PROVIDER", "nobody"),
        ("DARKROOM_AI_PROVIDER", "nobody"),
        ("OPENROUTER_TIMEOUT_MS", "soon"),
        ("DARKROOM_OPENROUTER_TIMEOUT_MS", "0"),
        ("OPENROUTER_MAX_RETRIES", "-1"),
        ("OPENROUTER_DEBUG", "perhaps"),
        ("OPENROUTER_APP_NAME", "x" * 101),
        ("AI_PROVIDER", "removebg"),
        ("LLM_PROVIDER", "removebg"),
        ("IMAGE_GENERATION_MODEL", "!!! not a model"),
        ("IMAGE_GENERATION_MODEL", "qwen/qwen-image-3; google/gemini-2.5-flash-image"),
        ("IMAGE_EDIT_MODEL", " , "),
        ("DARKROOM_IMAGE_EDIT_MODEL", ","),
        ("OPENROUTER_DEFAULT_MODEL", "gemini flash"),
        ("DARKROOM_CHAT_MODEL", "-x"),
        ("DARKROOM_BACKGROUND_MODEL", "zzz"),
        ("DARKROOM_PROVIDER_KEYS", "foo=1"),
        ("DARKROOM_PROVIDER_KEYS", "openai"),
        ("DARKROOM_PROVIDER_KEYS", "openai="),
        ("DARKROOM_PROVIDER_URLS", "foo=http://127.0.0.1:1"),
        ("DARKROOM_PROVIDER_URLS", "http://127.0.0.1:1"),
    ],
)
def test_a_bad_value_is_named_by_the_variable_that_was_used(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: "):
        made(**{name: value})


def test_an_unknown_provider_is_told_those_there_are() -> None:
    able = ", ".join(("auto", *(name for name in names() if name not in CUTTERS)))
    with pytest.raises(SettingsError, match=f"use one of: {able}$"):
        made(AI_PROVIDER="nobody")


def test_those_that_only_cut_out_are_the_ones_that_nobody_can_be_served_by() -> None:
    assert {name for name in names() if not load(name)(None).skills - {"cutout"}} == CUTTERS


@pytest.mark.parametrize(
    "listed", ["~openai/gpt-latest", "openrouter/flux/kontext-max", "nvidia/nemotron:free", "sdxl"]
)
def test_names_of_every_form_that_models_have_are_taken(listed: str) -> None:
    assert made(IMAGE_EDIT_MODEL=f" {listed} , qwen/qwen-image-3,").image_edit_model == f"{listed},qwen/qwen-image-3"


@pytest.mark.parametrize("name", [name for name, *_ in NAMED] + ["OPENROUTER_API_KEY", "DARKROOM_AI_PROVIDER"])
def test_what_is_empty_is_not_there(name: str) -> None:
    assert made(**{name: ""}) == made()
    # So SAM's empty parameters leave room for the others.
    assert made(DARKROOM_LLM_PROVIDER="", LLM_PROVIDER="openrouter").ai_provider == "openrouter"


def test_what_is_not_set_is_built_in() -> None:
    settings = made(DARKROOM_CHAT_MODEL=str(Settings.model_fields["chat_model"].default))
    assert all(settings.is_built_in(field) for field in ("chat_model", "ai_provider", "max_cost_per_day"))


class TestKeys:
    @pytest.mark.parametrize("name", ["OPENROUTER_API_KEY", "DARKROOM_OPENROUTER_API_KEY"])
    def test_openrouters(self, name: str) -> None:
        settings = made(**{name: CANARY})
        assert settings.openrouter_api_key is not None
        assert settings.openrouter_api_key.get_secret_value() == CANARY
        assert settings.has_operator_key

    @pytest.mark.parametrize("provider", [name for name in names() if name != "openrouter"])
    def test_each_providers(self, provider: str) -> None:
        settings = made(**{f"{provider.upper()}_API_KEY": CANARY})
        assert {name: key.get_secret_value() for name, key in settings.provider_keys.items()} == {provider: CANARY}
        listed = made(DARKROOM_PROVIDER_KEYS=f"{provider}={CANARY}")
        assert listed.provider_keys == settings.provider_keys

    def test_what_is_no_providers_is_left_alone(self) -> None:
        assert made(SOMEBODYS_API_KEY=CANARY).provider_keys == {}

    @pytest.mark.parametrize("key", [f" {CANARY}", f"{CANARY}\n", f"{CANARY[:9]} {CANARY[9:]}", f"{CANARY}\x00"])
    @pytest.mark.parametrize("name", ["OPENROUTER_API_KEY", "DARKROOM_OPENROUTER_API_KEY"])
    def test_blanks_around_one_are_refused_by_name_without_the_key(self, name: str, key: str) -> None:
        with pytest.raises(SettingsError, match=f"^{name}: ") as raised:
            made(**{name: key})
        assert BODY not in "".join(traceback.format_exception(raised.value))

    def test_in_a_list_what_is_no_pair_is_named_but_not_repeated(self) -> None:
        for listed in (f"openai={CANARY},{CANARY}", f"{CANARY}=openai"):
            for more in ({}, {"GROQ_API_KEY": "sk-g"}):
                with pytest.raises(SettingsError, match=r"^DARKROOM_PROVIDER_KEYS: ") as raised:
                    made(DARKROOM_PROVIDER_KEYS=listed, **more)
                assert BODY not in "".join(traceback.format_exception(raised.value))

    def test_in_a_list_they_are_refused_too(self) -> None:
        with pytest.raises(SettingsError, match=r"^DARKROOM_PROVIDER_KEYS: ") as raised:
            made(DARKROOM_PROVIDER_KEYS=f"openai={CANARY} {CANARY}")
        assert BODY not in "".join(traceback.format_exception(raised.value))

    def test_they_are_never_shown(self) -> None:
        settings = made(OPENROUTER_API_KEY=CANARY, DARKROOM_PROVIDER_KEYS=f"openai={CANARY}")
        for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
            assert BODY not in shown

    def test_another_variables_fault_does_not_show_them(self) -> None:
        with pytest.raises(SettingsError) as raised:
            made(OPENROUTER_API_KEY=CANARY, OPENROUTER_TIMEOUT_MS="soon")
        assert BODY not in "".join(traceback.format_exception(raised.value))
