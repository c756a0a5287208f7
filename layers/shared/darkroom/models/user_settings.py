"""What a user sets for themselves. Amounts are micro-dollars; None leaves it to the stack's default."""

from typing import Final, Literal

from pydantic import Field

from darkroom.models.money import MicroUsd
from darkroom.models.value import Value

# For each of them the outputs bucket has a rule.
RETENTION_DAYS: Final = (1, 3, 7, 14)
# Ten cents, unless a user says otherwise.
WARN_AT_COST: MicroUsd = 100_000


MOST_FAVOURITES: Final = 100


class Limits(Value):
    """What may be spent at the most; None is without limit."""

    per_request: MicroUsd | None = Field(None, ge=0)
    per_conversation: MicroUsd | None = Field(None, ge=0)
    per_day: MicroUsd | None = Field(None, ge=0)
    per_month: MicroUsd | None = Field(None, ge=0)


class UserSettings(Value):
    limits: Limits = Limits()
    warn_at_percent: int | None = Field(None, ge=1, le=100, description="Of a budget; a warning is given once.")
    warn_at_cost: MicroUsd | None = Field(None, ge=0, description="Of a conversation in all; a warning is given once.")
    image_generation_model: str | None = Field(None, max_length=200)
    image_edit_model: str | None = Field(None, max_length=200)
    chat_model: str | None = Field(None, max_length=200, description="The planner.")
    provider: str | None = Field(None, max_length=50, description="One of the providers, or `auto`.")
    credit: MicroUsd | None = Field(None, ge=1, description="What a credit is worth, for showing.")
    favourite_models: tuple[str, ...] = Field((), max_length=MOST_FAVOURITES)
    background_model: str | None = Field(None, max_length=50, description="Segmentation model.")
    cloud_removal: Literal["never", "always", "fallback"] | None = Field(
        None, description="Whether remove.bg, which costs money, cuts out: `fallback`, when ours has failed."
    )
    retention_days: int | None = Field(
        None, ge=1, description="How long results are kept, if shorter than the stack's."
    )
    zero_data_retention: bool | None = Field(None, description="Only sources that keep nothing.")
    webhook_url: str | None = Field(None, max_length=2048, description="Told of jobs that name no other.")
    enable_image_generation: bool | None = Field(None, description="Whether a conversation may have pictures painted.")
    enable_background_removal: bool | None = Field(None, description="Whether pictures may be cut out.")
    manipulation_method: Literal["local", "generative", "hybrid"] | None = None
    version: int = Field(0, description="Counts the changes, so that none is lost.")
