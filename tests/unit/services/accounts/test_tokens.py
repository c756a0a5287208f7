from datetime import datetime, timedelta

import pytest

from darkroom.errors import Conflict, InvalidParameter, InvalidToken, NotFound, Unauthenticated
from darkroom.models.token import ApiToken
from darkroom.services.accounts.tokens import MOST_TOKENS, PREFIX, REMEMBERED, USE_RESOLUTION, Tokens
from tests.conftest import SteppingClock
from tests.fakes.people import MemoryTokenStore


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


class Elsewhere:
    """Another process with the same table. `looks` counts how often this one's tokens were read."""

    def __init__(self, store: MemoryTokenStore, clock: SteppingClock) -> None:
        self.tokens, self.looks = Tokens(store, clock), 0
        find = store.find

        def counted(sha256: str) -> ApiToken | None:
            self.looks += 1
            return find(sha256)

        store.find = counted  # type: ignore[method-assign]


class TestWhatIsRemembered:
    def test_a_valid_token_is_read_once_in_a_while(
        self, tokens: Tokens, store: MemoryTokenStore, clock: SteppingClock
    ) -> None:
        _, plaintext = tokens.create(user="alice")
        here = Elsewhere(store, clock)
        for _ in range(10):
            assert here.tokens.authenticate(plaintext).user == "alice"
        assert here.looks == 1
        clock.step(REMEMBERED - timedelta(milliseconds=1))
        here.tokens.authenticate(plaintext)
        assert here.looks == 1
        clock.step(timedelta(milliseconds=1))
        here.tokens.authenticate(plaintext)
        assert here.looks == 2

    def test_looking_does_not_make_it_be_remembered_for_longer(
        self, tokens: Tokens, store: MemoryTokenStore, clock: SteppingClock
    ) -> None:
        token, plaintext = tokens.create(user="alice")
        here = Elsewhere(store, clock)
        here.tokens.authenticate(plaintext)
        tokens.revoke("alice", token.id)
        for _ in range(4):
            assert here.tokens.authenticate(plaintext)
            clock.step(REMEMBERED / 4)
        with pytest.raises(InvalidToken):
            here.tokens.authenticate(plaintext)

    def test_a_token_that_was_revoked_elsewhere_is_refused_within_the_bound(
        self, tokens: Tokens, store: MemoryTokenStore, clock: SteppingClock
    ) -> None:
        token, plaintext = tokens.create(user="alice")
        here = Elsewhere(store, clock)
        here.tokens.authenticate(plaintext)
        tokens.revoke("alice", token.id)
        with pytest.raises(InvalidToken):
            tokens.authenticate(plaintext)
        clock.step(REMEMBERED)
        with pytest.raises(InvalidToken):
            here.tokens.authenticate(plaintext)
        assert timedelta(seconds=10) > REMEMBERED

    def test_a_remembered_token_ends_when_it_was_said_to(self, tokens: Tokens, clock: SteppingClock) -> None:
        _, plaintext = tokens.create(user="alice", lifetime=timedelta(seconds=2))
        assert tokens.authenticate(plaintext)
        clock.step(timedelta(seconds=2))
        with pytest.raises(InvalidToken):
            tokens.authenticate(plaintext)

    def test_what_is_refused_is_looked_for_every_time(
        self, tokens: Tokens, store: MemoryTokenStore, clock: SteppingClock
    ) -> None:
        token, plaintext = tokens.create(user="alice")
        del store.tokens[token.sha256]
        here = Elsewhere(store, clock)
        for looks in (1, 2):
            with pytest.raises(InvalidToken):
                here.tokens.authenticate(plaintext)
            assert here.looks == looks
        store.tokens[token.sha256] = token
        assert here.tokens.authenticate(plaintext)

    def test_its_use_is_written_once_a_minute_all_the_same(
        self, tokens: Tokens, store: MemoryTokenStore, clock: SteppingClock
    ) -> None:
        token, plaintext = tokens.create(user="alice")
        uses: set[datetime | None] = set()
        for _ in range(90):
            tokens.authenticate(plaintext)
            uses.add(store.tokens[token.sha256].last_used_at)
            clock.step(timedelta(seconds=1))
        assert len(uses) == 2

    def test_a_clock_that_was_set_back_makes_nothing_last(
        self, tokens: Tokens, store: MemoryTokenStore, clock: SteppingClock
    ) -> None:
        _, plaintext = tokens.create(user="alice")
        here = Elsewhere(store, clock)
        here.tokens.authenticate(plaintext)
        clock.step(timedelta(hours=-1))
        here.tokens.authenticate(plaintext)
        assert here.looks == 2
