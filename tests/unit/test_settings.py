import pytest

from darkroom.settings import Settings, SettingsError

GIVEN = {"DARKROOM_TABLE": "table", "DARKROOM_UPLOADS_BUCKET": "uploads", "DARKROOM_OUTPUTS_BUCKET": "outputs"}


def test_what_is_not_given_has_a_default() -> None:
    settings = Settings.from_environ({**GIVEN, "HOME": "/root"})
    assert (settings.table, settings.max_megapixels, settings.background_model) == ("table", 25, "u2net")
    assert settings.acknowledged_licences == frozenset()


def test_every_variable_is_read() -> None:
    settings = Settings.from_environ(
        {**GIVEN, "DARKROOM_MAX_MEGAPIXELS": "50", "DARKROOM_ACKNOWLEDGED_LICENCES": "bria-rmbg,x"}
    )
    assert settings.max_megapixels == 50
    assert settings.acknowledged_licences == {"bria-rmbg", "x"}


def test_money_is_whole_micro_dollars() -> None:
    limits = Settings.from_environ(GIVEN).limits
    assert (limits.per_request, limits.per_conversation) == (250_000, 1_000_000)
    assert (limits.per_day, limits.per_month) == (5_000_000, 50_000_000)
    given = {"DARKROOM_MAX_COST_PER_DAY": "0.0000019", "DARKROOM_CREDIT_USD": "0.00000001"}
    settings = Settings.from_environ({**GIVEN, **given})
    # A limit is rounded down; a credit is worth something.
    assert (settings.limits.per_day, settings.credit) == (1, 1)
    assert Settings.from_environ({**GIVEN, "DARKROOM_MAX_COST_PER_DAY": "0"}).limits.per_day == 0


def test_endpoints_are_addresses_with_ports() -> None:
    settings = Settings.from_environ({**GIVEN, "DARKROOM_URL_ALSO_ALLOWED": "127.0.0.1:9000, 127.0.0.1:9001,"})
    assert settings.url_also_allowed == {("127.0.0.1", 9000), ("127.0.0.1", 9001)}
    assert Settings.from_environ({**GIVEN, "DARKROOM_URL_ALSO_ALLOWED": ""}).url_also_allowed == frozenset()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DARKROOM_TABLE", None),
        ("DARKROOM_TABLE", ""),
        ("DARKROOM_MAX_MEGAPIXELS", "many"),
        ("DARKROOM_MAX_MEGAPIXELS", "51"),
        ("DARKROOM_RETENTION_DAYS", "0"),
        ("DARKROOM_MAX_COST_PER_REQUEST", "-0.01"),
        ("DARKROOM_MAX_COST_PER_DAY", "NaN"),
        ("DARKROOM_MAX_COST_PER_MONTH", "much"),
        ("DARKROOM_CREDIT_USD", "0"),
        ("DARKROOM_URL_ALSO_ALLOWED", "127.0.0.1"),
        ("DARKROOM_OPENROUTER_URL", "https://openrouter.ai/api"),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(name: str, value: str | None) -> None:
    environ = {key: given for key, given in {**GIVEN, name: value}.items() if given is not None}
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ(environ)
