"""Providers' keys: taking them in after a look at them, showing what is known of them, revealing them to pay with."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from darkroom.errors import DarkroomError, InvalidApiKey, InvalidParameter, NotFound
from darkroom.models.digest import digest
from darkroom.models.key import KeyProvider, KeyStatus, StoredKey
from darkroom.ports import Clock, KeyInspector, KeyVault

# The stack's log, by the name that `observability` gives it, which services do not import.
_LOG = logging.getLogger("darkroom")

# Where a browser connects OpenRouter to the account that it signs in to there first.
CONNECT_PAGE = "/oauth/connect"
CONNECT = (
    f"Send a key of yours to PUT /v1/keys/openrouter; or open {CONNECT_PAGE} in a browser, sign in there to this same "
    "account (an API token of it will do), and connect OpenRouter."
)


class ShownKey(Struct, frozen=True):
    """A key as its owner may see it; `status` is None while its provider cannot be asked."""

    key: StoredKey
    status: KeyStatus | None
    manage_url: str


class Keys:
    """Args:
    inspectors: who can say, of each provider, whether a key is good; a lookup may be what loads one.
    operator_key: the stack's own key of a provider, for users who have none; asked only when it is needed.
    operated: the providers of which the stack has a key of its own.
    """

    def __init__(
        self,
        vault: KeyVault,
        inspectors: Mapping[KeyProvider, KeyInspector],
        clock: Clock,
        *,
        operator_key: Callable[[KeyProvider], str | None],
        operated: frozenset[KeyProvider],
    ) -> None:
        self._vault = vault
        self._inspectors = inspectors
        self._clock = clock
        self._operator_key = operator_key
        self.operated = operated

    def connect(self, user: str, provider: KeyProvider, secret: str) -> ShownKey:
        """Keeps a key that its provider says is good.

        Raises:
            NotFound: there is no such provider.
            InvalidParameter: it cannot be a key.
            InvalidApiKey: the provider refuses it.
            UpstreamError: the provider could not be asked; nothing is kept.
        """
        return self.keep(user, provider, secret, self.inspect(provider, secret))

    def inspect(self, provider: KeyProvider, secret: str) -> KeyStatus:
        """What the provider says of a key that is not kept yet. Raises as `connect` does."""
        self._check(provider)
        secret = secret.strip()
        if not 20 <= len(secret) <= 512 or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise InvalidParameter(
                "That cannot be a key.", fix="Paste the whole key, without quotes or blanks in it.", param="key"
            )
        return self._inspectors[provider].inspect(secret)

    def keep(self, user: str, provider: KeyProvider, secret: str, status: KeyStatus) -> ShownKey:
        """Keeps a key that `inspect` has looked at; one that was there before is replaced."""
        secret = secret.strip()
        key = StoredKey(
            user=user,
            provider=provider,
            hint=secret[-4:],
            sha256=digest(secret),
            label=status.label,
            connected_at=self._clock(),
            owner_sha256=digest(status.user_id) if status.user_id else "",
        )
        self._vault.store(key, secret)
        return ShownKey(key, status, self.manage_url(key))

    def show(self, user: str) -> Sequence[ShownKey]:
        """The user's keys, each with what its provider says of it now."""
        return [
            ShownKey(key, self._status(user, key.provider), self.manage_url(key)) for key in self._vault.describe(user)
        ]

    def disconnect(self, user: str, provider: KeyProvider) -> StoredKey:
        """Forgets a key. That does not revoke it: only its owner can, at the provider."""
        self._check(provider)
        removed = self._vault.remove(user, provider)
        if removed is None:
            raise NotFound(f"No {provider} key is connected.", fix="GET /v1/keys lists those that are.")
        return removed

    def outranks(self, user: str, provider: KeyProvider, new: KeyStatus) -> bool:
        """Whether the user's key goes on paying when signing in brings another one.

        Signing in changes neither who pays nor takes a limit away: both are decided by connecting.
        """
        for key in self._vault.describe(user):
            status = self._status(user, provider) if key.provider == provider else None
            if status is None:
                continue
            owner = key.owner_sha256 or (digest(status.user_id) if status.user_id else "")
            is_anothers = bool(owner and new.user_id and owner != digest(new.user_id))
            return is_anothers or (status.limit is not None and new.limit is None)
        return False

    def forget_of_owner(self, user: str, provider: KeyProvider, owner_sha256: str) -> bool:
        """Forgets the user's key if it is known to be that person's; whether it was."""
        for key in self._vault.describe(user):
            if key.provider != provider:
                continue
            owner = key.owner_sha256
            if not owner:
                # Kept before owners were: the provider is asked.
                status = self._status(user, provider)
                owner = digest(status.user_id) if status and status.user_id else ""
            if owner == owner_sha256:
                return self._vault.remove(user, provider) is not None
        return False

    def manage_url(self, key: StoredKey) -> str:
        """The page where the key can be revoked: OpenRouter has one for each key, named after its digest."""
        page = self._inspectors[key.provider].console_url if key.provider in self._inspectors else ""
        return f"{page}/{key.sha256}" if key.provider == "openrouter" else page

    def payer(self, user: str, provider: KeyProvider) -> Literal["user", "stack"]:
        """Whose key would pay. Neither the key nor KMS is touched.

        Raises:
            InvalidApiKey: there is none.
        """
        found = self.find_payer(user, provider)
        if found is None:
            raise no_key(provider)
        return found

    def find_payer(self, user: str, provider: KeyProvider) -> Literal["user", "stack"] | None:
        """As `payer`; None: there is none, which is nothing to log where others may serve."""
        if any(key.provider == provider for key in self._vault.describe(user)):
            return "user"
        return "stack" if provider in self.operated else None

    def pays_alone(self, user: str) -> bool:
        """Whether nothing the user may do is paid with a key of the stack's, whichever provider they ask for."""
        return not self.operated or self.operated <= {key.provider for key in self._vault.describe(user)}

    def reveal(self, user: str, provider: KeyProvider, *, own: bool) -> str:
        """The key to pay with: the user's own, else the operator's if there is one.

        Args:
            own: the user's own alone: what was allowed under their limits is not the operator's to pay.

        Raises:
            InvalidApiKey: there is none.
        """
        secret = self._vault.reveal(user, provider)
        if secret:
            return secret
        if own:
            raise disconnected(provider)
        operators = self._operator_key(provider)
        if not operators:
            raise no_key(provider)
        return operators

    def _check(self, provider: KeyProvider) -> None:
        if provider not in self._inspectors:
            # Not quoted: what stands in the wrong place may be the key itself.
            known = ", ".join(sorted(self._inspectors))
            raise NotFound("There is no such provider.", fix=f"Known: {known}.", param="provider")

    def _status(self, user: str, provider: KeyProvider) -> KeyStatus | None:
        secret = self._vault.reveal(user, provider)
        try:
            return self._inspectors[provider].inspect(secret) if secret and provider in self._inspectors else None
        except DarkroomError:
            return None


def no_key(provider: KeyProvider) -> InvalidApiKey:
    """There is none. The log says so in the words of the variable that a laptop's key is in."""
    name = f"{provider.upper()}_API_KEY"
    _LOG.warning("%s environment variable is not set, and the caller has connected no key", name)
    return InvalidApiKey(f"No {provider} key is connected.", fix=_connect(provider), context=_link(provider))


def disconnected(provider: KeyProvider) -> InvalidApiKey:
    """There was one when the work was admitted."""
    return InvalidApiKey(
        f"The {provider} key that was to pay for this was disconnected before it was sent.",
        fix=f"{_connect(provider)} Then ask again.",
        context=_link(provider),
    )


def _connect(provider: KeyProvider) -> str:
    return CONNECT if provider == "openrouter" else f"Send a key of yours to PUT /v1/keys/{provider}."


def _link(provider: KeyProvider) -> dict[str, str]:
    return {"connect": CONNECT_PAGE} if provider == "openrouter" else {}
