"""Signing in and connecting with a scripted OpenRouter."""

from darkroom.models.caller import Caller
from darkroom.services.accounts.connect import Purpose, SignedIn, WayOut
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.fakes.issuer import ScriptedOpenRouter

CALLBACK = "https://darkroom.example/oauth/callback"


class World:
    def __init__(self, simulator: Simulator, clock: SteppingClock, sign_in: str = "anyone", users: str = "") -> None:
        self.clock = clock
        self.openrouter = ScriptedOpenRouter()
        environ = {"DARKROOM_SIGN_IN": sign_in, "DARKROOM_SIGN_IN_USERS": users}
        studio = Studio(simulator, clock, issuer=self.openrouter, environ=environ)
        self.vault, self.store, self.identity_store = studio.vault, studio.sessions, studio.identities
        app = studio.app
        self.sessions, self.keys, self.identities, self.connect = app.sessions, app.keys, app.identities, app.connect

    def start(self, browser: str | None = None, return_to: str | None = None, purpose: Purpose | None = None) -> WayOut:
        return self.connect.start(callback=CALLBACK, return_to=return_to, browser=browser, purpose=purpose)

    def finish(
        self, way: WayOut, *, nonce: str | None = None, code: str | None = "c", caller: Caller | None = None
    ) -> SignedIn:
        nonce = way.nonce if nonce is None else nonce
        return self.connect.finish(nonce=nonce, browser=way.browser, code=code, caller=caller, callback=CALLBACK)

    def signed_in(self, user: str) -> Caller:
        """A person whose browser is signed in to the account."""
        session = self.sessions.find(self.sessions.open(user))
        return Caller(user=user, session=session)

    def nothing_is_stored(self) -> bool:
        return not self.vault.kept and not self.store.sessions and not self.identity_store.kept
