"""What a provider's client raises by itself: it becomes an error of ours, which says whether money may be gone."""

from collections.abc import Callable
from typing import Any

import pytest

from darkroom.errors import DarkroomError, RateLimited
from darkroom.models.deadline import Deadline
from darkroom.models.generation import Dispatch, GenerationRequest, RawAnswer
from darkroom.models.job import PaidWork
from darkroom.ports import PaidCall, Watch
from darkroom.services.paid.calls import prepare, reread, unheard
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore

WORK = PaidWork(request=GenerationRequest(model="x/y", prompt="A fox"))
ANSWER = RawAnswer(body=b"{}", media_type="application/json", complete=True)


class Raising:
    """A provider whose client fails in a way that nobody thought of, before or after it sends."""

    name = "acme"
    title = "Acme"

    def __init__(self, error: Exception, *, sends: bool = True) -> None:
        self.error = error
        self.sends = sends

    def generate(self, _request: GenerationRequest, call: PaidCall) -> None:
        if self.sends:
            call.watch.on_dispatched(Dispatch(model="x/y", attempt=1, streamed=False))
        raise self.error

    def reread(self, _request: GenerationRequest, _answer: RawAnswer) -> None:
        raise self.error


def ask(provider: Any, clock: SteppingClock, on_dispatched: Callable[[Dispatch], None] = lambda _told: None) -> None:
    watch = Watch(on_dispatched, lambda _id: None, lambda _answer: None, unheard)
    prepare(WORK, provider, MemoryImageStore(clock))("key", Deadline(5), watch)


@pytest.mark.parametrize(
    "error", [RecursionError(), MemoryError(), KeyError("x"), UnicodeDecodeError("a", b"", 0, 1, "")]
)
def test_after_the_dispatch_it_is_an_answer_that_cannot_be_used(error: Exception, clock: SteppingClock) -> None:
    for failing in (lambda: ask(Raising(error), clock), lambda: reread(WORK, Raising(error), ANSWER)):  # type: ignore[arg-type]
        with pytest.raises(DarkroomError) as raised:
            failing()
        assert (raised.value.code, raised.value.charged, raised.value.retryable) == (
            "UNUSABLE_ANSWER",
            "unknown",
            False,
        )
        assert type(error).__name__ in raised.value.detail
        assert raised.value.__cause__ is error


def test_before_the_dispatch_it_has_cost_nothing(clock: SteppingClock) -> None:
    with pytest.raises(DarkroomError) as raised:
        ask(Raising(KeyError("x"), sends=False), clock)
    assert (raised.value.code, raised.value.charged) == ("INTERNAL_ERROR", False)


def test_what_is_said_properly_and_what_the_listener_raises_goes_through(clock: SteppingClock) -> None:
    with pytest.raises(RateLimited):
        ask(Raising(RateLimited("Later.")), clock)

    class Stop(Exception):
        pass

    def stop(_told: Dispatch) -> None:
        raise Stop

    with pytest.raises(Stop):
        ask(Raising(KeyError("x")), clock, stop)
