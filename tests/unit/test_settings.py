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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DARKROOM_TABLE", None),
        ("DARKROOM_TABLE", ""),
        ("DARKROOM_MAX_MEGAPIXELS", "many"),
        ("DARKROOM_MAX_MEGAPIXELS", "51"),
        ("DARKROOM_RETENTION_DAYS", "0"),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(name: str, value: str | None) -> None:
    environ = {key: given for key, given in {**GIVEN, name: value}.items() if given is not None}
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ(environ)
