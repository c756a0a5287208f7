"""Keys of providers: as they are kept for their users, what providers say of them, and what is asked of new ones."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from darkroom.models.money import MicroUsd
from darkroom.models.value import Value

# Whose key it is: the name of one of `darkroom.providers`, which is the `purpose` in the KMS encryption context, too.
KeyProvider = str


class SealedSecret(Value):
    """A secret as it is stored: of no use without KMS."""

    data_key: bytes = Field(repr=False)
    ciphertext: bytes = Field(repr=False)


class StoredKey(Value):
    """What is known of a key without the key."""

    user: str
    provider: KeyProvider
    hint: str = Field(description="The key's last four characters, to tell keys apart by eye.")
    sha256: str = Field(description="Hex digest of the whole key; OpenRouter's own page for the key is named after it.")
    label: str = ""
    connected_at: datetime
    owner_sha256: str = Field("", description="Digest of the provider's id of the person whose key it is, if known.")
    sealed: SealedSecret | None = Field(
        None, exclude=True, repr=False, description="Only in an account, so that opening it reads no row again."
    )


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


LimitReset = Literal["daily", "weekly", "monthly"]


class KeyTerms(Value):
    """A limit, the interval in which it resets, and an expiry. None: the person asks for none."""

    limit: MicroUsd | None = Field(None, gt=0)
    limit_reset: LimitReset | None = None
    expires_at: datetime | None = None

    def __bool__(self) -> bool:
        return self.limit is not None or self.expires_at is not None

    def are_kept_by(self, key: KeyStatus) -> bool:
        """Whether the key may spend no more, and is good for no longer, than was asked for.

        A limit that never resets is stricter than the same one that does.
        """
        return self._limits(key) and (
            self.expires_at is None or (key.expires_at is not None and key.expires_at <= self.expires_at)
        )

    def _limits(self, key: KeyStatus) -> bool:
        if self.limit is None:
            return True
        return key.limit is not None and key.limit <= self.limit and key.limit_reset in (None, self.limit_reset)


NO_TERMS = KeyTerms()
