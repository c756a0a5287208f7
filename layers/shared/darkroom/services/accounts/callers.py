"""Who calls: by an API token, or by the session of a browser."""

from darkroom.errors import InvalidToken
from darkroom.models.caller import Caller
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens


class Callers:
    """Args: public_url: this site's own origin, where that is not what API Gateway takes it for."""

    def __init__(self, tokens: Tokens, sessions: Sessions, *, public_url: str) -> None:
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
            caller = self._signed_in(session)
            if caller is not None:
                return caller
        known = self._tokens.authenticate(token)
        return Caller(user=known.user, token=known)

    def known(self, *, token: str | None, session: str | None) -> Caller | None:
        """The caller if there is a valid sign of who it is, and no guest; for routes that serve everybody."""
        if token:
            try:
                known = self._tokens.authenticate(token)
            except InvalidToken:
                return None
            return Caller(user=known.user, token=known)
        caller = self._signed_in(session)
        return None if caller is None or caller.is_guest else caller

    def is_guest(self, session: str | None) -> bool:
        """Whether it is the session of a guest, which is not over."""
        caller = self._signed_in(session)
        return caller is not None and caller.is_guest

    def _signed_in(self, secret: str | None) -> Caller | None:
        """By a session; one that was opened with an API token is over when the token is, and limited as it is."""
        session = self._sessions.find(secret)
        if session is None or not session.token_sha256:
            return Caller(user=session.user, session=session) if session else None
        token = self._tokens.by_digest(session.token_sha256)
        return Caller(user=token.user, token=token, session=session) if token else None
