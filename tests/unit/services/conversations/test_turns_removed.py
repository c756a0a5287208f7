"""Conversations that are removed in the middle of a turn: nothing more is begun for them, and what was paid is told."""

from datetime import timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace
from ulid import ULID

from darkroom.errors import Conflict, ServiceUnavailable
from darkroom.models.conversation import Conversation
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.ports import Provider
from darkroom.services.conversations.turn_cancel import TurnCancel
from tests.application import LONG, Studio
from tests.fakes.memory import MemoryJobStore
from tests.unit.services.interrupting import dying
from tests.unit.services.talking import USER, Talk, operations, paint

WARM = {"op": "color_temperature", "temperature": 20}
CUT_OUT = {"op": "remove_background"}


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def assert_gone(talk: Talk, turn: Job, posts: list[str]) -> None:
    turn = talk.turn(turn)
    assert turn.error is not None
    assert (turn.status, turn.error["code"], turn.error["charged"]) == (JobStatus.FAILED, "NOT_FOUND", True)
    assert talk.posts() == posts
    assert turn.cost.actual == sum(talk.studio.charged(USER))
    assert studio_is_quiet(talk.studio)
    # It is not made anew by what comes too late, and leaves nothing behind but what was paid for.
    assert (USER, talk.id) not in talk.studio.conversations.documents
    assert [key for key in talk.studio.images.outputs if key.startswith(f"outputs/{USER}/{turn.id}/")] == []


def studio_is_quiet(studio: Studio) -> bool:
    return all(account.reserved == 0 for account in studio.ledger.accounts.values()) and not list(
        studio.jobs.list_open()
    )


def assert_nothing_more(talk: Talk, turn: Job, posts: list[str]) -> None:
    """What still waited is canceled at once and set free, and its turn ends when its message comes."""
    studio = talk.studio
    assert all(account.reserved == 0 for account in studio.ledger.accounts.values())
    assert not [job for job in studio.jobs.list_open() if job.is_paid]
    talk.run()
    ended = talk.turn(turn)
    assert (ended.status, ended.error["code"] if ended.error else None) == (JobStatus.FAILED, "JOB_CANCELED")
    assert (talk.posts(), ended.cost.actual) == (posts, sum(studio.charged(USER)))
    assert studio_is_quiet(studio)
    assert (USER, talk.id) not in studio.conversations.documents


def test_removed_before_its_planner_is_asked_nobody_is_asked(talk: Talk, studio: Studio) -> None:
    other = Talk(studio).begin()
    turn, kept = talk.submit("make it a watercolour painting"), other.submit("make it warmer")
    studio.app.conversations.remove(USER, talk.id)
    # Another's is left alone.
    assert talk.part(kept, "plan").status is JobStatus.QUEUED
    studio.job_queue.sent.remove((USER, f"{kept.id}-plan"))
    studio.app.settlement.cancel(talk.part(kept, "plan"))
    studio.app.turns.advance(USER, kept.id)
    assert_nothing_more(talk, turn, [])


