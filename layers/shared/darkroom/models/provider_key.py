"""What a provider says of the key it is called with."""

from datetime import datetime
from decimal import Decimal

from pydantic import Field

from darkroom.models.money import MicroUsd
from darkroom.models.value import Value


class KeyStatus(Value):
    """Amounts are integer micro-dollars; None where the provider sets or tells none."""

    label: str = Field("", description="The provider's own shortened form of the key.")
    limit: MicroUsd | None = Field(None, description="What the key may spend; None is without limit.")
    limit_remaining: MicroUsd | None = None
    limit_reset: str | None = Field(None, description="`daily`, `weekly`, `monthly`; None for never.")
    usage: MicroUsd | None = None
    used: Decimal | None = Field(
        None, description="Dollars used in all, exactly as the provider says: two readings have a difference."
    )
    usage_daily: MicroUsd | None = None
    usage_monthly: MicroUsd | None = None
    is_free_tier: bool = Field(False, description="The account never bought credits.")
    is_management_key: bool = False
    free_requests_remaining: int | None = Field(None, description="Calls of free models that are left today.")
    expires_at: datetime | None = None
    user_id: str | None = Field(None, description="The provider's id of the person who made the key.")
    is_shared: bool = Field(False, description="The key is an organization's.")

    @property
    def is_exhausted(self) -> bool:
        return self.limit_remaining is not None and self.limit_remaining <= 0
