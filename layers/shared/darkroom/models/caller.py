"""Who calls, and with what."""

from pydantic import BaseModel, ConfigDict

from darkroom.models.token import ApiToken


class Caller(BaseModel):
    """A user, by one of their API tokens or by a browser's session."""

    model_config = ConfigDict(frozen=True)

    user: str
    token: ApiToken | None = None

    @property
    def is_restricted(self) -> bool:
        """A token with limits of its own may spend within them, and not change what anybody may."""
        return self.token is not None and self.token.is_limited
