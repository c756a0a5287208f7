"""Who calls: by an API token, or by the session of a browser."""

from darkroom.errors import InvalidToken
from darkroom.models.caller import Caller
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens


class Callers:
    """Args: public_url: this site's own origin, where that is not what API Gateway takes it for."""

    def __init__(self, tokens: Tokens, sessions: Sessions, *, public_url: str = "") -> None:
        self.public_url = public_url
        self._tokens = tokens
        self._sessions = sessions

    def identify(self, *, token: str | None, session: str | None) -> Caller:
        """Who calls; a token counts before a session.

        Raises:
            Unauthenticated: neither was sent, or the session is over.
            InvalidToken: the token is not valid, whatever the session is.
        """
        if not token:
            found = self._sessions.find(session)
            if found is not None:
                return Caller(user=found.user)
        known = self._tokens.authenticate(token)
        return Caller(user=known.user, token=known)

    def known(self, *, token: str | None, session: str | None) -> str | None:
        """The caller's name if there is a valid sign of it; for routes that serve everybody."""
        if token:
            try:
                return self._tokens.authenticate(token).user
            except InvalidToken:
                return None
        found = self._sessions.find(session)
        return found.user if found else None
