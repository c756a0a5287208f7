"""Which account an OpenRouter user signs in to.

An account that is linked counts; without one it is `or-<digest of the user's id>`, the name that accounts had before
there were links, so that these keep their owners. A pasted key proves possession of the key and no more: it is noted as
a claim, which keeps a sign-in from making a second account unasked, and lets the key's OpenRouter user into nothing.
"""

from msgspec import Struct

from darkroom.errors import AccountExists, LinkedElsewhere, NotFound
from darkroom.models.digest import digest
from darkroom.models.key import KeyStatus
from darkroom.models.session import Identity, account_of
from darkroom.ports import Clock, IdentityStore


class Linking(Struct, frozen=True):
    """What is to be linked.

    Attributes:
        before: the link as it was read.
        former: the other account that the OpenRouter user signed in to.
    """

    identity: Identity
    before: Identity | None
    former: str | None = None


class Identities:
    def __init__(self, store: IdentityStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def for_sign_in(self, openrouter_user: str, *, new_account: bool = False) -> "Linking":
        """The account of an OpenRouter user who has just consented. Nothing is written yet.

        Args:
            new_account: the person said that the account which holds their key is not theirs.

        Raises:
            AccountExists: only a pasted key leads to an account, and the person has not said whether it is theirs.
        """
        before = self._store.find(digest(openrouter_user))
        if before is not None and before.verified:
            return Linking(before, before)
        own = user_of(openrouter_user)
        if before is not None and before.user != own and not new_account and not self._store.is_used(own):
            raise AccountExists(
                "An account here holds a key of this OpenRouter account already. Nothing was kept of this sign-in.",
                fix="If it is yours, sign in to it with one of its API tokens, and connect there. If not, go on with "
                "an account for you alone.",
            )
        return Linking(self._identity(openrouter_user, own), before)

    def for_connection(self, openrouter_user: str, user: str, *, move: bool = False) -> "Linking":
        """Has an OpenRouter user who has just consented belong to the account that is signed in.

        Nothing is written yet.

        Args:
            move: the person agreed to take the OpenRouter user away from the account that it signs in to.

        Raises:
            LinkedElsewhere: it signs in to another account, and that was not agreed to.
        """
        before = self._store.find(digest(openrouter_user))
        owner = self._owner(openrouter_user, before)
        if owner not in (None, user) and not move:
            raise _elsewhere()
        return Linking(self._identity(openrouter_user, user), before, former=owner if owner != user else None)

    def link(self, linking: "Linking") -> None:
        """Writes it. Raises LinkedElsewhere: another sign-in has linked the OpenRouter user elsewhere meanwhile."""
        identity, before = linking.identity, linking.before
        if before is not None and before.verified and before.user == identity.user:
            return
        if not self._store.link(identity, instead_of=before):
            now = self._store.find(identity.sha256)
            if now is None or not now.verified or now.user != identity.user:
                raise _elsewhere()

    def claim(self, user: str, status: KeyStatus | None) -> None:
        """Notes whose key was pasted, where that is known, is one person's, and is no other account's already."""
        if status is None or status.user_id is None or status.is_shared:
            return
        before = self._store.find(digest(status.user_id))
        if self._owner(status.user_id, before) is None and before is None:
            self._store.link(self._identity(status.user_id, user, verified=False), instead_of=None)

    def of_user(self, user: str) -> list[Identity]:
        """The OpenRouter users who sign in to the account."""
        return [each for each in self._store.of_user(user) if each.verified]

    def unlink(self, user: str, sha256: str) -> None:
        """Has an OpenRouter user sign in to the account of their own again. Raises NotFound."""
        found = next((each for each in self.of_user(user) if each.sha256 == sha256), None)
        if found is None or not self._store.unlink(found):
            raise NotFound("No such OpenRouter account is linked.", fix="GET /v1/session lists those that are.")

    def _owner(self, openrouter_user: str, linked: Identity | None) -> str | None:
        """Whom the OpenRouter user signs in to today, if to anybody."""
        if linked is not None and linked.verified:
            return linked.user
        own = user_of(openrouter_user)
        return own if self._store.is_used(own) else None

    def _identity(self, openrouter_user: str, user: str, *, verified: bool = True) -> Identity:
        return Identity(
            sha256=digest(openrouter_user),
            hint=openrouter_user[-4:],
            user=user,
            verified=verified,
            linked_at=self._clock(),
        )


def user_of(openrouter_user: str) -> str:
    """The name under which a person's things are kept: the same at every sign-in, and not their OpenRouter id."""
    return account_of(digest(openrouter_user))


def _elsewhere() -> LinkedElsewhere:
    return LinkedElsewhere(
        "This OpenRouter account signs in to another account here. Nothing was kept of this connection.",
        fix="Move it to this account, or sign out and sign in with it.",
    )
