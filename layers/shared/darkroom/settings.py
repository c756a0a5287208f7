"""What a deployment can set: read once, from a mapping that is passed in, and checked as a whole.

A field is the variable `DARKROOM_{FIELD}`. Some have other names, too (`OTHER_NAMES`), with the prefix or without it;
what has the prefix is for Darkroom alone and comes first. A variable that is empty is not there.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from darkroom.models import segmentation
from darkroom.models.money import MicroUsd
from darkroom.models.provider import AUTO
from darkroom.models.rate_limit import RateLimits
from darkroom.models.user_settings import Limits
from darkroom.providers import names as provider_names

PREFIX = "DARKROOM_"
PAINTERS: Final = ",".join(
    (
        "black-forest-labs/flux.2-klein-4b",
        "google/gemini-2.5-flash-image",
        "qwen/qwen-image-3",
        "bytedance-seed/seedream-4.5",
    )
)
# Names that programs of this kind go by, without the prefix. Of several for a field all have to say the same.
OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "image_generation_model": ("IMAGE_GENERATION_MODEL",),
    "image_edit_model": ("IMAGE_EDIT_MODEL",),
    "chat_model": ("OPENROUTER_DEFAULT_MODEL",),
    "ai_provider": ("AI_PROVIDER", "LLM_PROVIDER"),
    "openrouter_api_key": ("OPENROUTER_API_KEY",),
    "openrouter_timeout_ms": ("OPENROUTER_TIMEOUT_MS",),
    "openrouter_max_retries": ("OPENROUTER_MAX_RETRIES",),
    "openrouter_http_referer": ("OPENROUTER_HTTP_REFERER",),
    "openrouter_app_name": ("OPENROUTER_APP_NAME",),
    "openrouter_debug": ("OPENROUTER_DEBUG",),
}

# They cut out and do nothing else, so nobody can be served by them alone. Told here, for asking them would load them.
CUTTERS: Final = frozenset({"removebg"})
_MODEL = re.compile(r"[A-Za-z0-9~][A-Za-z0-9_.:/~-]*")


class SettingsError(Exception):
    """A variable of the environment is missing or has a value that cannot be used. The message names it."""


def _words(value: Any) -> Any:
    return [word for word in value.split(",") if word] if isinstance(value, str) else value


def _endpoints(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = (word.strip().rpartition(":") for word in value.split(",") if word.strip())
    return [(host, port) for host, _, port in pairs]


def _by_name(value: Any) -> Any:
    """Raises ValueError for a word that is no pair; it is not repeated, for it may be a key."""
    if not isinstance(value, str):
        return value
    pairs = [word.strip().partition("=") for word in value.split(",") if word.strip()]
    if not all(name.strip() and equals and told.strip() for name, equals, told in pairs):
        raise ValueError("write provider=value, several with commas between them")
    return {name.strip(): told.strip() for name, _, told in pairs}


def _of_providers(value: Mapping[str, Any]) -> Mapping[str, Any]:
    known = provider_names()
    if any(name not in known for name in value):
        raise ValueError(f"before the = may stand: {', '.join(known)}")
    return value


def _provider(name: str) -> str:
    name = name.strip().lower()
    known = (AUTO, *(each for each in provider_names() if each not in CUTTERS))
    if name not in known:
        raise ValueError(f"use one of: {', '.join(known)}")
    return name


def _models(listed: str) -> str:
    """Only the form can be seen here; whether there is such a model the catalogue knows."""
    named = [word.strip() for word in listed.split(",") if word.strip()]
    if not named:
        raise ValueError("name at least one model, for example qwen/qwen-image-3")
    if not all(_MODEL.fullmatch(name) for name in named):
        raise ValueError("a model is named as in qwen/qwen-image-3, and several have commas between them")
    return ",".join(named)


def _segmenter(name: str) -> str:
    if name not in segmentation.MODELS:
        raise ValueError(f"use one of: {', '.join(segmentation.MODELS)}")
    return name


def _key(secret: SecretStr) -> SecretStr:
    """A key that is sent with a blank or a line end is refused, with words that do not say why."""
    plain = secret.get_secret_value()
    if plain.split() != [plain] or not plain.isprintable() or "," in plain:
        raise ValueError("there are blanks, line ends or commas around the key, or within it")
    return secret


Key = Annotated[SecretStr, AfterValidator(_key)]
Models = Annotated[str, AfterValidator(_models)]
Requests = Annotated[int, Field(ge=0, le=1_000_000)]
Dollars = Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]


class Settings(BaseModel):
    """Each field is the variable `DARKROOM_{FIELD}`."""

    # What is wrong with a value is said without the value, for it may be a key.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    table: str = Field(min_length=3, description="DynamoDB table.")
    uploads_bucket: str = Field(min_length=3)
    outputs_bucket: str = Field(min_length=3)
    max_megapixels: float = Field(25, gt=0, le=50, description="Largest picture accepted.")
    retention_days: int = Field(30, ge=1, description="How long results and their jobs are kept.")
    upload_max_receives: int = Field(3, ge=1, description="The queue's maxReceiveCount.")
    background_model: Annotated[str, AfterValidator(_segmenter)] = Field(
        "u2net", description="Segmentation model when a request names none."
    )
    acknowledged_licences: Annotated[frozenset[str], BeforeValidator(_words)] = frozenset()
    cutout_models: Annotated[frozenset[str], BeforeValidator(_words)] = Field(
        frozenset(name for name, model in segmentation.MODELS.items() if model.shipped),
        description="Those in the image.",
    )
    weights_dir: Path = Path("/opt/weights")
    public_url: str = Field("", description="This site's origin, where API Gateway does not know it.")
    api_url: str = Field("", description="Where the routes are that the live door does not have.")
    vault_key: str = Field("", description="KMS key of the key vault.")
    sign_in: Literal["anyone", "listed", "nobody"] = Field("listed", description="Who may sign in with OpenRouter.")
    sign_in_users: Annotated[frozenset[str], BeforeValidator(_words)] = frozenset()
    guests: bool = Field(False, description="Whether who has no account may upload and cut out, and nothing else.")
    public_docs: bool = Field(True, description="Whether everybody may read /openapi.json and /docs.")
    openrouter_url: str = Field("https://openrouter.ai", pattern=r"^https?://[^/?#]+$")
    openrouter_app_name: str = Field("Darkroom", max_length=100)
    openrouter_http_referer: str = Field("", max_length=200)
    openrouter_api_key: Key | None = Field(None, description="A key for everybody; on a laptop alone.")
    operator_key_secret: str = Field("", description="Secrets Manager secret that holds a key for everybody.")
    image_generation_model: Models = Field(PAINTERS, description="Comma-separated; the first that can is taken.")
    image_edit_model: Models = Field(PAINTERS, description="As above.")
    chat_model: Models = Field(
        "google/gemini-3-flash-preview,google/gemini-2.5-flash", description="As above: the planner."
    )
    ai_provider: Annotated[str, AfterValidator(_provider)] = Field(
        AUTO, max_length=50, description="Who is called: a provider's name, or `auto`."
    )
    openrouter_debug: bool = Field(False, description="Logs every call of a provider: never a key or a body.")
    openrouter_timeout_ms: int = Field(300_000, ge=1_000, le=890_000, description="Between two pieces of an answer.")
    openrouter_max_retries: int = Field(2, ge=0, le=9, description="After attempts that are proven to be unbilled.")
    catalogue_seconds: int = Field(3600, ge=0, le=86_400, description="How long the list of models counts as current.")
    provider_urls: Annotated[Mapping[str, str], BeforeValidator(_by_name), AfterValidator(_of_providers)] = Field(
        default_factory=dict, description="`openai=http://127.0.0.1:9000,…`: others than the providers' own."
    )
    provider_keys: Annotated[Mapping[str, Key], BeforeValidator(_by_name), AfterValidator(_of_providers)] = Field(
        default_factory=dict, description="Keys for everybody, by provider: `{PROVIDER}_API_KEY`; on a laptop alone."
    )
    removebg_credit_usd: Dollars = Field(Decimal("0.20"), description="What one credit of remove.bg costs its owner.")
    render_queue: str = Field("", description="URL of the queue of pictures for the function with the model.")
    in_place: bool = Field(
        False, description="Carries out what callers wait for, where the process can go on when it has answered."
    )
    job_queue: str = Field("", description="URL of the queue of paid jobs and webhook deliveries.")
    job_dead_letters: str = Field("", description="URL of the queue of their dead letters.")
    max_cost_per_request: Dollars = Field(Decimal("0.25"), description="What one request may cost at the most.")
    max_cost_per_conversation: Dollars = Decimal(1)
    max_cost_per_day: Dollars = Decimal(5)
    max_cost_per_month: Dollars = Decimal(50)
    max_requests_per_minute: Requests = Field(6000, description="Of one user; 0 for any number, here and below.")
    max_requests_per_minute_per_token: Requests = Field(3000, description="Of one API token.")
    max_requests_per_minute_per_address: Requests = Field(
        600, description="Of one address that is not signed in, at the routes by which people sign in."
    )
    credit_usd: Dollars = Field(Decimal("0.0004"), gt=0, description="What a credit is worth, for showing.")
    url_also_allowed: Annotated[frozenset[tuple[str, int]], BeforeValidator(_endpoints)] = Field(
        frozenset(), description="`127.0.0.1:9000,…`: private endpoints that may be called; on a laptop alone."
    )
    numba_baked_cache: Path = Field(Path("/opt/numba-cache"), description="What alpha matting was compiled to.")
    numba_cache_dir: Path = Field(Path("/tmp/numba-cache"), description="Where it can be written to.")  # noqa: S108

    @property
    def buckets(self) -> tuple[str, str]:
        """Those of uploads and outputs."""
        return self.uploads_bucket, self.outputs_bucket

    @property
    def has_operator_key(self) -> bool:
        given = self.openrouter_api_key.get_secret_value() if self.openrouter_api_key else ""
        return bool(given or self.operator_key_secret)

    @property
    def limits(self) -> Limits:
        """What may be spent where a user sets nothing else."""
        return Limits(
            per_request=_micro(self.max_cost_per_request),
            per_conversation=_micro(self.max_cost_per_conversation),
            per_day=_micro(self.max_cost_per_day),
            per_month=_micro(self.max_cost_per_month),
        )

    @property
    def rate_limits(self) -> RateLimits:
        return RateLimits(
            user=self.max_requests_per_minute,
            token=self.max_requests_per_minute_per_token,
            address=self.max_requests_per_minute_per_address,
        )

    @property
    def credit(self) -> MicroUsd:
        return max(1, _micro(self.credit_usd))

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

    def is_built_in(self, field: str) -> bool:
        """Whether a value is the one that Darkroom comes with, and not of whoever has deployed it."""
        built_in: object = type(self).model_fields[field].get_default(call_default_factory=True)
        return bool(getattr(self, field) == built_in)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingsError that names each variable at fault."""
        given = given_for(environ, cls.model_fields)
        keys = given_keys(environ)
        values: dict[str, Any] = {field: value for field, (_, value) in given.items()}
        if keys:
            values["provider_keys"] = _joined(given.get("provider_keys"), keys)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            used: dict[Place, str] = {(field,): name for field, (name, _) in given.items()}
            used |= {("provider_keys", provider): name for provider, (name, _) in keys.items()}
            faults = (
                f"{_named(each['loc'], used)}: {each['msg'].removeprefix('Value error, ')}"
                for each in error.errors(include_url=False)
            )
            raise SettingsError("; ".join(faults)) from error


