"""Cursors: each is its own user's and list's, and taken as it was made or not at all."""

import base64
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from darkroom.errors import InvalidParameter
from darkroom.services.accounts.cursors import Cursors, ListName
from tests.fakes.memory import MemorySigningKey

CURSORS = Cursors(MemorySigningKey())
USERS = st.text(min_size=1, max_size=64)
POSITIONS = st.text(max_size=40)
LISTS: list[ListName] = ["conversations", "jobs", "receipts"]
ALPHABET = string.ascii_letters + string.digits + "-_=+/. \x00é"


def _made(position: str = "job_01HZ", user: str = "alice", name: ListName = "jobs") -> str:
    cursor = CURSORS.encode(user, name, position)
    assert cursor is not None
    return cursor


def _is_refused(cursor: str, user: str = "alice", name: ListName = "jobs") -> bool:
    with pytest.raises(InvalidParameter) as raised:
        CURSORS.decode(user, name, cursor)
    problem = raised.value.problem()
    assert (problem["status"], problem["param"], problem["charged"]) == (400, "cursor", False)
    assert "begin again" in raised.value.fix
    return True


@given(user=USERS, name=st.sampled_from(LISTS), position=POSITIONS)
def test_what_is_decoded_is_what_was_encoded(user: str, name: ListName, position: str) -> None:
    cursor = _made(position, user, name)
    assert CURSORS.decode(user, name, cursor) == position
    assert set(cursor) <= set(string.ascii_letters + string.digits + "-_")


@given(position=POSITIONS, data=st.data())
def test_no_change_of_one_character_passes(position: str, data: st.DataObject) -> None:
    cursor = _made(position)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != cursor[at])
    assert _is_refused(cursor[:at] + other + cursor[at + 1 :])
    assert _is_refused(cursor[:at] + other + cursor[at:])
    assert _is_refused(cursor[:at] + cursor[at + 1 :])


@pytest.mark.parametrize("position", ["a", "ab", "abc", "job_01HZ"])
def test_no_changed_bit_passes(position: str) -> None:
    cursor = _made(position)
    signed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for bit in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[bit // 8] ^= 1 << bit % 8
        assert _is_refused(base64.urlsafe_b64encode(changed).rstrip(b"=").decode())
    # The last character has bits that are no part of any byte.
    for last in string.ascii_letters + string.digits + "-_":
        assert last == cursor[-1] or _is_refused(cursor[:-1] + last)


@given(users=st.lists(USERS, min_size=2, max_size=2, unique=True), position=POSITIONS)
def test_another_users_cursor_is_refused(users: list[str], position: str) -> None:
    assert _is_refused(_made(position, users[0]), users[1])


@pytest.mark.parametrize("name", LISTS)
def test_another_lists_cursor_is_refused(name: ListName) -> None:
    for other in LISTS:
        assert other == name or _is_refused(_made(name=other), name=name)


def test_user_and_position_are_not_one_text() -> None:
    # The same characters in the same order.
    assert _is_refused(_made("bjob_1", "alice"), "aliceb")


def test_another_stacks_cursor_is_refused() -> None:
    cursor = Cursors(MemorySigningKey(b"other" * 7)).encode("alice", "jobs", "job_1")
    assert cursor is not None
    assert _is_refused(cursor)


@given(st.text(min_size=1, max_size=300))
def test_garbage_is_refused(garbage: str) -> None:
    assert _is_refused(garbage)


@pytest.mark.parametrize("before_the_change", ["job_01HZZZZZZZZZZZZZZZZZZZZZZZ", "conv_01HZZZZZZZZZZZZZZZZZZZZZZZ"])
def test_an_id_alone_is_no_cursor(before_the_change: str) -> None:
    assert _is_refused(before_the_change)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_cursor_is_the_first_page_and_no_further_page_has_none(nothing: str | None) -> None:
    assert CURSORS.decode("alice", "jobs", nothing) is None
    assert CURSORS.encode("alice", "jobs", None) is None
