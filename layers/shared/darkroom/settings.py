"""What a deployment can set: read once, from a mapping that is passed in, and checked as a whole."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

PREFIX = "DARKROOM_"


class SettingsError(Exception):
    """A variable of the environment is missing or has a value that cannot be used. The message names it."""


def _words(value: Any) -> Any:
    return [word for word in value.split(",") if word] if isinstance(value, str) else value


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
    numba_baked_cache: Path = Field(Path("/opt/numba-cache"), description="What alpha matting was compiled to.")
    numba_cache_dir: Path = Field(Path("/tmp/numba-cache"), description="Where it can be written to.")  # noqa: S108

    @property
    def has_operator_key(self) -> bool:
        given = self.openrouter_api_key.get_secret_value() if self.openrouter_api_key else ""
        return bool(given or self.operator_key_secret)

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
