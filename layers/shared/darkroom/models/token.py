"""API tokens: who may call. Only the SHA-256 of a token is ever kept."""

from datetime import datetime

from pydantic import Field

from darkroom.models.money import MicroUsd
from darkroom.models.value import Value

USER_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class ApiToken(Value):
    id: str
    user: str = Field(pattern=USER_PATTERN)
    name: str = ""
    sha256: str = Field(repr=False, description="Hex digest of the whole token.")
    hint: str = Field(description="The token's last four characters, to tell tokens apart by eye.")
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    day_limit: MicroUsd | None = Field(None, ge=0, description="What may be spent with it in a UTC day.")
    month_limit: MicroUsd | None = Field(None, ge=0, description="What may be spent with it in a UTC month.")

    @property
    def is_limited(self) -> bool:
        return self.day_limit is not None or self.month_limit is not None
