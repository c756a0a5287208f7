"""Bought pictures cut out of their backgrounds: one charge and one cut-out each, whatever is stopped or repeated."""

import base64
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from darkroom.errors import Conflict, NoForeground, ServiceUnavailable
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.deadline import Deadline
from darkroom.models.generation import RawAnswer
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import CUTOUT_TIME, Job, JobStatus, KeptCutout
from darkroom.services.paid.cutouts import FORGOTTEN
from darkroom.services.paid.rereading import Rereading
from local.simulator import Simulator
from tests.application import KLEIN, LONG, Studio
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.fakes.recipes import MemoryRenderQueue
from tests.photos import photo, save

TERMS = Terms(route="POST /v1/images/generations")
PRICE = 14_000
TOOK_TOO_LONG = "The background could not be removed, so the picture is as the model made it. It took too long."


class Dying:
    """Stops the function, as a kill would, at the n-th call of what it is told to watch; 0 stops it never."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> None:
        if self.at:
            self.at -= 1
            if not self.at:
                raise KeyboardInterrupt


class DyingJobs(MemoryJobStore):
    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = Dying(), Dying()

    def keep_cutouts(self, job: Job, cutouts: Sequence[KeptCutout]) -> Job | None:
        self.before()
        kept = super().keep_cutouts(job, cutouts)
        self.after()
        return kept


class DyingQueue(MemoryRenderQueue):
    """As a queue that cannot be reached while `is_away`."""

    is_away = False

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = Dying(), Dying()

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        self.before()
        if self.is_away:
            raise ServiceUnavailable("SQS did not answer.")
        super().send(user, job_id, delay_seconds=delay_seconds)
        self.after()


@pytest.fixture
def dying(studio_simulator: Simulator, clock: SteppingClock) -> Studio:
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock, jobs=DyingJobs(), render_queue=DyingQueue())
    studio.connect("alice")
    return studio


@pytest.fixture
def jobs(dying: Studio) -> DyingJobs:
    assert isinstance(dying.jobs, DyingJobs)
    return dying.jobs


@pytest.fixture
def queue(dying: Studio) -> DyingQueue:
    assert isinstance(dying.render_queue, DyingQueue)
    return dying.render_queue


def _order(studio: Studio, **fields: Any) -> str:
    studio.simulator.scenario("small_picture")
    request = ImageRequest(prompt="A red fox", model=KLEIN, background="transparent", **fields)
    return studio.app.generate.submit(Caller(user="alice"), request, TERMS).job.id


def _cut(studio: Studio, *, receives: int = 1) -> None:
    """The image function works on what waits in its queue."""
    sent, studio.render_queue.sent = studio.render_queue.sent, []
    for user, job_id in sent:
        assert studio.app.cutout_worker.run(user, job_id, Deadline(LONG), receives=receives)


def _bought(studio: Studio, **fields: Any) -> Job:
    job_id = _order(studio, **fields)
    studio.carry_out()
    return studio.job("alice", job_id)


def _shown(studio: Studio, job: Job) -> Job:
    return studio.app.jobs.as_shown(studio.job("alice", job.id))


def _picture(studio: Studio, key: str) -> Image.Image:
    return Image.open(io.BytesIO(studio.images.outputs[key].data))


def test_a_bought_picture_is_cut_out_and_stays_as_it_was_bought(studio: Studio) -> None:
    job = _bought(studio)
    bought = studio.images.outputs[job.images[0].key].data
    assert (job.status, job.cost.settled, job.cost.charged, job.cost.actual) == (JobStatus.SUCCEEDED, True, True, PRICE)
    assert studio.render_queue.sent == [("alice", job.id)]
    receipts = dict(studio.ledger.receipts_)
    _cut(studio)
    done = studio.job("alice", job.id)
    assert done == job.model_copy(update={"cutouts": done.cutouts})
    (cutout,) = done.cutouts
    assert cutout.image is not None
    assert cutout.image.key == f"outputs/alice/{job.id}/0-cut.png"
    picture = _picture(studio, cutout.image.key)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (256, 256))
    corners = [picture.getpixel(at) for at in ((0, 0), (255, 0), (0, 255), (255, 255))]
    assert [corner[3] for corner in corners if isinstance(corner, tuple)] == [0] * 4
    assert isinstance(middle := picture.getpixel((128, 128)), tuple)
    assert middle[3] == 255
    assert studio.images.outputs[job.images[0].key].data == bought
    assert studio.ledger.receipts_ == receipts
    assert studio.charged("alice") == [PRICE]


def test_the_job_runs_for_its_owner_until_the_cut_out_is_there(studio: Studio) -> None:
    job = _bought(studio)
    waiting = _shown(studio, job)
    assert (waiting.status, waiting.images, waiting.completed_at) == (JobStatus.RUNNING, (), None)
    _cut(studio)
    over = _shown(studio, job)
    assert (over.status, over.completed_at) == (JobStatus.SUCCEEDED, job.completed_at)
    assert [image.key for image in over.images] == [f"outputs/alice/{job.id}/0-cut.png"]
    assert over.as_shown(studio.clock()) == over


def test_each_of_several_pictures_is_cut_out_in_the_format_that_was_asked_for(studio: Studio) -> None:
    job = _bought(studio, n=3, output_format="webp")
    assert len(job.images) == 3
    _cut(studio)
    keys = [image.key for image in _shown(studio, job).images]
    assert keys == [f"outputs/alice/{job.id}/{index}-cut.webp" for index in range(3)]
    assert {(_picture(studio, key).format, _picture(studio, key).mode) for key in keys} == {("WEBP", "RGBA")}
    assert studio.charged("alice") == [PRICE] * 3


def test_a_message_that_comes_again_changes_nothing(studio: Studio) -> None:
    job = _bought(studio)
    studio.render_queue.sent *= 3
    _cut(studio)
    done, files = studio.job("alice", job.id), dict(studio.images.outputs)
    assert studio.segmenter.asked == 1
    assert studio.app.cutout_worker.run("alice", job.id, Deadline(LONG))
    assert (studio.job("alice", job.id), studio.images.outputs) == (done, files)
    assert studio.segmenter.asked == 1


def test_a_function_without_time_left_has_another_go_on(studio: Studio) -> None:
    job = _bought(studio, n=2)
    assert studio.app.cutout_worker.run("alice", job.id, Deadline(5))
    assert studio.render_queue.sent == [("alice", job.id)] * 2
    assert studio.job("alice", job.id).cutouts == ()


@pytest.mark.parametrize(
    ("watched", "at"),
    [
        *(("before the message is sent", 1), ("after the message is sent", 1)),
        *(("before a cut-out is noted down", 1), ("before a cut-out is noted down", 2)),
        *(("after a cut-out is noted down", 1), ("after a cut-out is noted down", 2)),
    ],
)
def test_whatever_is_stopped_there_is_one_charge_and_one_cut_out_of_each_picture(
    watched: str, at: int, dying: Studio, jobs: DyingJobs, queue: DyingQueue
) -> None:
    deaths = {
        "before the message is sent": queue.before,
        "after the message is sent": queue.after,
        "before a cut-out is noted down": jobs.before,
        "after a cut-out is noted down": jobs.after,
    }
    deaths[watched].at = at
    job_id = _order(dying, n=2)
    stopped = 0
    for step in (dying.carry_out, lambda: _cut(dying)):
        try:
            step()
        except KeyboardInterrupt:
            stopped += 1
    assert stopped == 1
    charges = dying.charged("alice")
    assert len(charges) == 2
    for _ in range(3):
        dying.clock.step(timedelta(minutes=5) - FORGOTTEN)
        dying.app.sweep.run(Deadline(LONG))
        _cut(dying)
    job = dying.job("alice", job_id)
    assert [cutout.image.key for cutout in job.cutouts if cutout.image] == [job.cutout_key(0), job.cutout_key(1)]
    assert _shown(dying, job).status is JobStatus.SUCCEEDED
    assert dying.charged("alice") == charges
    assert job.cost.actual == sum(charges) == dying.budget("alice", "day").spent
    assert [key for key in dying.images.outputs if "-cut" in key] == [job.cutout_key(0), job.cutout_key(1)]
    assert list(dying.jobs.list_without_cutouts()) == []


def test_what_cannot_be_queued_is_paid_and_settled_and_queued_by_the_sweep(dying: Studio, queue: DyingQueue) -> None:
    queue.is_away = True
    job = _bought(dying)
    assert (job.status, job.cost.settled, dying.charged("alice")) == (JobStatus.SUCCEEDED, True, [PRICE])
    assert [name for name, _ in dying.alarms] == ["CUTOUT_NOT_QUEUED"]
    dying.clock.step(FORGOTTEN)
    dying.app.sweep.run(Deadline(LONG))
    assert [name for name, _ in dying.alarms] == ["CUTOUT_NOT_QUEUED", "SWEEP_FAILED"]
    queue.is_away = False
    assert dying.app.sweep.run(Deadline(LONG))["cutouts"] == 1
    _cut(dying)
    assert _shown(dying, job).images[0].key == job.cutout_key(0)


def test_the_sweep_sends_no_message_of_which_nobody_can_say_that_it_is_lost(studio: Studio) -> None:
    _bought(studio)
    studio.render_queue.sent.clear()
    studio.clock.step(FORGOTTEN - timedelta(seconds=1))
    studio.app.sweep.run(Deadline(LONG))
    assert studio.render_queue.sent == []


class TestWithoutACutOut:
    """A picture that was bought is given to its owner, whatever becomes of its cut-out."""

    def test_after_a_while_it_is_shown_as_it_is_and_says_so(self, studio: Studio) -> None:
        job = _bought(studio)
        studio.clock.step(CUTOUT_TIME - timedelta(seconds=1))
        assert _shown(studio, job).status is JobStatus.RUNNING
        studio.clock.step(timedelta(seconds=1))
        shown = _shown(studio, job)
        assert (shown.status, shown.images) == (JobStatus.SUCCEEDED, job.images)
        assert shown.warnings == (*job.warnings, TOOK_TOO_LONG)

    def test_the_sweep_gives_it_up_then_for_good(self, studio: Studio) -> None:
        job = _bought(studio, n=2)
        studio.clock.step(CUTOUT_TIME)
        studio.app.sweep.run(Deadline(LONG))
        given_up = studio.job("alice", job.id)
        assert [cutout.image for cutout in given_up.cutouts] == [None, None]
        assert studio.alarms == [("CUTOUT_NEVER_MADE", {"job": job.id, "missing": 2})]
        _cut(studio)
        assert studio.job("alice", job.id) == given_up
        assert _shown(studio, job).images == job.images
        assert list(studio.jobs.list_without_cutouts()) == []

    @pytest.mark.parametrize(
        ("error", "why"),
        [(NoForeground("Nothing stands out."), "Nothing stands out."), (ValueError("x"), "Something went wrong.")],
    )
    def test_what_cannot_be_cut_out_is_shown_as_it_is_at_once(self, error: Exception, why: str, studio: Studio) -> None:
        class Blind:
            def available(self) -> tuple[str, ...]:
                return ("u2net",)

            def mask(self, image: Image.Image, model: str) -> Image.Image:
                raise error

        studio.segmenter = Blind()
        job = _bought(studio, n=2)
        _cut(studio)
        shown = _shown(studio, job)
        assert (shown.status, shown.images) == (JobStatus.SUCCEEDED, job.images)
        said = f"The background could not be removed, so the picture is as the model made it. {why}"
        assert shown.warnings == (*job.warnings, said)
        assert job.cost.charged is True

    def test_trouble_that_passes_is_tried_again_and_in_the_end_given_up(self, studio: Studio) -> None:
        class Away(MemoryImageStore):
            def read_output(self, key: str, *, max_bytes: int) -> bytes:
                raise ServiceUnavailable("S3 did not answer.")

        job = _bought(studio)
        away = Away(studio.clock)
        worker = replace(studio.app.cutout_worker, images=away)
        for receives in (1, 2):
            with pytest.raises(ServiceUnavailable):
                worker.run("alice", job.id, Deadline(LONG), receives=receives)
            assert studio.job("alice", job.id).cutouts == ()
        assert worker.run("alice", job.id, Deadline(LONG), receives=3)
        assert _shown(studio, job).images == job.images


class TestRemoved:
    def test_both_pictures_go_with_the_job(self, studio: Studio) -> None:
        job = _bought(studio)
        _cut(studio)
        studio.app.jobs.remove("alice", job.id, studio.app.settlement.cancel)
        assert [key for key in studio.images.outputs if job.id in key] == []
        assert studio.jobs.find("alice", job.id) is None

    def test_a_job_that_is_being_cut_out_can_be_removed_and_nothing_of_it_comes_later(self, studio: Studio) -> None:
        job = _bought(studio)
        studio.app.jobs.remove("alice", job.id, studio.app.settlement.cancel)
        assert not studio.app.cutout_worker.run("alice", job.id, Deadline(LONG))
        assert [key for key in studio.images.outputs if job.id in key] == []

    def test_one_that_is_removed_while_it_is_being_cut_out_leaves_no_file(self, studio: Studio) -> None:
        class Removing(MemoryJobStore):
            def keep_cutouts(self, job: Job, cutouts: Sequence[KeptCutout]) -> Job | None:
                studio.app.jobs.remove(job.user, job.id, studio.app.settlement.cancel)
                return super().keep_cutouts(job, cutouts)

        job = _bought(studio)
        removing = Removing()
        removing.jobs = studio.jobs.jobs
        assert replace(studio.app.cutout_worker, jobs=removing).run("alice", job.id, Deadline(LONG))
        assert [key for key in studio.images.outputs if job.id in key] == []

    def test_a_file_that_nobody_noted_down_goes_too(self, dying: Studio, jobs: DyingJobs) -> None:
        job = _bought(dying)
        jobs.before.at = 1
        with pytest.raises(KeyboardInterrupt):
            _cut(dying)
        assert job.cutout_key(0) in dying.images.outputs
        dying.app.jobs.remove("alice", job.id, dying.app.settlement.cancel)
        assert [key for key in dying.images.outputs if job.id in key] == []

    def test_it_is_too_late_to_cancel_it(self, studio: Studio) -> None:
        job = _bought(studio)
        with pytest.raises(Conflict) as raised:
            studio.app.jobs.cancel("alice", job.id, studio.app.settlement.cancel)
        assert "cut out" in raised.value.detail


def test_a_picture_whose_price_is_yet_unknown_is_cut_out_all_the_same(studio: Studio) -> None:
    studio.simulator.scenario("missing_cost")
    job = _bought(studio)
    assert (job.status, job.cost.settled) == (JobStatus.SUCCEEDED, False)
    _cut(studio)
    assert _shown(studio, job).images[0].key == job.cutout_key(0)
    studio.app.settlement.settle(job, PRICE)
    settled = studio.job("alice", job.id)
    assert (settled.cost.actual, len(settled.cutouts)) == (PRICE, 1)


def test_a_message_that_was_lost_before_the_price_was_known_is_sent_again_with_the_settlement(studio: Studio) -> None:
    studio.simulator.scenario("missing_cost")
    job = _bought(studio)
    studio.render_queue.sent.clear()
    studio.clock.step(timedelta(minutes=5))
    studio.app.sweep.run(Deadline(LONG))
    settled = studio.job("alice", job.id)
    assert (settled.cost.settled, settled.cost.actual, settled.cost.charged) == (True, PRICE, True)
    assert set(studio.render_queue.sent) == {("alice", job.id)}
    _cut(studio)
    assert _shown(studio, job).images[0].key == job.cutout_key(0)


def test_an_answer_that_is_read_again_after_a_fix_is_cut_out_too(studio: Studio) -> None:
    body = {"created": 1, "data": [{"odd": "x"}], "usage": {"cost": 0.014}}
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": body}
    studio.simulator.scenario("answer", parameters=answer)
    job = _bought(studio)
    assert (job.status, job.cost.settled, studio.render_queue.sent) == (JobStatus.FAILED, True, [])
    drawn = base64.b64encode(save(photo("chelsea").resize((64, 64)), "PNG")).decode()
    mended = json.dumps({"data": [{"b64_json": drawn}], "usage": {"cost": 0.014}}).encode()
    kept = RawAnswer(body=mended, media_type="application/json", complete=True, model=KLEIN)
    studio.raw_answers.write("alice", job.id, kept)
    Rereading(studio.jobs, studio.raw_answers, studio.app.providers.get, studio.app.settlement).run("alice", job.id)
    assert _shown(studio, job).status is JobStatus.RUNNING
    _cut(studio)
    assert [image.key for image in _shown(studio, job).images] == [job.cutout_key(0)]
    assert studio.job("alice", job.id).cost == job.cost


def test_jobs_of_other_kinds_are_left_alone(studio: Studio) -> None:
    request = ImageRequest(prompt="A red fox", model=KLEIN)
    job_id = studio.app.generate.submit(Caller(user="alice"), request, TERMS).job.id
    studio.carry_out()
    assert studio.render_queue.sent == []
    assert not studio.app.cutout_worker.run("alice", job_id, Deadline(LONG))
    assert not studio.app.cutout_worker.run("alice", "job_none", Deadline(LONG))
    assert _shown(studio, studio.job("alice", job_id)) == studio.job("alice", job_id)
