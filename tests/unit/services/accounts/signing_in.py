"""Signing in and connecting over stores in memory and a scripted OpenRouter."""

from darkroom.models.caller import Caller
from darkroom.services.accounts.connect import Connect, Purpose, SignedIn, SignInPolicy, WayOut
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions
from tests.conftest import SteppingClock
from tests.fakes.issuer import ScriptedOpenRouter
from tests.fakes.memory import MemoryKeyVault
from tests.fakes.people import MemoryIdentityStore
from tests.fakes.sessions import MemorySessionStore

CALLBACK = "https://darkroom.example/oauth/callback"


class World:
    def __init__(self, clock: SteppingClock, policy: SignInPolicy | None = None) -> None:
        self.clock = clock
        self.openrouter = ScriptedOpenRouter()
        self.vault = MemoryKeyVault()
        self.store = MemorySessionStore()
        self.sessions = Sessions(self.store, clock)
        self.keys = Keys(self.vault, {"openrouter": self.openrouter}, clock)
        self.identity_store = MemoryIdentityStore(lambda user: bool(self.vault.describe(user)))
        self.identities = Identities(self.identity_store, clock)
        self.connect = Connect(
            store=self.store,
            sessions=self.sessions,
            keys=self.keys,
            identities=self.identities,
            issuer=self.openrouter,
            policy=policy or SignInPolicy("anyone"),
            clock=clock,
        )

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
