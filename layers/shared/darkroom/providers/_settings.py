"""What a provider is made with."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from darkroom.ports import UrlFetcher


class ProviderSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    url: str | None = Field(None, pattern=r"^https?://[^\s/]+$", description="Its origin; the provider's own if None.")
    referer: str | None = Field(None, description="This application's address, for the provider's statistics.")
    title: str = "Darkroom"
    categories: tuple[str, ...] = Field(("image-gen",), max_length=2)
    connect_seconds: float = Field(5.0, gt=0)
    read_seconds: float = Field(300.0, gt=0, description="Between two pieces of an answer.")
    attempts: int = Field(3, ge=1, le=10)
    fetcher: SkipValidation[UrlFetcher | None] = Field(
        None, repr=False, description="Gets the pictures that an answer names by address; None: they are not followed."
    )
    credit_usd: Decimal | None = Field(None, ge=0, description="What one of its credits costs, where it counts such.")
