"""Sessions and sign-ins in memory."""

from darkroom.models.session import Session, SignInAttempt


class MemorySessionStore:
    def __init__(self) -> None:
        self.attempts: dict[str, SignInAttempt] = {}
        self.sessions: dict[str, Session] = {}

    def begin(self, attempt: SignInAttempt) -> None:
        self.attempts[attempt.sha256] = attempt

    def use(self, sha256: str, browser_sha256: str) -> SignInAttempt | None:
        found = self.attempts.get(sha256)
        if found is None or found.used or found.browser_sha256 != browser_sha256:
            return None
        self.attempts[sha256] = found.model_copy(update={"used": True, "code_verifier": ""})
        return found

    def attempt(self, sha256: str) -> SignInAttempt | None:
        return self.attempts.get(sha256)

    def open(self, session: Session) -> None:
        self.sessions[session.sha256] = session

    def find(self, sha256: str) -> Session | None:
        return self.sessions.get(sha256)

    def close(self, sha256: str) -> None:
        self.sessions.pop(sha256, None)
