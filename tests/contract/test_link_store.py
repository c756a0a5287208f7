"""What every LinkStore does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from ulid import ULID

from darkroom.models.session import SignInLink
from darkroom.ports import LinkStore
from tests.conftest import SteppingClock


def _link(clock: SteppingClock) -> SignInLink:
    return SignInLink(
        sha256=str(ULID()), user="alice", created_at=clock.now, expires_at=clock.now + timedelta(minutes=15)
    )


def test_a_link_is_taken_once_however_often_it_is_looked_at(link_store: LinkStore, clock: SteppingClock) -> None:
    link = _link(clock)
    link_store.add(link)
    for _ in range(3):
        assert link_store.find(link.sha256) == link
    assert link_store.use(link.sha256, clock.now) == link
    assert link_store.use(link.sha256, clock.now) is None
    assert link_store.find(link.sha256) == link.model_copy(update={"used": True})


def test_a_link_is_not_taken_after_its_time(link_store: LinkStore, clock: SteppingClock) -> None:
    link = _link(clock)
    link_store.add(link)
    assert link_store.use(link.sha256, link.expires_at) is None
    assert link_store.use(link.sha256, link.expires_at - timedelta(seconds=1)) == link


def test_a_link_that_was_never_made_is_nothing(link_store: LinkStore, clock: SteppingClock) -> None:
    assert link_store.use("none", clock.now) is None
    assert link_store.find("none") is None


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_of_many_at_the_same_time_one_takes_the_link(link_store: LinkStore, clock: SteppingClock) -> None:
    link = _link(clock)
    link_store.add(link)
    with ThreadPoolExecutor(20) as threads:
        taken = list(threads.map(lambda _: link_store.use(link.sha256, clock.now), range(40)))
    assert sum(one is not None for one in taken) == 1
