"""What every TokenStore does."""

from datetime import timedelta

from ulid import ULID

from darkroom.models.token import ApiToken
from darkroom.ports import TokenStore
from tests.conftest import SteppingClock


def _token(user: str, clock: SteppingClock, **changes: object) -> ApiToken:
    token = ApiToken(id=f"tok_{ULID()}", user=user, sha256=f"{ULID()}", hint="wxyz", created_at=clock.now)
    return token.model_copy(update=changes)


def test_a_token_is_found_by_its_digest_as_it_was_added(
    token_store: TokenStore, clock: SteppingClock, user: str
) -> None:
    token = _token(user, clock, name="laptop", expires_at=clock.now + timedelta(days=3))
    token_store.add(token)
    assert token_store.find(token.sha256) == token
    assert token_store.find("0" * 64) is None


def test_a_user_sees_their_own_tokens_oldest_first(token_store: TokenStore, clock: SteppingClock, user: str) -> None:
    tokens = [_token(user, clock, id=f"tok_{n}") for n in (2, 1, 3)]
    for token in [*tokens, _token(f"{user}-b", clock)]:
        token_store.add(token)
    assert [token.id for token in token_store.of_user(user)] == ["tok_1", "tok_2", "tok_3"]
    assert token_store.of_user(f"{user}-c") == []


def test_a_revoked_token_is_gone_for_good(token_store: TokenStore, clock: SteppingClock, user: str) -> None:
    token, kept = _token(user, clock), _token(user, clock)
    token_store.add(token)
    token_store.add(kept)
    assert token_store.revoke(user, token.id)
    assert not token_store.revoke(user, token.id)
    assert token_store.find(token.sha256) is None
    assert token_store.of_user(user) == [kept]


def test_nobody_revokes_anothers_token(token_store: TokenStore, clock: SteppingClock, user: str) -> None:
    token = _token(user, clock)
    token_store.add(token)
    assert not token_store.revoke(f"{user}-b", token.id)
    assert token_store.find(token.sha256) == token


def test_the_last_use_is_kept_and_does_not_revive_a_revoked_token(
    token_store: TokenStore, clock: SteppingClock, user: str
) -> None:
    token = _token(user, clock)
    token_store.add(token)
    token_store.record_use(token, clock.now)
    assert token_store.find(token.sha256) == token.model_copy(update={"last_used_at": clock.now})
    token_store.revoke(user, token.id)
    token_store.record_use(token, clock.now)
    assert token_store.find(token.sha256) is None
