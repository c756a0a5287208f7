"""What every SessionStore does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from ulid import ULID

from darkroom.models.session import Session, SignInAttempt
from darkroom.ports import SessionStore
from tests.conftest import SteppingClock


def _attempt(clock: SteppingClock) -> SignInAttempt:
    return SignInAttempt(
        sha256=str(ULID()),
        browser_sha256="b" * 64,
        code_verifier="v" * 128,
        return_to="/x?y=1",
        expires_at=clock.now + timedelta(minutes=10),
    )


def test_an_attempt_is_taken_once_by_its_own_browser(session_store: SessionStore, clock: SteppingClock) -> None:
    attempt = _attempt(clock)
    session_store.begin(attempt)
    assert session_store.use(attempt.sha256, "c" * 64) is None
    assert session_store.use(attempt.sha256, attempt.browser_sha256) == attempt
    assert session_store.use(attempt.sha256, attempt.browser_sha256) is None


def test_a_used_attempt_is_remembered_without_its_verifier(session_store: SessionStore, clock: SteppingClock) -> None:
    attempt = _attempt(clock)
    session_store.begin(attempt)
    assert session_store.attempt(attempt.sha256) == attempt
    session_store.use(attempt.sha256, attempt.browser_sha256)
    left = session_store.attempt(attempt.sha256)
    assert left is not None
    assert (left.used, left.code_verifier) == (True, "")


def test_an_attempt_that_was_never_begun_is_nothing(session_store: SessionStore) -> None:
    assert session_store.use("none", "b" * 64) is None
    assert session_store.attempt("none") is None


def test_a_session_is_found_until_it_is_closed(session_store: SessionStore, clock: SteppingClock) -> None:
    session = Session(sha256=str(ULID()), user="alice", created_at=clock.now, expires_at=clock.now + timedelta(days=30))
    session_store.open(session)
    assert session_store.find(session.sha256) == session
    for _ in range(2):
        session_store.close(session.sha256)
    assert session_store.find(session.sha256) is None


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_of_many_at_the_same_time_one_takes_the_attempt(session_store: SessionStore, clock: SteppingClock) -> None:
    attempt = _attempt(clock)
    session_store.begin(attempt)
    with ThreadPoolExecutor(20) as threads:
        taken = list(threads.map(lambda _: session_store.use(attempt.sha256, attempt.browser_sha256), range(40)))
    assert sum(one is not None for one in taken) == 1
