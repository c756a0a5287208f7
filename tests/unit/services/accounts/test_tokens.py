from datetime import timedelta

import pytest

from darkroom.errors import Conflict, InvalidParameter, InvalidToken, NotFound, Unauthenticated
from darkroom.services.accounts.tokens import MOST_TOKENS, PREFIX, USE_RESOLUTION, Tokens
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryTokenStore


@pytest.fixture
def store() -> MemoryTokenStore:
    return MemoryTokenStore()


@pytest.fixture
def tokens(store: MemoryTokenStore, clock: SteppingClock) -> Tokens:
    return Tokens(store, clock)


def test_a_new_token_tells_who_calls(tokens: Tokens) -> None:
    token, plaintext = tokens.create(user="alice", name="laptop")
    assert tokens.authenticate(plaintext).user == "alice"
    assert token.hint == plaintext[-4:]


def test_the_plaintext_is_long_random_and_kept_nowhere(tokens: Tokens, store: MemoryTokenStore) -> None:
    plaintexts = {tokens.create(user="alice")[1] for _ in range(20)}
    assert len(plaintexts) == 20
    kept = "".join(token.model_dump_json() for token in store.tokens.values())
    for plaintext in plaintexts:
        assert len(plaintext.removeprefix(PREFIX)) == 43
        assert plaintext not in kept
        assert plaintext.removeprefix(PREFIX) not in kept


@pytest.mark.parametrize("sent", [None, ""])
def test_nothing_sent_is_unauthenticated(tokens: Tokens, sent: str | None) -> None:
    with pytest.raises(Unauthenticated):
        tokens.authenticate(sent)


@pytest.mark.parametrize("sent", ["x", "dk_", f"{PREFIX}{'a' * 43}", f"{PREFIX}{'a' * 43}\n", "sk-or-v1-whatever", "é"])
def test_what_is_no_token_is_refused(tokens: Tokens, sent: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.authenticate(sent)


def test_a_token_ends_when_it_was_said_to(tokens: Tokens, clock: SteppingClock) -> None:
    _, plaintext = tokens.create(user="alice", lifetime=timedelta(days=1))
    clock.step(timedelta(hours=23))
    assert tokens.authenticate(plaintext)
    clock.step(timedelta(hours=1))
    with pytest.raises(InvalidToken):
        tokens.authenticate(plaintext)


def test_a_revoked_token_is_refused_at_once(tokens: Tokens) -> None:
    token, plaintext = tokens.create(user="alice")
    tokens.revoke("alice", token.id)
    with pytest.raises(InvalidToken):
        tokens.authenticate(plaintext)
    with pytest.raises(NotFound):
        tokens.revoke("alice", token.id)


def test_anothers_token_is_not_found(tokens: Tokens) -> None:
    token, plaintext = tokens.create(user="alice")
    with pytest.raises(NotFound):
        tokens.revoke("bob", token.id)
    assert tokens.authenticate(plaintext)


def test_the_last_use_is_noted_once_a_minute(tokens: Tokens, store: MemoryTokenStore, clock: SteppingClock) -> None:
    token, plaintext = tokens.create(user="alice")
    first = clock.now
    for by in (timedelta(0), USE_RESOLUTION / 2):
        clock.step(by)
        tokens.authenticate(plaintext)
    assert store.tokens[token.sha256].last_used_at == first
    clock.step(USE_RESOLUTION)
    tokens.authenticate(plaintext)
    assert store.tokens[token.sha256].last_used_at == clock.now


@pytest.mark.parametrize("user", ["", "Alice", "a/b", "..", "a b", "-a", "ü", "a" * 65, "a\n"])
def test_a_user_name_that_could_be_a_path_is_refused(tokens: Tokens, user: str) -> None:
    with pytest.raises(InvalidParameter):
        tokens.create(user=user)


def test_there_is_an_end_to_how_many(tokens: Tokens) -> None:
    for _ in range(MOST_TOKENS):
        tokens.create(user="alice")
    with pytest.raises(Conflict):
        tokens.create(user="alice")
    assert tokens.create(user="bob")
    assert len(tokens.of_user("alice")) == MOST_TOKENS
