"""Cut-outs that are not done while their caller waits become jobs that cost nothing, and are made from the queue."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event

import pytest

from darkroom.errors import InternalError, NoForeground, ServiceUnavailable
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.cutout import Beside, Cutout, CutoutOptions
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.models.token import ApiToken
from darkroom.models.user_settings import UserSettings
from darkroom.services.paid.admission import Submission
from darkroom.services.removal.cloud_removal import CloudRemoval
from darkroom.services.removal.postponed import COMPILING, LEASE, TOO_SLOW, OneAtATime, Postponed
from darkroom.services.removal.remove_background import RemoveBackground
from tests.application import offline
from tests.conftest import SteppingClock
from tests.fakes.matting import FakeMatter
from tests.unit.services.inputs.test_sources import OnePageWeb
from tests.unit.services.removal.test_remove_background import cut

TERMS = Terms(route="POST /v1/images/background-removals")
ALICE = Caller(user="alice")
LONG = 50.0
REQUEST = CutoutRequest(image=b"photo", background_b64="YmVhY2g=", matting=True)


def _no_cloud() -> CloudRemoval:
    raise AssertionError("what is cut out here has no price")


class World:
    def __init__(self, clock: SteppingClock) -> None:
        self.clock = clock
        self.matter = FakeMatter(is_ready=False)
        self.studio = offline(clock, fetcher=OnePageWeb(), matter=self.matter)
        self.images, self.jobs, self.queue = self.studio.images, self.studio.jobs, self.studio.render_queue
        self.at_work = OneAtATime()
        self.given: list[CutoutOptions] = []
        self.error: Exception | None = None
        self.settings = UserSettings()
        self.meanwhile: Callable[[], object] = lambda: None
        self.may_end = Event()
        self.may_end.set()

    def pipeline(self, data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
        assert self.matter.is_ready or not options.matting, "it would compile in here"
        self.given.append(options)
        if self.error is not None:
            raise self.error
        assert self.may_end.wait(30)
        self.meanwhile()
        return cut(data, options, beside)

    @property
    def postponed(self) -> Postponed:
        return Postponed(
            pipeline=self.pipeline,
            matter=self.matter,
            images=self.images,
            jobs=self.jobs,
            queue=self.queue,
            clock=self.clock,
            at_work=self.at_work,
            max_attempts=3,
        )

    def ask(
        self, request: CutoutRequest = REQUEST, *, caller: Caller = ALICE, seconds: float = 30
    ) -> Cutout | Submission | Job:
        service = RemoveBackground(
            pipeline=self.pipeline,
            sources=self.studio.app.sources,
            images=self.images,
            jobs=self.jobs,
            clock=self.clock,
            retention=timedelta(days=30),
            max_attempts=3,
            recipes=self.studio.app.folder_recipes,
            settings=lambda _user: self.settings,
            cloud=_no_cloud,
            note=lambda _job: None,
            on_lost=lambda _job, _error: None,
            postponed=self.postponed,
        )
        return service.answer(caller, request, lambda: TERMS, Deadline(seconds))

    def queued(self, request: CutoutRequest = REQUEST, *, user: str = "alice", seconds: float = 30) -> Job:
        made = self.ask(request, caller=Caller(user=user), seconds=seconds)
        assert isinstance(made, Job)
        return made

    def run(self, job: Job, *, seconds: float = LONG, receives: int = 1) -> Job | None:
        assert self.postponed.run(job.user, job.id, Deadline(seconds), receives=receives)
        return self.jobs.find(job.user, job.id)


@pytest.fixture
def world(clock: SteppingClock) -> Iterator[World]:
    world = World(clock)
    yield world
    world.may_end.set()


class TestAsking:
    def test_what_has_to_be_compiled_first_is_queued_and_costs_nothing(self, world: World) -> None:
        job = world.queued()
        assert world.jobs.find("alice", job.id) == job
        assert (job.status, job.op, job.warnings) == (JobStatus.QUEUED, "background-removal", (COMPILING,))
        assert (job.cost.charged, job.cost.actual, job.budgets) == (False, 0, ())
        assert job.expires_at == world.clock.now + timedelta(days=30)
        assert world.queue.sent == [("alice", job.id)]
        assert {key: each.data for key, each in world.images.outputs.items()} == {
            f"outputs/alice/{job.id}/picture": b"photo",
            f"outputs/alice/{job.id}/behind": b"beach",
        }

    def test_it_is_tried_without_matting_before_and_what_is_wrong_is_said_at_once(self, world: World) -> None:
        world.error = NoForeground("Nothing stands out.")
        with pytest.raises(NoForeground):
            world.ask()
        assert [options.matting for options in world.given] == [False]
        assert (world.jobs.jobs, world.queue.sent, world.images.outputs) == ({}, [], {})

    @pytest.mark.parametrize(("matting", "is_ready"), [(False, False), (True, True)])
    def test_nothing_else_waits(self, world: World, matting: bool, is_ready: bool) -> None:
        world.matter.is_ready = is_ready
        made = world.ask(CutoutRequest(image=b"photo", matting=matting))
        assert isinstance(made, Cutout)
        assert [options.matting for options in world.given] == [matting]
        assert (world.jobs.jobs, world.queue.sent) == ({}, [])

    def test_what_is_not_done_in_time_is_queued(self, world: World) -> None:
        world.matter.is_ready = True
        world.may_end.clear()
        job = world.queued(CutoutRequest(image=b"photo", matting=True), seconds=0)
        assert (job.status, job.warnings) == (JobStatus.QUEUED, (TOO_SLOW,))
        assert world.queue.sent == [("alice", job.id)]
        world.may_end.set()
        done = world.run(job)
        assert done is not None
        assert (done.status, done.warnings) == (JobStatus.SUCCEEDED, ())

    def test_the_same_request_joins_the_job_that_it_has(self, world: World) -> None:
        job = world.queued()
        assert world.queued() == job
        assert (len(world.jobs.jobs), len(world.images.outputs)) == (1, 2)
        # Its message may have been lost.
        assert world.queue.sent == [("alice", job.id)] * 2

    @pytest.mark.parametrize(
        ("request_", "user"),
        [
            (REQUEST, "bob"),
            (REQUEST.model_copy(update={"image": b"another"}), "alice"),
            (REQUEST.model_copy(update={"background_b64": None, "background": "red"}), "alice"),
            (CutoutRequest(image=b"photo", background_b64="YmVhY2g=", matting=True, crop=True), "alice"),
        ],
    )
    def test_another_request_or_user_has_another_job(self, world: World, request_: CutoutRequest, user: str) -> None:
        job, other = world.queued(), world.queued(request_, user=user)
        assert (other.id != job.id, other.user) == (True, user)

    def test_after_a_job_that_failed_the_same_request_has_another(self, world: World) -> None:
        job = world.queued()
        world.images.remove_outputs_under(f"outputs/alice/{job.id}/")
        failed = world.run(job)
        assert failed is not None
        assert (failed.status, (failed.error or {})["code"]) == (JobStatus.FAILED, "NOT_FOUND")
        world.matter.is_ready = False
        assert world.queued().id != job.id

    def test_what_cannot_be_queued_is_an_error_and_leaves_nothing_open(self, world: World) -> None:
        world.queue.error = ServiceUnavailable("SQS is away.")
        with pytest.raises(ServiceUnavailable) as raised:
            world.ask()
        assert (raised.value.code, raised.value.charged) == ("SERVICE_UNAVAILABLE", False)
        assert [job.status for job in world.jobs.jobs.values()] == [JobStatus.FAILED]
        assert world.images.outputs == {}
        assert world.queue.sent == []
        world.queue.error = None
        assert world.queued().status is JobStatus.QUEUED

    def test_the_job_knows_the_token_that_asked_and_why_remove_bg_did_not_do_it(self, world: World) -> None:
        token = ApiToken(id="tok_1", user="alice", name="a", sha256="0" * 64, hint="…", created_at=world.clock())
        world.settings = UserSettings(cloud_removal="always")
        made = world.ask(caller=Caller(user="alice", token=token))
        assert isinstance(made, Job)
        assert made.token_id == "tok_1"
        (reason, why) = made.warnings
        assert ("cut out here" in reason, why) == (True, COMPILING)
        done = world.run(made)
        assert done is not None
        assert done.warnings == (reason,)


class TestMaking:
    def test_the_job_compiles_and_gives_the_cut_out(self, world: World) -> None:
        job = world.queued()
        done = world.run(job)
        assert done is not None
        assert (done.status, done.warnings, done.error) == (JobStatus.SUCCEEDED, (), None)
        assert world.given[-1].matting is True
        (image,) = done.images
        assert image.key == f"outputs/alice/{job.id}/cutout.png"
        assert {key: each.data for key, each in world.images.outputs.items()} == {image.key: b"photo|beach|png"}
        assert done.result["model"] == "u2net"
        assert world.jobs.work["alice", job.id].actual == 0

    def test_while_somebody_else_compiles_it_is_looked_at_again_later(self, world: World) -> None:
        world.matter.compiles = False
        job = world.queued()
        assert world.run(job) == job
        assert world.queue.sent[1:] == [("alice", job.id)]
        assert world.queue.delays[1:] == [5]
        world.matter.is_ready = True
        done = world.run(job)
        assert done is not None
        assert (done.status, done.attempt) == (JobStatus.SUCCEEDED, 1)

    def test_it_is_not_begun_where_it_could_not_come_to_its_end(self, world: World) -> None:
        job = world.queued()
        assert world.run(job, seconds=10) == job
        assert world.queue.sent == [("alice", job.id)] * 2
        assert world.matter.is_ready, "the time was used to compile"

    def test_many_deliveries_make_one_result(self, world: World) -> None:
        job = world.queued()
        first = world.run(job)
        for _ in range(3):
            assert world.run(job) == first
        assert len(world.given) == 2, "once without matting, and once with it"

    def test_what_is_being_worked_on_is_left_alone(self, world: World) -> None:
        job = world.queued()
        now = world.clock()
        running = world.jobs.start(job, now=now, lease_expires_at=now + LEASE)
        assert world.run(job) == running
        world.clock.step(LEASE + timedelta(seconds=1))
        done = world.run(job)
        assert done is not None
        assert done.status is JobStatus.SUCCEEDED

    def test_others_jobs_are_none_of_its_business(self, world: World) -> None:
        job = world.queued()
        assert not world.postponed.run("alice", "job_gone", Deadline(LONG))
        assert not world.postponed.run("bob", job.id, Deadline(LONG))
        world.jobs.add(job.model_copy(update={"id": "job_dropped", "input": {"bucket": "uploads", "key": "k"}}))
        world.jobs.add(job.model_copy(update={"id": "job_recipe", "op": "recipe"}))
        for name in ("job_dropped", "job_recipe"):
            assert not world.postponed.run("alice", name, Deadline(LONG))


class TestTrouble:
    @pytest.mark.parametrize("error", [ServiceUnavailable("S3 is busy."), RuntimeError("secret")])
    def test_a_passing_fault_is_tried_again_until_the_last_delivery(self, world: World, error: Exception) -> None:
        job = world.queued()
        world.error = error
        with pytest.raises(type(error)):
            world.run(job)
        stored = world.jobs.find("alice", job.id)
        assert stored is not None
        assert (stored.status, stored.lease_expires_at) == (JobStatus.QUEUED, None)
        with pytest.raises(type(error)):
            world.run(job, receives=3)
        stored = world.jobs.find("alice", job.id)
        assert stored is not None
        assert stored.error is not None
        assert (stored.status, stored.error["charged"], stored.error["dead_letter"]) == (JobStatus.FAILED, False, True)
        assert "secret" not in str(stored.error)

    def test_what_cannot_be_compiled_fails_with_the_reason_on_the_last_delivery(self, world: World) -> None:
        job = world.queued()
        world.matter.compiles = InternalError("Alpha matting could not be compiled: no space left")
        for receives in (1, 2, 3):
            with pytest.raises(InternalError):
                world.run(job, receives=receives)
        stored = world.jobs.find("alice", job.id)
        assert stored is not None
        assert stored.status is JobStatus.FAILED
        assert "no space left" in str(stored.error)

    def test_a_callers_mistake_is_not_tried_again(self, world: World) -> None:
        job = world.queued()
        world.error = NoForeground("Nothing stands out.")
        done = world.run(job)
        assert done is not None
        assert done.error is not None
        assert (done.status, done.error["code"], done.warnings) == (JobStatus.FAILED, "NO_FOREGROUND", ())
        assert world.images.outputs == {}, "the picture is not kept longer than it is needed"

    def test_what_takes_too_long_each_time_is_given_up(self, world: World) -> None:
        world.matter.is_ready = True
        world.may_end.clear()
        job = world.queued(seconds=0)

        class Short(Deadline):
            """Long enough to begin, and over when the picture is waited for."""

            def __init__(self) -> None:
                self.looks = iter([LONG, LONG])

            def left(self) -> float:
                return next(self.looks, 0.0)

        for attempt in (1, 2, 3):
            sent = len(world.queue.sent)
            assert world.postponed.run("alice", job.id, Short())
            stored = world.jobs.find("alice", job.id)
            assert stored is not None
            assert stored.attempt == attempt
            assert len(world.queue.sent) - sent == (1 if attempt < 3 else 0)
        assert stored is not None
        assert stored.error is not None
        assert (stored.status, stored.error["charged"]) == (JobStatus.FAILED, False)
        assert "too long" in stored.error["detail"]

    def test_a_job_that_was_canceled_meanwhile_keeps_nothing(self, world: World) -> None:
        job = world.queued()

        def cancel() -> None:
            running = world.jobs.find("alice", job.id)
            assert running is not None
            assert world.jobs.finish(running.model_copy(update={"status": JobStatus.CANCELED}))

        world.meanwhile = cancel
        done = world.run(job)
        assert done is not None
        assert (done.status, world.images.outputs) == (JobStatus.CANCELED, {})
