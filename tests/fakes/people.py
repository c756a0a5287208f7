"""In memory: tokens, one-time links, accounts, and which account each OpenRouter user belongs to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from darkroom.models.account import Account
from darkroom.models.receipt import KeyCharges
from darkroom.models.session import Identity, SignInLink
from darkroom.models.token import ApiToken
from darkroom.ports import KeyVault, SettingsStore


class MemoryTokenStore:
    def __init__(self) -> None:
        self.tokens: dict[str, ApiToken] = {}

    def add(self, token: ApiToken) -> None:
        self.tokens[token.sha256] = token

    def find(self, sha256: str) -> ApiToken | None:
        return self.tokens.get(sha256)

    def of_user(self, user: str) -> Sequence[ApiToken]:
        return sorted((token for token in self.tokens.values() if token.user == user), key=lambda token: token.id)

    def revoke(self, user: str, token_id: str) -> bool:
        found = [token for token in self.of_user(user) if token.id == token_id]
        for token in found:
            del self.tokens[token.sha256]
        return bool(found)

    def record_use(self, token: ApiToken, at: datetime) -> None:
        if token.sha256 in self.tokens:
            self.tokens[token.sha256] = self.tokens[token.sha256].model_copy(update={"last_used_at": at})


class MemoryAccountStore:
    """What other stores hold. `loads` are the users that it was asked for."""

    def __init__(self, settings: SettingsStore, vault: KeyVault, charges: Mapping[str, KeyCharges]) -> None:
        self._charges = charges
        self._settings = settings
        self._vault = vault
        self.loads: list[str] = []

    def load(self, user: str, *, charges_of: Collection[str] = ()) -> Account:
        self.loads.append(user)
        keys = sorted(self._vault.describe(user), key=lambda key: key.provider)
        charges = {digest: self._charges.get(digest, KeyCharges()) for digest in charges_of}
        return Account(user=user, settings=self._settings.load(user), keys=tuple(keys), charges=charges)


class MemoryLinkStore:
    def __init__(self) -> None:
        self.links: dict[str, SignInLink] = {}

    def add(self, link: SignInLink) -> None:
        self.links[link.sha256] = link

    def find(self, sha256: str) -> SignInLink | None:
        return self.links.get(sha256)

    def use(self, sha256: str, at: datetime) -> SignInLink | None:
        found = self.links.get(sha256)
        if found is None or found.used or found.expires_at <= at:
            return None
        self.links[sha256] = found.model_copy(update={"used": True})
        return found


class MemoryIdentityStore:
    """Args: has_rows: whether another store has something of a user's."""

    def __init__(self, has_rows: Callable[[str], bool] = lambda _user: False) -> None:
        self.kept: dict[str, Identity] = {}
        self._has_rows = has_rows

    def find(self, sha256: str) -> Identity | None:
        return self.kept.get(sha256)

    def link(self, identity: Identity, *, instead_of: Identity | None) -> bool:
        if not _same(self.kept.get(identity.sha256), instead_of):
            return False
        self.kept[identity.sha256] = identity
        return True

    def of_user(self, user: str) -> Sequence[Identity]:
        return sorted((each for each in self.kept.values() if each.user == user), key=lambda each: each.linked_at)

    def unlink(self, identity: Identity) -> bool:
        if not _same(self.kept.get(identity.sha256), identity):
            return False
        del self.kept[identity.sha256]
        return True

    def is_used(self, user: str) -> bool:
        return bool(self.of_user(user)) or self._has_rows(user)


def _same(one: Identity | None, other: Identity | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.user, one.verified) == (other.user, other.verified)


class MemoryRequestCounts:
    """`added` has what each call added, by owner; `is_busy`: it cannot be asked. Implements ports.RequestCounts."""

    def __init__(self) -> None:
        self.is_busy = False
        self._sums: dict[tuple[str, datetime, str], int] = {}
        self.added: list[tuple[str, dict[str, int]]] = []

    def add(self, owner: str, window: datetime, amounts: Mapping[str, int]) -> Mapping[str, int] | None:
        if self.is_busy:
            return None
        self.added.append((owner, dict(amounts)))
        places = {name: (owner, window, name) for name in amounts}
        for name, place in places.items():
            self._sums[place] = self._sums.get(place, 0) + amounts[name]
        return {name: self._sums[place] for name, place in places.items()}
