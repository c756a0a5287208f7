"""What the environment of `make up` sets for the stack: the variables of docs/migration.md, under any of their names.

The functions' processes have nothing of this shell's environment, so it is handed over by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from darkroom.settings import OTHER_NAMES, PREFIX, Settings, given_for, given_keys

_KEY: Final = "openrouter_api_key"
_KEYS: Final = "provider_keys"
LIMITS: Final = tuple(name for name in Settings.model_fields if name.startswith("max_cost_"))
FIELDS: Final = (*OTHER_NAMES, *LIMITS, "credit_usd", "removebg_credit_usd", "catalogue_seconds")
# They have no default; the stack has its own.
_REST: Final = {f"{PREFIX}{name}": "unset" for name in ("TABLE", "UPLOADS_BUCKET", "OUTPUTS_BUCKET")}


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """Attributes:
    variables: by the name that functions know, without keys.
    openrouter_key: pays for everybody at OpenRouter; empty where there is none.
    provider_keys: the same at the others, by provider.
    key_names: what the variables of those are called here.
    """

    variables: Mapping[str, str]
    openrouter_key: str = field(default="", repr=False)
    provider_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    key_names: tuple[str, ...] = ()

    @property
    def with_keys(self) -> dict[str, str]:
        """The variables, and the direct providers' keys among them."""
        listed = ",".join(f"{name}={key}" for name, key in self.provider_keys.items())
        return {**self.variables, **({f"{PREFIX}PROVIDER_KEYS": listed} if listed else {})}


def own_settings(environ: Mapping[str, str]) -> OwnSettings:
    """
    Raises:
        SettingsError: a value cannot be used, or two names do not say the same; it names the variables.
    """
    given, keys = given_for(environ, (*FIELDS, _KEYS)), given_keys(environ)
    used = {**given, **{f"key:{provider}": named for provider, named in keys.items()}}
    checked = Settings.from_environ({**_REST, **dict(used.values())})
    return OwnSettings(
        variables={PREFIX + field.upper(): value for field, (_, value) in given.items() if field not in (_KEY, _KEYS)},
        openrouter_key=checked.openrouter_api_key.get_secret_value() if checked.openrouter_api_key else "",
        provider_keys={name: key.get_secret_value() for name, key in checked.provider_keys.items()},
        key_names=tuple(name for field, (name, _) in used.items() if field == _KEYS or field.startswith("key:")),
    )
