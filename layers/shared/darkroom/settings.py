"""What a deployment can set: read once, from a mapping that is passed in, and checked as a whole."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from darkroom.models.money import MicroUsd
from darkroom.models.user_settings import Limits

PREFIX = "DARKROOM_"


class SettingsError(Exception):
    """A variable of the environment is missing or has a value that cannot be used. The message names it."""


def _words(value: Any) -> Any:
    return [word for word in value.split(",") if word] if isinstance(value, str) else value


def _endpoints(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = (word.strip().rpartition(":") for word in value.split(",") if word.strip())
    return [(host, port) for host, _, port in pairs]


Dollars = Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]


class Settings(BaseModel):
    """Each field is the variable `DARKROOM_{FIELD}`."""

    model_config = ConfigDict(frozen=True)

    table: str = Field(min_length=3, description="DynamoDB table.")
    uploads_bucket: str = Field(min_length=3)
    outputs_bucket: str = Field(min_length=3)
    max_megapixels: float = Field(25, gt=0, le=50, description="Largest picture accepted.")
    retention_days: int = Field(30, ge=1, description="How long results and their jobs are kept.")
    upload_max_receives: int = Field(3, ge=1, description="The queue's maxReceiveCount.")
    background_model: str = Field("u2net", description="Segmentation model when a request names none.")
    acknowledged_licences: Annotated[frozenset[str], BeforeValidator(_words)] = frozenset()
    weights_dir: Path = Path("/opt/weights")
    public_url: str = Field("", description="This site's origin, where API Gateway does not know it.")
    vault_key: str = Field("", description="KMS key of the key vault.")
    sign_in: Literal["anyone", "listed", "nobody"] = Field("listed", description="Who may sign in with OpenRouter.")
    sign_in_users: Annotated[frozenset[str], BeforeValidator(_words)] = frozenset()
    openrouter_url: str = Field("https://openrouter.ai", pattern=r"^https?://[^/?#]+$")
    openrouter_app_name: str = Field("Darkroom", max_length=100)
    openrouter_http_referer: str = Field("", max_length=200)
    openrouter_api_key: SecretStr | None = Field(None, description="A key for everybody; on a laptop alone.")
    operator_key_secret: str = Field("", description="Secrets Manager secret that holds a key for everybody.")
    image_generation_model: str = Field(
        "black-forest-labs/flux.2-klein-4b", description="Comma-separated; the first that can is taken."
    )
    image_edit_model: str = Field("black-forest-labs/flux.2-klein-4b,google/gemini-2.5-flash-image")
    chat_model: str = Field(
        "google/gemini-3-flash-preview,google/gemini-2.5-flash", description="As above: the planner."
    )
    render_queue: str = Field("", description="URL of the queue of pictures for the function with the model.")
    job_queue: str = Field("", description="URL of the queue of paid jobs.")
    job_dead_letters: str = Field("", description="ARN of the queue of their dead letters.")
    webhook_queue: str = Field("", description="URL of the queue of webhook deliveries.")
    max_cost_per_request: Dollars = Field(Decimal("0.10"), description="What one request may cost at the most.")
    max_cost_per_conversation: Dollars = Decimal(1)
    max_cost_per_day: Dollars = Decimal(5)
    max_cost_per_month: Dollars = Decimal(50)
    credit_usd: Dollars = Field(Decimal("0.0004"), gt=0, description="What a credit is worth, for showing.")
    url_also_allowed: Annotated[frozenset[tuple[str, int]], BeforeValidator(_endpoints)] = Field(
        frozenset(), description="`127.0.0.1:9000,…`: private endpoints that may be called; on a laptop alone."
    )
    numba_baked_cache: Path = Field(Path("/opt/numba-cache"), description="What alpha matting was compiled to.")
    numba_cache_dir: Path = Field(Path("/tmp/numba-cache"), description="Where it can be written to.")  # noqa: S108

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
    def credit(self) -> MicroUsd:
        return max(1, _micro(self.credit_usd))

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingsError that names each variable at fault."""
        given = {field: environ[name] for field in cls.model_fields if (name := PREFIX + field.upper()) in environ}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            faults = (f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_url=False))
            raise SettingsError("; ".join(faults)) from error


def _micro(dollars: Decimal) -> MicroUsd:
    return int(dollars * 1_000_000)
