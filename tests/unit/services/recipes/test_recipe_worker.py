"""A recipe is taken on pictures until all are done, whatever happens on the way."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, tuples

from darkroom.errors import (
    DarkroomError,
    ServiceUnavailable,
)
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.models.source import ImageSource
from darkroom.operations import ENGINE_VERSION
from darkroom.services.inputs.sources import Sources
from darkroom.services.recipes.recipe_worker import LEASE
from darkroom.services.recipes.recipes import FORGOTTEN
from tests.application import NoWeb, no_versions
from tests.conftest import SteppingClock
from tests.photos import load
from tests.unit.services.baking import FLIP, Bakery, picture, recipe, upload_id


@pytest.fixture
def bakery(clock: SteppingClock) -> Bakery:
    return Bakery(clock)


def corner(data: bytes) -> tuple[int, ...]:
    found = load(data).convert("RGB").getpixel((3, 0))
    assert isinstance(found, tuple)
    return found


class TestWork:
    def test_each_picture_gets_the_recipe(self, bakery: Bakery) -> None:
        submission = bakery.apply(FLIP, bakery.upload(7))
        assert bakery.work() == 1
        job = bakery.job(submission)
        assert job.status is JobStatus.SUCCEEDED
        assert [image.key for image in job.images] == [f"outputs/alice/{job.id}/{number}.png" for number in range(7)]
        assert job.result == {
            "progress": {"done": 7, "failed": 0, "total": 7},
            "indices": list(range(7)),
            "errors": [],
            "engine": ENGINE_VERSION,
        }
        for number, image in enumerate(job.images):
            data = bakery.images.outputs[image.key].data
            assert corner(data) == (255, 255, 255)
            assert load(data).convert("RGB").getpixel((0, 0)) == (number, 0, 99)
            assert hashlib.sha256(data).hexdigest() == image.sha256
        assert len(bakery.images.outputs) == 7, "what only the work needed is gone"
        assert [(each.kind, each.ref) for each in job.lineage] == [("upload", upload_id(number)) for number in range(7)]

    def test_pictures_of_jobs_are_taken_too(self, bakery: Bakery) -> None:
        first = bakery.apply(FLIP, bakery.upload(2))
        bakery.work()
        second = bakery.apply(FLIP, [f"{first.job.id}/1", {"job_id": first.job.id, "index": 0}])
        bakery.work()
        assert [
            load(bakery.images.outputs[image.key].data).convert("RGB").tobytes() for image in bakery.job(second).images
        ] == [load(picture(number)).tobytes() for number in (1, 0)]

    def test_what_needs_the_subject_works_here(self, bakery: Bakery) -> None:
        submission = bakery.apply(recipe({"op": "remove_background"}), bakery.upload(1))
        bakery.work()
        assert bakery.job(submission).status is JobStatus.SUCCEEDED
        assert len(bakery.segmenter.shown) == 1

    def test_one_bad_picture_fails_alone(self, bakery: Bakery) -> None:
        uploads = bakery.upload(4)
        bakery.images.drop(f"uploads/alice/{uploads[1]}", b"hello")
        submission = bakery.apply(FLIP, [*uploads, "upl_01HZZZZZZZZZZZZZZZZZZZZ999", "job_nobodys/3"])
        bakery.work()
        job = bakery.job(submission)
        assert job.status is JobStatus.SUCCEEDED
        assert job.result["progress"] == {"done": 3, "failed": 3, "total": 6}
        assert job.result["indices"] == [0, 2, 3]
        assert [(failed["index"], failed["code"]) for failed in job.result["errors"]] == [
            (1, "UNSUPPORTED_MEDIA_TYPE"),
            (4, "NOT_FOUND"),
            (5, "NOT_FOUND"),
        ]

    def test_anothers_pictures_are_not_found(self, bakery: Bakery) -> None:
        submission = bakery.apply(FLIP, bakery.upload(2, "bob"))
        bakery.work()
        job = bakery.job(submission)
        assert (job.status, [failed["code"] for failed in job.result["errors"]]) == ("failed", ["NOT_FOUND"] * 2)
        assert job.error is not None
        assert (job.error["code"], job.error["error"]["code"]) == ("NOT_FOUND", "NOT_FOUND")
        assert "None of the 2 pictures" in job.error["detail"]

    def test_a_hundred_pictures_ask_nobody_and_give_the_same_bytes_again(
        self, bakery: Bakery, socket_disabled: None
    ) -> None:
        steps = recipe({"op": "brightness", "amount": 20}, {"op": "grain", "seed": 3}, {"op": "resize", "scale": 150})
        uploads = bakery.upload(100)
        first, second = bakery.apply(steps, uploads), bakery.apply(steps, uploads)
        bakery.work()
        digests = [[image.sha256 for image in bakery.job(each).images] for each in (first, second)]
        assert len(set(digests[0])) == 100
        assert digests[0] == digests[1]

    def test_a_large_request_fits_into_a_row(self, bakery: Bakery) -> None:
        uploads = bakery.upload(500)
        for upload in uploads[::2]:
            bakery.images.drop(f"uploads/alice/{upload}", b"hello")
        submission = bakery.apply(FLIP, uploads)
        bakery.work()
        job = bakery.job(submission)
        assert job.result["progress"] == {"done": 250, "failed": 250, "total": 500}
        assert len(job.model_dump_json().encode()) < 300_000

    def test_what_the_deadline_leaves_is_done_by_the_next_call(self, bakery: Bakery, clock: SteppingClock) -> None:
        submission = bakery.apply(FLIP, bakery.upload(24))
        worker, seconds = bakery.worker(), iter(range(10_000))
        seen = []
        while bakery.queue.sent:
            user, job_id = bakery.queue.sent.pop(0)
            # Each look at the clock is a second: after some pictures there is too little left.
            assert worker.run(user, job_id, Deadline(30, clock=lambda: float(next(seconds))))
            job = bakery.job(submission)
            seen.append((job.status.value, job.result["progress"]["done"]))
        assert len(seen) > 2
        assert [status for status, _ in seen] == ["queued"] * (len(seen) - 1) + ["succeeded"]
        assert [done for _, done in seen] == sorted({done for _, done in seen})
        assert len(bakery.job(submission).images) == 24

    def test_a_call_that_has_no_time_left_lets_another_do_it(self, bakery: Bakery) -> None:
        submission = bakery.apply(FLIP, bakery.upload(1))
        bakery.queue.sent.clear()
        assert bakery.worker().run("alice", submission.job.id, Deadline(2))
        assert bakery.queue.sent == [("alice", submission.job.id)]
        assert bakery.job(submission).attempt == 0

    def test_a_message_about_another_kind_of_job_is_left_to_others(self, bakery: Bakery, clock: SteppingClock) -> None:
        bakery.jobs.add(Job(id="job_1", user="alice", op="turn", created_at=clock.now))
        assert not bakery.worker().run("alice", "job_1", Deadline(50))
        assert not bakery.worker().run("alice", "job_2", Deadline(50))

    def test_many_deliveries_make_one_result(self, bakery: Bakery) -> None:
        submission = bakery.apply(FLIP, bakery.upload(3))
        bakery.queue.sent *= 4
        bakery.work()
        before = bakery.job(submission)
        bakery.queue.sent.append(("alice", submission.job.id))
        bakery.work()
        assert bakery.job(submission) == before

    def test_a_delivery_while_another_is_at_work_changes_nothing(self, bakery: Bakery) -> None:
        refused: list[bytes] = []

        def meanwhile(data: bytes) -> None:
            assert bakery.worker().run("alice", submission.job.id, Deadline(50))
            refused.append(data)

        submission = bakery.apply(FLIP, bakery.upload(1))
        bakery.work(bakery.worker(before=meanwhile))
        assert refused == [picture(0)]
        assert bakery.job(submission).status is JobStatus.SUCCEEDED


def deadly(number: int) -> Callable[[bytes], None]:
    """What kills the worker at that picture."""

    def kill(data: bytes) -> None:
        if data == picture(number):
            raise KeyboardInterrupt

    return kill


class TestTrouble:
    def _die(self, bakery: Bakery, job_id: str, number: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            bakery.worker(before=deadly(number)).run("alice", job_id, Deadline(50))

    @pytest.mark.parametrize("number", [0, 4, 5, 8])
    def test_a_worker_that_dies_is_followed_by_another(self, bakery: Bakery, clock: SteppingClock, number: int) -> None:
        submission = bakery.apply(FLIP, bakery.upload(9))
        self._die(bakery, submission.job.id, number)
        bakery.work()
        assert bakery.job(submission).status is JobStatus.RUNNING
        clock.step(LEASE)
        bakery.queue.sent.append(("alice", submission.job.id))
        bakery.work()
        job = bakery.job(submission)
        assert (job.status, len(job.images)) == ("succeeded", 9)

    def test_a_picture_that_kills_the_worker_twice_fails_alone(self, bakery: Bakery, clock: SteppingClock) -> None:
        submission = bakery.apply(FLIP, bakery.upload(9))
        for _ in range(2):
            self._die(bakery, submission.job.id, 6)
            clock.step(LEASE)
        bakery.work(bakery.worker(before=deadly(6)))
        job = bakery.job(submission)
        assert job.result["indices"] == [0, 1, 2, 3, 4, 5, 7, 8]
        assert [(failed["index"], failed["code"]) for failed in job.result["errors"]] == [(6, "INTERNAL_ERROR")]

    @given(deaths=lists(tuples(integers(0, 11), sampled_from([12.0, 18.0, 50.0])), max_size=6))
    def test_whatever_happens_on_the_way_the_outcome_is_the_same(self, deaths: list[tuple[int, float]]) -> None:
        """Calls that end early, and workers that die, each at another picture."""
        clock = SteppingClock()
        bakery = Bakery(clock)
        submission = bakery.apply(FLIP, bakery.upload(12))
        seen: set[int] = set()
        for number, seconds in deaths:
            worker = bakery.worker(before=deadly(number) if number not in seen else len)
            seen.add(number)
            with suppress(KeyboardInterrupt):
                worker.run("alice", submission.job.id, Deadline(seconds, clock=partial(next, count(0, 0.5))))
            clock.step(LEASE)
        bakery.queue.sent.append(("alice", submission.job.id))
        bakery.work()
        calm = Bakery(clock)
        undisturbed = calm.apply(FLIP, calm.upload(12))
        calm.work()
        made, wanted = bakery.job(submission), calm.job(undisturbed)
        assert made.result == wanted.result
        assert [image.sha256 for image in made.images] == [image.sha256 for image in wanted.images]
        assert len(bakery.images.outputs) == 12

    def test_the_sweep_has_a_job_gone_on_with(self, bakery: Bakery, clock: SteppingClock) -> None:
        submission = bakery.apply(FLIP, bakery.upload(3))
        bakery.queue.sent.clear()
        self._die(bakery, submission.job.id, 1)
        assert not bakery.recipes.resume(bakery.job(submission)), "its lease is not over"
        clock.step(FORGOTTEN)
        assert bakery.recipes.resume(bakery.job(submission))
        bakery.work()
        assert bakery.job(submission).status is JobStatus.SUCCEEDED
        clock.step(FORGOTTEN)
        assert not bakery.recipes.resume(bakery.job(submission))

    @pytest.mark.parametrize("receives", [1, 3])
    def test_what_passes_by_itself_is_tried_again_but_not_for_ever(self, bakery: Bakery, receives: int) -> None:
        class Busy(Sources):
            def read(self, user: str, source: ImageSource) -> bytes:
                if source.upload_id == upload_id(1):
                    raise ServiceUnavailable("S3 is busy.")
                return super().read(user, source)

        submission = bakery.apply(FLIP, bakery.upload(3))
        worker = bakery.worker(sources=Busy(bakery.images, NoWeb(), bakery.jobs, bakery.clock, no_versions))
        if receives == 1:
            with pytest.raises(DarkroomError):
                bakery.work(worker)
            assert bakery.job(submission).status is JobStatus.QUEUED
            assert bakery.job(submission).result["progress"]["done"] == 1
            bakery.queue.sent.append(("alice", submission.job.id))
            bakery.work()
            assert len(bakery.job(submission).images) == 3
        else:
            bakery.work(worker, receives=receives)
            job = bakery.job(submission)
            assert [(failed["index"], failed["code"]) for failed in job.result["errors"]] == [
                (1, "SERVICE_UNAVAILABLE")
            ]
            assert len(job.images) == 2

    def test_a_bug_fails_its_picture_and_calls_somebody(self, bakery: Bakery) -> None:
        def buggy(data: bytes) -> None:
            if data == picture(0):
                raise ZeroDivisionError("secret")

        submission = bakery.apply(FLIP, bakery.upload(2))
        bakery.work(bakery.worker(before=buggy))
        job = bakery.job(submission)
        assert [(failed["index"], failed["code"]) for failed in job.result["errors"]] == [(0, "INTERNAL_ERROR")]
        assert "secret" not in str(job)
        assert [name for name, _ in bakery.alarms] == ["RECIPE_FAILED"]

    def test_a_job_whose_request_is_lost_fails(self, bakery: Bakery) -> None:
        submission = bakery.apply(FLIP, bakery.upload(1))
        bakery.images.outputs.clear()
        bakery.work()
        job = bakery.job(submission)
        assert (job.status, (job.error or {})["code"]) == ("failed", "NOT_FOUND")

    def test_an_attempt_that_was_overtaken_changes_nothing(self, bakery: Bakery, clock: SteppingClock) -> None:
        def slow(_data: bytes) -> None:
            if not winners:
                clock.step(LEASE)
                assert bakery.worker().run("alice", submission.job.id, Deadline(50))
                winners.append(bakery.job(submission))

        winners: list[Job] = []
        submission = bakery.apply(FLIP, bakery.upload(6))
        bakery.work(bakery.worker(before=slow))
        assert bakery.job(submission) == winners[0]
        assert bakery.job(submission).status is JobStatus.SUCCEEDED

    def test_canceled_while_a_worker_is_at_it_nothing_is_left_but_what_was_noted(self, bakery: Bakery) -> None:
        def cancel(data: bytes) -> None:
            if data == picture(7):
                canceled.append(bakery.studio.app.jobs.cancel("alice", submission.job.id, lambda _job: False))

        canceled: list[Job] = []
        submission = bakery.apply(FLIP, bakery.upload(12))
        bakery.work(bakery.worker(before=cancel))
        job = bakery.job(submission)
        assert (job, job.status, job.result["indices"]) == (canceled[0], JobStatus.CANCELED, [0, 1, 2, 3, 4])
        assert sorted(bakery.images.outputs) == sorted(image.key for image in job.images)
        assert (job.error or {})["code"] == "JOB_CANCELED"
        assert "7 of its pictures" in (job.error or {})["detail"]
