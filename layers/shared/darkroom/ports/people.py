"""People: their tokens, sessions, keys and settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from darkroom.models.value import Value

if TYPE_CHECKING:
    from darkroom.models.account import Account
    from darkroom.models.key import KeyProvider, KeyStatus, KeyTerms, StoredKey
    from darkroom.models.session import Identity, Session, SignInAttempt, SignInLink
    from darkroom.models.token import ApiToken
    from darkroom.models.user_settings import UserSettings


class TokenStore(Protocol):
    def add(self, token: ApiToken) -> None: ...

    def find(self, sha256: str) -> ApiToken | None:
        """The token with this digest, unless revoked."""

    def of_user(self, user: str) -> Sequence[ApiToken]:
        """The user's tokens, oldest first."""

    def revoke(self, user: str, token_id: str) -> bool:
        """Whether there was one to revoke. From then on `find` gives None."""

    def record_use(self, token: ApiToken, at: datetime) -> None:
        """Sets `last_used_at`; nothing happens to a token revoked meanwhile."""


class RequestCounts(Protocol):
    """How many requests were made in a minute. What is older than an hour need not be kept."""

    def add(self, owner: str, window: datetime, amounts: Mapping[str, int]) -> Mapping[str, int] | None:
        """Adds to an owner's sums, all at once; what each of these is then. None: it could not be done, or may not be.

        Args:
            owner: `USER#{user}` or `ADDRESS#{digest}`.
            window: when the minute began.
            amounts: by the name of what is counted.
        """


class SessionStore(Protocol):
    def begin(self, attempt: SignInAttempt) -> None: ...

    def use(self, sha256: str, browser_sha256: str) -> SignInAttempt | None:
        """Takes the attempt as it was, once; None if it is not there, was used, or is another browser's."""

    def attempt(self, sha256: str) -> SignInAttempt | None:
        """The attempt, used or not, to say why it could not be taken. A used one has no verifier any more."""

    def open(self, session: Session) -> None: ...

    def find(self, sha256: str) -> Session | None: ...

    def close(self, sha256: str) -> None: ...


class LinkStore(Protocol):
    """Links that sign a browser in once."""

    def add(self, link: SignInLink) -> None: ...

    def find(self, sha256: str) -> SignInLink | None:
        """The link, used or not. Reading it uses nothing up."""

    def use(self, sha256: str, at: datetime) -> SignInLink | None:
        """Takes the link as it was, once; None if it is not there, was used, or is over at that time."""


class IdentityStore(Protocol):
    """Which account each OpenRouter user belongs to."""

    def find(self, sha256: str) -> Identity | None: ...

    def link(self, identity: Identity, *, instead_of: Identity | None) -> bool:
        """Stores it in place of the one that was read before; False, and nothing is stored, if that has changed."""

    def of_user(self, user: str) -> Sequence[Identity]:
        """Those that belong to the account, verified or not."""

    def unlink(self, identity: Identity) -> bool:
        """Whether it was there as it was read."""

    def is_used(self, user: str) -> bool:
        """Whether anything is kept under that name: a key, a picture, a receipt."""


class SigningKey(Protocol):
    def load(self) -> bytes:
        """The stack's own key, random and at least 32 bytes; the same for every process, made at first use."""


class KeyVault(Protocol):
    """Providers' keys, each kept for one user and readable in that user's name alone."""

    def store(self, key: StoredKey, secret: str) -> None:
        """Keeps the secret; one that was there for the same user and provider is replaced."""

    def reveal(self, user: str, provider: KeyProvider) -> str | None:
        """The secret, to be sent to its provider and nowhere else.

        Raises:
            KeyUnreadable: what is stored was not sealed for this user and provider.
        """

    def open(self, key: StoredKey) -> str:
        """The secret of a key that an account was loaded with; reads nothing of the table. Raises KeyUnreadable."""

    def describe(self, user: str) -> Sequence[StoredKey]:
        """What is known of the user's keys without them."""

    def remove(self, user: str, provider: KeyProvider) -> StoredKey | None:
        """What was removed; None if there was nothing."""


class IssuedKey(Value):
    key: str = Field(repr=False)
    user_id: str | None = Field(None, description="The provider's id of the person; it may keep it to itself.")


class KeyIssuer(Protocol):
    """Where a user signs in, and gets an API key of their own for it (OAuth PKCE, S256)."""

    def authorize_url(
        self, *, callback_url: str | None, code_challenge: str, state: str | None, terms: KeyTerms
    ) -> str:
        """The consent page. Without a callback it shows the code, for the user to copy; there is no state then.

        Args:
            terms: what the page is asked to propose. It may ignore them, and the person may choose otherwise there.
        """

    def exchange(self, *, code: str, code_verifier: str) -> IssuedKey:
        """The API key that the code stands for, and whose it is.

        A code is good for one attempt, so nothing that was sent is sent again.

        Raises:
            SignInRefused: the provider said no; each of its kinds says why.
            RateLimited, ServiceUnavailable, ProviderTimeout, NetworkError: it said nothing of the code.
            UnusableAnswer: it answered without a key.
        """

    def limited_code(self, key: str, terms: KeyTerms, *, callback_url: str, code_challenge: str) -> str:
        """A code for another key of the same person that keeps the terms.

        Args:
            key: one of the person's, as `exchange` gave it out.

        Raises:
            InvalidApiKey, ExchangeUnavailable, CodeConflict: the provider makes none.
            RateLimited, ServiceUnavailable, ProviderTimeout, NetworkError, UnusableAnswer: it said nothing of it.
        """


class KeyInspector(Protocol):
    @property
    def console_url(self) -> str:
        """Where the provider's users look after their keys: revoking one is done there alone."""

    def inspect(self, key: str) -> KeyStatus:
        """What the provider says of the key; free of charge.

        Raises:
            InvalidApiKey: the provider does not take it.
            RateLimited, ServiceUnavailable, ProviderTimeout, NetworkError, UnusableAnswer: nothing is known of it.
        """


class SettingsStore(Protocol):
    def load(self, user: str) -> UserSettings: ...

    def save(self, user: str, settings: UserSettings) -> bool:
        """Stores it with the next version, if the stored one has `settings.version`."""


class AccountStore(Protocol):
    def load(self, user: str, *, charges_of: Collection[str] = ()) -> Account:
        """The user's settings and keys as they are now: one consistent read of both, a single call.

        Args:
            charges_of: digests of keys; what is known of the charges on them is read in the same call.

        Raises:
            ServiceUnavailable: not all of it could be read.
        """
