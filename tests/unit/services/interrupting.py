"""Turns of all kinds, and ports that kill whoever calls them."""

from collections.abc import Callable
from typing import Any

from darkroom.models.job import Job, JobStatus
from tests.application import Studio
from tests.unit.services.talking import Talk, assert_books_agree, operations, paint

WARM = {"op": "color_temperature", "temperature": 20}
CUT_OUT = {"op": "remove_background"}
ALL = (operations(WARM), operations(CUT_OUT), paint("a fox"), operations(CUT_OUT, WARM))


class Killed(BaseException):
    """What is raised where a process would be killed: nobody catches it."""


def all_kinds(talk: Talk) -> Job:
    """A turn with a repair, operations here, operations where the model is, and a painting between them."""
    talk.answers("no plan")
    talk.plans(*ALL)
    return talk.submit("everything at once")


def assert_done_once(talk: Talk, turn: Job) -> None:
    turn = talk.turn(turn)
    assert (turn.status, turn.error) == (JobStatus.SUCCEEDED, None)
    assert talk.parts(turn).keys() == {"plan", "repair", "paint2"}
    assert talk.posts() == ["chat", "chat", "images"]
    assert [message.role for message in talk.now.messages] == ["user", "assistant"]
    assert [version.id for version in talk.now.versions] == ["v1", "v2"]
    steps = talk.now.versions[1].steps
    names = ["paint" if step.paint else (step.operation or {})["op"] for step in steps]
    assert names == ["color_temperature", "remove_background", "paint", "remove_background", "color_temperature"]
    assert_books_agree(talk, turn)


class Deadly:
    """A port that kills whoever calls a method for the nth time, before or after it has done its work."""

    def __init__(self, port: Any, method: str, *, when: str, nth: int) -> None:
        self._port, self._method, self._when, self._left = port, method, when, nth

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._counted(found) if name == self._method else found

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                raise Killed
            done = method(*args, **named)
            if self._left == 0:
                raise Killed
            return done

        return call


def dying(studio: Studio, role: str, port: Any) -> Studio:
    """The same studio, in which a port is deadly for all services."""
    shared = (
        *("vault", "settings", "webhooks", "webhook_queue", "conversations", "jobs", "job_queue"),
        *("render_queue", "segmenter"),
    )
    doomed = Studio(studio.simulator, studio.clock, **{name: getattr(studio, name) for name in shared})
    for name in ("ledger", "images", "raw_answers"):
        vars(doomed)[name] = getattr(studio, name)
    if role in vars(doomed):
        vars(doomed)[role] = port
    else:
        setattr(doomed, role, port)
    return doomed