def test_removed_before_its_painter_is_asked_it_is_not_painted(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it a watercolour painting")
    studio.carry_out()
    assert talk.part(turn, "paint0").status is JobStatus.QUEUED
    studio.app.conversations.remove(USER, talk.id)
    assert_nothing_more(talk, turn, ["chat"])


def test_what_cannot_be_canceled_does_not_keep_a_conversation_from_being_removed(talk: Talk, studio: Studio) -> None:
    def away(_job: Job) -> bool:
        raise ServiceUnavailable("Too many write the same rows.")

    turn = talk.submit("make it a watercolour painting")
    conversation = talk.now
    assert TurnCancel(studio.jobs, away, studio.clock).of(conversation) == 0
    assert talk.part(turn, "plan").status is JobStatus.QUEUED


def test_nor_do_jobs_that_cannot_be_looked_through(talk: Talk, studio: Studio) -> None:
    class Busy(MemoryJobStore):
        def page(self, user: str, *, limit: int, before: str | None = None) -> Any:
            raise ServiceUnavailable("AWS is busy.")

    assert TurnCancel(Busy(), studio.app.settlement.cancel, studio.clock).of(talk.now) == 0


def test_those_that_were_ordered_long_before_others_are_found(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it a watercolour painting")
    for _ in range(250):
        studio.clock.step(timedelta(seconds=1))
        now = studio.clock()
        studio.jobs.add(Job(id=f"job_{ULID.from_datetime(now)}", user=USER, op="background-removal", created_at=now))
    studio.app.conversations.remove(USER, talk.id)
    assert talk.part(turn, "plan").status is JobStatus.CANCELED


def test_nor_is_it_when_it_is_removed_before_the_painting(talk: Talk, studio: Studio) -> None:
    talk.plans(operations(CUT_OUT), paint("a fox"))
    turn = talk.submit("cut it out, and paint a fox")
    studio.carry_out()
    assert studio.render_queue.sent
    studio.app.conversations.remove(USER, talk.id)
    talk.run()
    assert_gone(talk, turn, ["chat"])


def test_removed_while_it_is_painted_the_painting_is_paid_and_the_turn_fails(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it a watercolour painting")
    studio.carry_out()

    class Meanwhile:
        """The provider, while whose answer comes the conversation is removed."""

        def generate(self, *given: Any, **named: Any) -> Any:
            answer = studio.openrouter.generate(*given, **named)
            studio.app.conversations.remove(USER, talk.id)
            return answer

        def __getattr__(self, name: str) -> Any:
            return getattr(studio.openrouter, name)

    ((user, job_id),) = studio.job_queue.sent
    studio.job_queue.sent.clear()
    worker = replace(studio.app.worker, providers=lambda _name: cast(Provider, Meanwhile()))
    worker.run(user, job_id, Deadline(LONG))
    talk.run()
    assert_gone(talk, turn, ["chat", "images"])


def test_removed_while_its_picture_is_made_the_turn_fails_and_leaves_no_picture(talk: Talk, studio: Studio) -> None:
    talk.plans(operations(WARM), paint("a fox"), operations(CUT_OUT))
    turn = talk.submit("warm, a fox, cut out")
    studio.carry_out()
    studio.carry_out()
    assert studio.render_queue.sent
    assert any(key.startswith(f"outputs/{USER}/{turn.id}/") for key in studio.images.outputs)
    studio.app.conversations.remove(USER, talk.id)
    talk.run()
    assert_gone(talk, turn, ["chat", "images"])
    # What was painted is paid, and stays with its job.
    (painted,) = talk.part(turn, "paint1").images
    assert painted.key in studio.images.outputs


def test_removed_between_reading_and_writing_it_stays_removed(talk: Talk, studio: Studio) -> None:
    class Removing:
        def save(self, conversation: Conversation) -> bool:
            studio.app.conversations.remove(USER, talk.id)
            return studio.conversations.save(conversation)

        def __getattr__(self, name: str) -> Any:
            return getattr(studio.conversations, name)

    turn = talk.submit("make it warmer")
    Talk(dying(studio, "conversations", Removing()), talk.id).run()
    assert_gone(talk, turn, ["chat"])


def test_removed_before_an_answer_that_was_lost_is_accounted_for(talk: Talk, studio: Studio) -> None:
    talk.fails("cut_body", path="/chat/completions")
    turn = talk.submit("make it warmer")
    studio.carry_out()
    studio.app.conversations.remove(USER, talk.id)
    for _ in range(3):
        talk.sweep()
    ended = talk.turn(turn)
    assert (ended.status, ended.cost.actual) == (JobStatus.FAILED, sum(studio.charged(USER)))
    assert studio_is_quiet(studio)
    assert (USER, talk.id) not in studio.conversations.documents


def test_a_part_cannot_be_removed_while_its_turn_goes_on(talk: Talk, studio: Studio) -> None:
    """Its turn would find it missing, and have it done and paid for once more."""
    turn = talk.submit("make it warmer")
    user, part = studio.job_queue.sent.pop(0)
    replace(studio.app.worker, advance=lambda _user, _turn: None).run(user, part, Deadline(LONG))
    assert talk.part(turn, "plan").status is JobStatus.SUCCEEDED
    with pytest.raises(Conflict):
        studio.app.jobs.remove(user, part, studio.app.settlement.cancel)
    # The message of a part that is over tells its turn, should nobody have done so.
    studio.app.worker.run(user, part, Deadline(LONG))
    assert talk.turn(turn).status is JobStatus.SUCCEEDED
    studio.app.jobs.remove(user, part, studio.app.settlement.cancel)
    assert len(studio.charged(USER)) == 1


def test_a_turn_can_be_canceled_until_its_planner_is_asked(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it warmer")
    canceled = studio.app.jobs.cancel(USER, turn.id, studio.app.settlement.cancel)
    assert (canceled.status, talk.part(turn, "plan").status) == (JobStatus.CANCELED, JobStatus.CANCELED)
    talk.run()
    assert (talk.turn(turn).status, talk.now.messages, studio.charged(USER)) == (JobStatus.CANCELED, (), [])
    late = talk.submit("make it cooler")
    user, part = studio.job_queue.sent.pop(0)
    replace(studio.app.worker, advance=lambda _user, _turn: None).run(user, part, Deadline(LONG))
    with pytest.raises(Conflict):
        studio.app.jobs.cancel(USER, late.id, studio.app.settlement.cancel)


def test_removing_a_turns_job_leaves_its_picture_to_the_conversation(talk: Talk, studio: Studio) -> None:
    turn = talk.say("make it warmer")
    version = talk.now.version("v2")
    assert version is not None
    studio.app.jobs.remove(USER, turn.id, studio.app.settlement.cancel)
    assert version.image.key in studio.images.outputs
    studio.app.conversations.remove(USER, talk.id)
    assert version.image.key not in studio.images.outputs
