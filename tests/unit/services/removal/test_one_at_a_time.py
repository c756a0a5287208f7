"""Work is waited for until a deadline, and is never done twice at once."""

from threading import Event

import pytest

from darkroom.models.deadline import Deadline
from darkroom.services.removal.postponed import OneAtATime, TimeIsUp


def test_what_is_done_in_time_is_returned_and_what_is_raised_is_raised() -> None:
    at_work = OneAtATime()
    assert at_work.run(lambda: 7, Deadline(30)) == 7
    assert at_work.run(lambda: None, Deadline(30)) is None
    with pytest.raises(ZeroDivisionError):
        at_work.run(lambda: 1 / 0, Deadline(30))
    assert at_work.run(lambda: 8, Deadline(30)) == 8


def test_what_is_not_done_in_time_goes_on_and_the_next_waits_for_its_end() -> None:
    at_work, begun, may_end, ended = OneAtATime(), Event(), Event(), Event()

    def slow() -> None:
        begun.set()
        may_end.wait(30)
        ended.set()

    with pytest.raises(TimeIsUp):
        at_work.run(slow, Deadline(0))
    assert begun.wait(30)
    with pytest.raises(TimeIsUp):
        at_work.run(lambda: pytest.fail("two at once"), Deadline(0))
    may_end.set()
    assert at_work.run(ended.is_set, Deadline(30)) is True
