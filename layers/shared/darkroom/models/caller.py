"""Who calls, and with what."""

from datetime import datetime

from darkroom.errors import GuestRefused, TokenRestricted
from darkroom.models.session import Session, SignedInWith
from darkroom.models.token import ApiToken
from darkroom.models.value import Value


class Caller(Value):
    """A user, by one of their API tokens or by a browser's session."""

    user: str
    token: ApiToken | None = None
    session: Session | None = None

    @property
    def signed_in_with(self) -> SignedInWith:
        """A token sent with the request, or how the browser's session was opened."""
        return self.session.signed_in_with if self.session else "token"

    @property
    def expires_at(self) -> datetime | None:
        """When what they call with is over; None for a token that is good for ever."""
        if self.session is not None:
            return self.session.expires_at
        return self.token.expires_at if self.token else None

    @property
    def is_restricted(self) -> bool:
        """A token with limits of its own may spend within them, and not change what anybody may."""
        return self.token is not None and self.token.is_limited

    @property
    def is_guest(self) -> bool:
        """Whether nobody signed in: such a session may upload and cut out, for nothing."""
        return self.session is not None and self.session.signed_in_with == "guest"

    def require_account(self) -> None:
        """For all but what guests may do. Raises GuestRefused."""
        if self.is_guest:
            raise GuestRefused(
                "A guest may upload pictures and have them cut out here, and nothing else.",
                fix="Sign in at /oauth.",
            )

    def require_unrestricted(self) -> None:
        """For what decides what anybody may do. Raises TokenRestricted, GuestRefused."""
        self.require_account()
        if self.is_restricted:
            raise TokenRestricted(
                "This API token has spending limits, so it cannot change keys, tokens, limits or secrets.",
                fix="Use a token without limits, or sign in.",
            )