Given = tuple[str, str]
"""The name of the variable that was used, and its value."""


def given_for(environ: Mapping[str, str], fields: Iterable[str]) -> dict[str, Given]:
    """By field what is set of it, under whichever of its names. Raises SettingsError if two do not say the same."""
    return {field: found for field in fields if (found := _find(environ, _spellings(field)))}


def given_keys(environ: Mapping[str, str]) -> dict[str, Given]:
    """By provider the keys that stand in variables of their own; OpenRouter's has a field. Raises as given_for."""
    others = (name for name in provider_names() if name != _HAS_FIELD)
    return {name: found for name in others if (found := _find(environ, _with_prefix((f"{name.upper()}_API_KEY",))))}


def _joined(listed: Given | None, keys: Mapping[str, Given]) -> dict[str, str]:
    try:
        known = _by_name(listed[1]) if listed else {}
    except ValueError as error:
        raise SettingsError(f"{PREFIX}PROVIDER_KEYS: {error}") from None
    return {**known, **{name: value for name, (_, value) in keys.items()}}


_HAS_FIELD: Final = "openrouter"
Place = tuple[int | str, ...]
Spellings = tuple[tuple[str, ...], ...]
"""Names of one variable: all of a group count the same, and the first group in which there is one counts."""


def _spellings(field: str) -> Spellings:
    prefixed, plain = _with_prefix(OTHER_NAMES.get(field, ()))
    return (PREFIX + field.upper(), *(name for name in prefixed if name != PREFIX + field.upper())), plain


def _with_prefix(names: tuple[str, ...]) -> Spellings:
    return tuple(PREFIX + name for name in names), names


def _find(environ: Mapping[str, str], spellings: Spellings) -> Given | None:
    """Raises SettingsError if two names do not say the same."""
    for names in spellings:
        found = [(name, environ[name]) for name in names if environ.get(name)]
        if len({value for _, value in found}) > 1:
            raise SettingsError(f"{' and '.join(name for name, _ in found)}: they do not say the same; set one of them")
        if found:
            return found[0]
    return None


def _named(place: Place, used: Mapping[Place, str]) -> str:
    """The variable that a fault is in."""
    return used.get(place[:2]) or used.get(place[:1]) or PREFIX + str(place[0]).upper()


def _micro(dollars: Decimal) -> MicroUsd:
    return int(dollars * 1_000_000)
