"""What happens to a request and to a dropped file, whatever the pixels are."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from darkroom.errors import Conflict, NoForeground, ServiceUnavailable
from darkroom.images.pipeline import remove_background
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.cutout import Beside, BoundingBox, Cutout, CutoutOptions
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.deadline import Deadline
from darkroom.models.dropped import DroppedFile
from darkroom.models.job import Job, JobStatus
from darkroom.models.receipt import of_free_work
from darkroom.models.user_settings import UserSettings
from darkroom.services.removal.cloud_removal import OPERATION
from darkroom.services.removal.postponed import LEASE
from darkroom.services.removal.remove_background import RemoveBackground
from darkroom.services.removal.results import Pipeline
from tests.application import offline
from tests.conftest import SteppingClock
from tests.photos import load
from tests.unit.images.test_containers import EXACT, NEAR, UNSUPPORTED, WARNED, case
from tests.unit.images.test_pipeline import LeftHalf, TopHalf
from tests.unit.services.inputs.test_sources import OnePageWeb

ALICE = Caller(user="alice")
TERMS = Terms(route="POST /v1/images/background-removals")
FILE = DroppedFile("uploads", "inbox/alice/my cat.jpg", "v1", "etag", "01")


def cut(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
    """A pipeline that says what it was given."""
    media_type = f"image/{options.format}"
    box = BoundingBox(left=0, top=0, width=1, height=1)
    told = b"|".join((data, (beside.behind or b"-"), options.format.encode()))
    return Cutout(
        data=told, media_type=media_type, width=2, height=3, subject=box, model="u2net", timings_ms={"decode": 1.5}
    )


def _raising(error: Exception) -> Pipeline:
    def pipeline(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
        raise error

    return pipeline


class World:
    def __init__(self, clock: SteppingClock) -> None:
        self.clock = clock
        self.studio = offline(clock, fetcher=OnePageWeb())
        self.images, self.jobs = self.studio.images, self.studio.jobs
        self.lost: list[Exception] = []
        self.images.drop(FILE.key, b"photo", FILE.version)

    def service(self, pipeline: Pipeline = cut, note: Callable[[Job], None] = lambda _job: None) -> RemoveBackground:
        app = self.studio.beside().app
        app.pipeline = pipeline
        return RemoveBackground(
            pipeline=pipeline,
            sources=app.sources,
            images=self.images,
            jobs=self.jobs,
            clock=self.clock,
            retention=timedelta(days=30),
            max_attempts=3,
            recipes=app.folder_recipes,
            settings=self.studio.settings.load,
            cloud=lambda: app.cloud_removal,
            note=note,
            on_lost=lambda _job, error: self.lost.append(error),
            postponed=app.postponed,
        )

    def cut_out(self, request: CutoutRequest) -> Cutout:
        made = self.service().answer(ALICE, request, lambda: TERMS, Deadline(30))
        assert isinstance(made, Cutout)
        return made

    def only_job(self) -> tuple[str, JobStatus, str | None]:
        (job,) = self.jobs.jobs.values()
        return job.user, job.status, job.error["code"] if job.error else None


@pytest.fixture
def world(clock: SteppingClock) -> World:
    return World(clock)


class TestRequests:
    def test_the_picture_and_what_goes_behind_it_are_read_and_nothing_is_kept(self, world: World) -> None:
        request = CutoutRequest(image=b"photo", background_b64="YmVhY2g=", format="webp")
        assert world.cut_out(request).data == b"photo|beach|webp"
        assert (world.jobs.jobs, world.images.outputs) == ({}, {})

    def test_what_is_handed_out_is_counted(self, world: World) -> None:
        noted: list[Job] = []
        request = CutoutRequest(image=b"photo")
        service = world.service(note=noted.append)
        service.count(Caller(user="alice"), request, world.cut_out(request))
        receipt = of_free_work(noted[0], world.clock())
        assert (receipt.user, receipt.op, receipt.status, receipt.images) == ("alice", OPERATION, "succeeded", 1)
        assert (receipt.actual, receipt.model_used, world.jobs.jobs) == (0, "u2net", {})

    @pytest.mark.parametrize("error", [ServiceUnavailable("The table is away."), PermissionError("It may not write.")])
    def test_what_cannot_be_counted_is_handed_out_all_the_same(self, world: World, error: Exception) -> None:
        def away(_job: Job) -> None:
            raise error

        request = CutoutRequest(image=b"photo")
        service = world.service(note=away)
        service.count(Caller(user="alice"), request, world.cut_out(request))
        assert world.lost == [error]

    def test_what_is_kept_lies_under_its_owner_with_a_job_that_shows_it(self, world: World) -> None:
        request = CutoutRequest(image_url="https://x.example/a.png?signature=secret", format="jpeg")
        job = world.service().keep("alice", request, world.cut_out(request))
        assert world.only_job() == ("alice", JobStatus.SUCCEEDED, None)
        assert list(world.images.outputs) == [f"outputs/alice/{job.id}/cutout.jpg"]
        assert job.input == {"options": {"format": "jpeg"}, "image_url": "https://x.example/a.png"}
        assert job.expires_at == world.clock.now + timedelta(days=30)


class TestSwitchedOff:
    """By `enable_background_removal`: for requests and for dropped files, and for nobody else."""

    def test_a_request_is_refused_and_a_file_fails_with_the_reason(self, world: World) -> None:
        world.studio.settings.settings["alice"] = UserSettings(enable_background_removal=False)
        with pytest.raises(Conflict, match="enable_background_removal"):
            world.cut_out(CutoutRequest(image=b"photo"))
        world.service().on_dropped(FILE)
        assert world.only_job() == ("alice", JobStatus.FAILED, "CONFLICT")
        made = world.service().answer(Caller(user="bob"), CutoutRequest(image=b"photo"), lambda: TERMS, Deadline(30))
        assert isinstance(made, Cutout)


class TestKindsOfDroppedFiles:
    """Through the pipeline itself, with a mask that is there already."""

    @staticmethod
    def _pipeline(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
        return remove_background(
            data, options, segmenter=LeftHalf(), matter=TopHalf(), default_model="left", max_megapixels=1
        )

    @pytest.mark.parametrize("name", [*EXACT, *NEAR])
    def test_what_opens_everywhere_is_cut_out(self, world: World, name: str) -> None:
        world.images.drop(FILE.key, case(name), FILE.version)
        job = world.service(self._pipeline).on_dropped(FILE)
        assert job is not None
        assert world.only_job() == ("alice", JobStatus.SUCCEEDED, None)
        made = world.images.outputs[f"outputs/alice/{job.id}/my cat.png"]
        assert load(made.data).size == (192, 256)
        assert [WARNED[name] in said for said in job.warnings if name in WARNED].count(True) == (name in WARNED)

    @pytest.mark.parametrize("name", UNSUPPORTED)
    def test_what_is_not_supported_is_told_from_what_is_damaged(self, world: World, name: str) -> None:
        world.images.drop(FILE.key, case(name), FILE.version)
        world.service(self._pipeline).on_dropped(FILE)
        assert world.only_job() == ("alice", JobStatus.FAILED, "UNSUPPORTED_IMAGE")


class TestDroppedFiles:
    def test_a_file_is_cut_out_under_its_owner_and_keeps_its_name(self, world: World) -> None:
        job = world.service().on_dropped(FILE)
        assert job is not None
        assert world.only_job() == ("alice", JobStatus.SUCCEEDED, None)
        assert world.images.outputs[f"outputs/alice/{job.id}/my cat.png"].data == b"photo|-|png"

    def test_ten_deliveries_make_one_result(self, world: World) -> None:
        for _ in range(10):
            world.service().on_dropped(FILE)
        assert len(world.jobs.jobs) == 1
        assert len(world.images.outputs) == 1

    def test_another_version_of_the_file_is_another_job_and_overwrites_nothing(self, world: World) -> None:
        world.images.drop(FILE.key, b"newer", "v2")
        newer = DroppedFile(FILE.bucket, FILE.key, "v2", "etag2", "02")
        # Out of order: the newer one's message comes first, and the older version is still what it was.
        world.service().on_dropped(newer)
        world.service().on_dropped(FILE)
        assert sorted(stored.data for stored in world.images.outputs.values()) == [b"newer|-|png", b"photo|-|png"]

    def test_a_bad_file_fails_its_job_with_the_reason_and_is_done_with(self, world: World) -> None:
        service = world.service(_raising(NoForeground("Nothing stands out.")))
        service.on_dropped(FILE)
        service.on_dropped(FILE)
        assert world.only_job() == ("alice", JobStatus.FAILED, "NO_FOREGROUND")

    def test_a_file_that_is_gone_fails_its_job(self, world: World) -> None:
        world.service().on_dropped(DroppedFile("uploads", "inbox/alice/gone.jpg", "v1", "e", "01"))
        assert world.only_job() == ("alice", JobStatus.FAILED, "NOT_FOUND")

    @pytest.mark.parametrize("error", [ServiceUnavailable("S3 is busy."), RuntimeError("a bug")])
    def test_a_passing_fault_is_tried_again(self, world: World, error: Exception) -> None:
        with pytest.raises(type(error)):
            world.service(_raising(error)).on_dropped(FILE)
        assert world.only_job() == ("alice", JobStatus.QUEUED, None)
        world.service().on_dropped(FILE)
        assert world.only_job() == ("alice", JobStatus.SUCCEEDED, None)

    @pytest.mark.parametrize(
        ("error", "code"),
        [(ServiceUnavailable("S3 is busy."), "SERVICE_UNAVAILABLE"), (RuntimeError("secret"), "INTERNAL_ERROR")],
    )
    def test_the_last_delivery_fails_the_job_and_lets_the_message_die(
        self, world: World, error: Exception, code: str
    ) -> None:
        last = DroppedFile(FILE.bucket, FILE.key, FILE.version, FILE.etag, FILE.sequencer, receives=3)
        with pytest.raises(type(error)):
            world.service(_raising(error)).on_dropped(last)
        assert world.only_job() == ("alice", JobStatus.FAILED, code)
        (job,) = world.jobs.jobs.values()
        assert job.error is not None
        assert job.error["dead_letter"] is True
        assert "secret" not in str(job.error)

    def test_a_delivery_while_another_is_at_work_waits_for_its_outcome(self, world: World) -> None:
        outcomes: list[type[Exception]] = []

        def overtaken(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
            with pytest.raises(ServiceUnavailable) as refused:
                world.service().on_dropped(FILE)
            outcomes.append(refused.type)
            return cut(data, options, beside)

        world.service(overtaken).on_dropped(FILE)
        assert outcomes == [ServiceUnavailable]
        assert world.only_job() == ("alice", JobStatus.SUCCEEDED, None)

    def test_a_worker_that_died_is_followed_by_another(self, world: World) -> None:
        def dies(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            world.service(dies).on_dropped(FILE)
        with pytest.raises(ServiceUnavailable):
            world.service().on_dropped(FILE)
        world.clock.step(LEASE)
        world.service().on_dropped(FILE)
        assert world.only_job() == ("alice", JobStatus.SUCCEEDED, None)

    @pytest.mark.parametrize(
        "key",
        ["inbox/alice/", "inbox/file.jpg", "other/alice/file.jpg", "inbox/../alice.jpg", "inbox/Alice B/file.jpg", "x"],
    )
    def test_what_is_in_nobodys_inbox_is_left_alone(self, world: World, key: str) -> None:
        assert world.service().on_dropped(DroppedFile("uploads", key, "v1", "e", "01")) is None
        assert world.jobs.jobs == {}

    def test_a_file_whose_job_was_removed_stays_removed(self, world: World) -> None:
        job = world.service().on_dropped(FILE)
        assert job is not None
        world.jobs.remove("alice", job.id)
        assert world.service().on_dropped(FILE) is None
        assert world.jobs.jobs == {}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("inbox/alice/a b+c.jpeg", "a b+c.png"),
        ("inbox/alice/Köln/Größe 漢字.tiff", "Größe 漢字.png"),
        ("inbox/alice/../../etc/passwd", "passwd.png"),
        ("inbox/alice/a\\b\n.jpg", "a_b_.png"),
        (f"inbox/alice/{'n' * 900}.jpg", f"{'n' * 120}.png"),
    ],
)
def test_a_results_name_is_the_files_own_as_far_as_it_is_safe(
    world: World, key: str, name: str, clock: Callable[[], object]
) -> None:
    world.images.drop(key, b"photo", "v9")
    job = world.service().on_dropped(DroppedFile("uploads", key, "v9", "e", "01"))
    assert job is not None
    assert list(world.images.outputs) == [f"outputs/alice/{job.id}/{name}"]
