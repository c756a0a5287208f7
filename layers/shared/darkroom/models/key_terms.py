"""What a person wants of the key that a provider makes for them: how much it may spend, how often that starts again,
and until when it is good."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from darkroom.models.money import MicroUsd
from darkroom.models.provider_key import KeyStatus
from darkroom.models.value import Value

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
