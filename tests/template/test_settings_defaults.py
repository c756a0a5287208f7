"""A stack that was deployed without a word about a setting has what Darkroom comes with, and says so."""

import pytest

from darkroom.settings import PREFIX, Settings
from local.own_settings import FIELDS
from tests.template.test_template import LAMBDAS, TEMPLATE

# What users are told of, and where it comes from.
TOLD = (
    "image_generation_model",
    "image_edit_model",
    "chat_model",
    "ai_provider",
    "background_model",
    "retention_days",
    "credit_usd",
    "openrouter_timeout_ms",
    "openrouter_max_retries",
    "openrouter_debug",
    "max_requests_per_minute",
    "max_requests_per_minute_per_token",
    "max_requests_per_minute_per_address",
    "max_cost_per_request",
    "max_cost_per_conversation",
    "max_cost_per_day",
    "max_cost_per_month",
)


@pytest.mark.parametrize("function", sorted(LAMBDAS))
def test_the_templates_defaults_are_the_built_in_ones(function: str) -> None:
    variables = TEMPLATE.functions[function].environment
    given = {name: str(value) for name, value in variables.items() if name.startswith(PREFIX)}
    settings = Settings.from_environ(given)
    assert [field for field in TOLD if not settings.is_built_in(field)] == []


@pytest.mark.parametrize("field", [*TOLD[:7], *(each for each in TOLD if each.startswith("max_cost_"))])
def test_the_function_that_tells_of_a_setting_knows_what_the_stack_has(field: str) -> None:
    assert PREFIX + field.upper() in TEMPLATE.functions["AccountFunction"].environment


@pytest.mark.parametrize("field", [*FIELDS, "provider_keys"])
def test_there_are_functions_that_know_what_make_up_can_hand_over(field: str) -> None:
    assert [name for name in LAMBDAS if PREFIX + field.upper() in TEMPLATE.functions[name].environment]
