"""What the environment of `make up` sets reaches the functions that know it, under the name that they know."""

import pytest

from darkroom.settings import OTHER_NAMES, PREFIX, Settings, SettingsError
from local.own_settings import own_settings

VALUES = {
    "image_generation_model": "qwen/qwen-image-3",
    "image_edit_model": "qwen/qwen-image-3",
    "chat_model": "anthropic/claude-haiku-4.5",
    "ai_provider": "openrouter",
    "openrouter_timeout_ms": "60000",
    "openrouter_max_retries": "0",
    "openrouter_http_referer": "https://x.example",
    "openrouter_app_name": "Panel",
    "openrouter_debug": "true",
}
OTHERS = [(field, name) for field, names in OTHER_NAMES.items() if field in VALUES for name in names]


def test_every_other_name_is_tried() -> None:
    assert {*VALUES, "openrouter_api_key"} == set(OTHER_NAMES)


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize(("field", "name"), OTHERS)
def test_a_variable_is_handed_over_as_the_one_that_functions_know(field: str, name: str, prefix: str) -> None:
    made = own_settings({prefix + name: VALUES[field], "HOME": "/root", "DARKROOM_TABLE": "somebody-elses"})
    assert made.variables == {PREFIX + field.upper(): VALUES[field]} == made.with_keys


def test_keys_are_told_apart_from_the_rest() -> None:
    environ = {
        "OPENROUTER_API_KEY": "sk-or",
        "OPENAI_API_KEY": "sk-CANARY",
        "DARKROOM_GROQ_API_KEY": "gsk",
        "DARKROOM_PROVIDER_KEYS": "gemini=AI",
        "SOMEBODYS_API_KEY": "x",
    }
    made = own_settings(environ)
    assert (made.variables, made.openrouter_key) == ({}, "sk-or")
    assert made.provider_keys == {"gemini": "AI", "groq": "gsk", "openai": "sk-CANARY"}
    assert set(made.key_names) == {"OPENAI_API_KEY", "DARKROOM_GROQ_API_KEY", "DARKROOM_PROVIDER_KEYS"}
    assert "CANARY" not in repr(made)
    told = Settings.from_environ(
        {f"{PREFIX}{name}": "unset" for name in ("TABLE", "UPLOADS_BUCKET", "OUTPUTS_BUCKET")} | made.with_keys
    )
    assert {name: key.get_secret_value() for name, key in told.provider_keys.items()} == made.provider_keys


@pytest.mark.parametrize("name", ["AI_PROVIDER", "DARKROOM_LLM_PROVIDER", "DARKROOM_PROVIDER_KEYS", "MAX_COST_PER_DAY"])
def test_what_cannot_be_used_is_named_as_it_was(name: str) -> None:
    if name == "MAX_COST_PER_DAY":
        assert own_settings({name: "much"}).variables == {}, "without the prefix it is nobody's"
        return
    with pytest.raises(SettingsError, match=f"^{name}: "):
        own_settings({name: "removebg"})


def test_nothing_set_is_nothing_handed_over() -> None:
    made = own_settings({"IMAGE_EDIT_MODEL": "", "PATH": "/bin"})
    assert (made.variables, made.openrouter_key, made.with_keys) == ({}, "", {})
