"""API tokens: who may call, and what a new one is to be. Only the SHA-256 of a token is ever kept."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from darkroom.models.form_values import dollars
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


# Dollars.
Usd = Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False), BeforeValidator(dollars)]


class TokenTerms(TypedDict):
    """As `Tokens.create` takes them."""

    name: str
    lifetime: timedelta | None
    day_limit: MicroUsd | None
    month_limit: MicroUsd | None


class NewToken(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    day_limit_usd: Usd | None = None
    month_limit_usd: Usd | None = None

    def terms(self) -> TokenTerms:
        return {
            "name": self.name,
            "lifetime": timedelta(days=self.expires_in_days) if self.expires_in_days else None,
            "day_limit": _micro(self.day_limit_usd),
            "month_limit": _micro(self.month_limit_usd),
        }


def _micro(dollars: Decimal | None) -> MicroUsd | None:
    """Rounded down: a limit is never higher than what was said."""
    return None if dollars is None else int(dollars * 1_000_000)
