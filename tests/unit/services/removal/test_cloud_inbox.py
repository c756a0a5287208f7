"""Dropped files that remove.bg cuts out: what that costs, and that no file is paid for twice, whatever dies when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from darkroom.errors import NoForeground, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.dropped import DroppedFile
from darkroom.models.job import JobStatus
from darkroom.models.user_settings import Limits
from darkroom.services.accounts.keys import Keys
from darkroom.services.removal.postponed import LEASE
from darkroom.services.removal.remove_background import REMEMBERED
from local.providers.removebg import Simulator
from local.simulator import Simulator as OpenRouter
from tests.application import LONG, Studio
from tests.conftest import Passing, SteppingClock
from tests.fakes.memory import MemoryJobStore
from tests.fakes.prompt_queues import PromptQueue
from tests.unit.cloud import CREDIT, Cloud, dot, dying

FILE = DroppedFile("uploads", "inbox/alice/cat.png", "v1", "etag", "01")


@pytest.fixture(autouse=True)
def dropped(studio: Studio) -> None:
    """A file in Alice's inbox."""
    studio.images.drop(FILE.key, dot(), FILE.version)


class DyingJobStore(MemoryJobStore):
    """While `dies` is set, the function is stopped just before a job would be removed."""

    dies = False

    def remove(self, user: str, job_id: str) -> bool:
        if self.dies:
            raise KeyboardInterrupt
        return super().remove(user, job_id)


class DyingQueue(PromptQueue):
    """While `dies` is set, the function is stopped just before a message would be sent."""

    dies = False

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        if self.dies:
            raise KeyboardInterrupt
        super().send(user, job_id, delay_seconds=delay_seconds)


class TestDroppedFiles:
    def test_ten_deliveries_are_one_paid_job(self, cloud: Cloud) -> None:
        cloud.set("alice", cloud_removal="always")
        for _ in range(10):
            cloud.service.on_dropped(FILE)
            cloud.work()
        job = cloud.only_job()
        assert (job.status, job.provider, job.cost.actual) == (JobStatus.SUCCEEDED, "removebg", CREDIT)
        assert job.input["key"] == FILE.key
        assert len(cloud.studio.of("alice")) == 1
        assert cloud.simulator.invoice() == cloud.studio.budget("alice", "day").spent == CREDIT
        assert cloud.given == []

    @pytest.mark.parametrize("setting", ["always", "fallback"])
    def test_what_a_users_own_key_was_to_pay_is_not_the_stacks(self, cloud: Cloud, setting: str) -> None:
        """The stack has a key of its own, and the user's is disconnected before the worker comes."""
        stacks = cloud.simulator.key
        cloud.studio.app.keys = Keys(
            cloud.studio.vault,
            {"removebg": cloud.provider},
            cloud.studio.clock,
            operator_key=lambda _provider: stacks,
            operated=frozenset({"removebg"}),
        )
        cloud.set("alice", cloud_removal=setting)
        cloud.fails = NoForeground("Nothing.")
        cloud.service.on_dropped(FILE)
        cloud.studio.app.keys.disconnect("alice", "removebg")
        cloud.work()
        job = cloud.only_job()
        assert job.error is not None
        assert (job.own_key, job.status, job.error["code"], job.error["charged"]) == (
            True, JobStatus.FAILED, "INVALID_API_KEY", False
        )  # fmt: skip
        assert (cloud.simulator.invoice(), cloud.studio.budget("alice", "day").reserved) == (0, 0)
        # The next file is the stack's from the beginning, within what its own limits allow.
        cloud.studio.images.drop(FILE.key, dot("blue"), "v2")
        cloud.service.on_dropped(replace(FILE, version="v2"))
        cloud.work()
        assert cloud.simulator.invoice() == CREDIT

    def test_another_version_is_another_job(self, cloud: Cloud) -> None:
        cloud.set("alice", cloud_removal="always")
        cloud.studio.images.drop(FILE.key, dot("blue"), "v2")
        for version in ("v1", "v2", "v1"):
            cloud.service.on_dropped(replace(FILE, version=version))
        cloud.work()
        assert cloud.simulator.invoice() == 2 * CREDIT

    @pytest.mark.parametrize("setting", ["always", "fallback"])
    @pytest.mark.parametrize("moment", ["queue", "remove"])
    def test_a_function_that_dies_at_any_moment_after_the_admission_pays_once(
        self, clock: SteppingClock, studio_simulator: OpenRouter, running: Simulator, setting: str, moment: str
    ) -> None:
        running.reset()
        jobs, queue = DyingJobStore(), DyingQueue()
        cloud = Cloud(Studio(studio_simulator, clock, jobs=jobs, job_queue=queue), running)
        cloud.connect("alice")
        cloud.studio.images.drop(FILE.key, dot(), FILE.version)
        cloud.set("alice", cloud_removal=setting)
        cloud.fails = NoForeground("Nothing.") if setting == "fallback" else None
        jobs.dies, queue.dies = moment == "remove", moment == "queue"
        with pytest.raises(KeyboardInterrupt):
            cloud.service.on_dropped(FILE)
        jobs.dies = queue.dies = False
        clock.step(LEASE)
        for _ in range(3):
            cloud.service.on_dropped(replace(FILE, receives=2))
            cloud.work()
        clock.step(timedelta(minutes=5))
        cloud.sweep.run(Deadline(LONG))
        cloud.work()
        assert cloud.only_job().status is JobStatus.SUCCEEDED
        assert cloud.simulator.invoice() == cloud.studio.budget("alice", "day").spent == CREDIT

    def test_a_subject_nobody_finds_here_is_looked_for_there_at_once(self, cloud: Cloud) -> None:
        cloud.set("alice", cloud_removal="fallback")
        cloud.fails = NoForeground("Nothing.")
        cloud.service.on_dropped(FILE)
        cloud.work()
        job = cloud.only_job()
        assert (job.status, job.cost.actual) == (JobStatus.SUCCEEDED, CREDIT)
        assert job.warnings[0] == "It was not cut out here: Nothing."

    @pytest.mark.parametrize("error", [ServiceUnavailable("Away."), RuntimeError("a bug")])
    def test_a_passing_fault_is_paid_for_on_the_last_attempt_alone(self, cloud: Cloud, error: Exception) -> None:
        cloud.set("alice", cloud_removal="fallback")
        cloud.fails = error
        for receives in (1, 2):
            with pytest.raises(type(error)):
                cloud.service.on_dropped(replace(FILE, receives=receives))
            assert cloud.calls() == []
        cloud.service.on_dropped(replace(FILE, receives=3))
        cloud.service.on_dropped(replace(FILE, receives=4))
        cloud.work()
        assert (cloud.only_job().status, cloud.simulator.invoice()) == (JobStatus.SUCCEEDED, CREDIT)

    @pytest.mark.parametrize(
        ("setting", "code"), [("always", "COST_LIMIT"), ("fallback", "NO_FOREGROUND"), ("never", "NO_FOREGROUND")]
    )
    def test_a_limit_is_a_wall_and_the_job_says_so(self, cloud: Cloud, setting: str, code: str) -> None:
        cloud.set("alice", cloud_removal=setting, limits=Limits(per_request=CREDIT - 1))
        cloud.fails = NoForeground("Nothing.")
        cloud.service.on_dropped(FILE)
        job = cloud.only_job()
        assert job.error is not None
        assert (job.status, job.error["code"], cloud.calls()) == (JobStatus.FAILED, code, [])
        if setting == "fallback":
            assert job.error["cloud_removal"]["code"] == "COST_LIMIT"

    def test_who_wants_nothing_kept_has_their_files_cut_out_here(self, cloud: Cloud) -> None:
        cloud.set("alice", cloud_removal="always", zero_data_retention=True)
        cloud.service.on_dropped(FILE)
        assert (cloud.only_job().status, len(cloud.given), cloud.calls()) == (JobStatus.SUCCEEDED, 1, [])

    def test_without_a_key_the_job_says_so_and_the_message_is_done_with(self, cloud: Cloud) -> None:
        cloud.set("bob", cloud_removal="always")
        cloud.studio.images.drop("inbox/bob/cat.png", dot(), "v1")
        cloud.service.on_dropped(replace(FILE, key="inbox/bob/cat.png"))
        job = cloud.only_job("bob")
        assert job.error is not None
        assert (job.status, job.error["code"]) == (JobStatus.FAILED, "INVALID_API_KEY")

    def test_the_paid_job_and_its_budgets_are_of_the_same_day(
        self, studio_simulator: OpenRouter, running: Simulator
    ) -> None:
        clock = Passing()
        cloud = Cloud(Studio(studio_simulator, clock), running)
        cloud.connect("alice")
        cloud.set("alice", cloud_removal="always")
        cloud.studio.images.drop(FILE.key, dot(), FILE.version)
        for milliseconds in range(1, 12):
            clock.now = datetime(2027, 1, 1, tzinfo=UTC) - timedelta(milliseconds=milliseconds)
            job = cloud.service.on_dropped(replace(FILE, sequencer=str(milliseconds), version=None))
            assert job is not None
            assert [ref.id for ref in job.budgets] == [
                f"day#{job.created_at:%Y-%m-%d}",
                f"month#{job.created_at:%Y-%m}",
            ]

    def test_that_a_file_had_its_job_is_known_for_as_long_as_its_message_can_come_again(
        self, studio: Studio, running: Simulator
    ) -> None:
        cloud = Cloud(studio, running, retention=timedelta(days=1))
        studio.images.drop(FILE.key, dot(), FILE.version)
        for setting, kept in (("fallback", REMEMBERED), ("never", timedelta(days=1))):
            cloud.set("alice", cloud_removal=setting)
            job = cloud.service.on_dropped(replace(FILE, sequencer=setting, version=None))
            assert job is not None
            assert job.expires_at == studio.clock() + kept


@given(
    setting=st.sampled_from(["always", "fallback"]),
    moves=st.lists(st.sampled_from(["deliver", "fail", "work", "die", "sweep", "wait"]), max_size=12),
)
def test_whatever_happens_in_whatever_order_a_file_is_paid_for_at_most_once(setting: str, moves: list[str]) -> None:
    clock = SteppingClock()
    with Simulator() as simulator:
        # Nobody asks OpenRouter anything.
        cloud = Cloud(Studio(OpenRouter(), clock), simulator)
        cloud.connect("alice")
        cloud.set("alice", cloud_removal=setting)
        cloud.studio.images.drop(FILE.key, dot(), FILE.version)
        cloud.fails = NoForeground("Nothing.")
        for receives, move in enumerate([*moves, "deliver", "work", "wait", "sweep", "work"], 1):
            _do(cloud, move, receives, clock)
        spent = cloud.studio.budget("alice", "day").spent if cloud.studio.ledger.accounts else 0
        assert spent == simulator.invoice() <= CREDIT


def _do(cloud: Cloud, move: str, receives: int, clock: SteppingClock) -> None:
    match move:
        case "deliver" | "fail":
            cloud.fails = NoForeground("Nothing.") if move == "deliver" else RuntimeError("a bug")
            try:
                cloud.service.on_dropped(replace(FILE, receives=receives))
            except (RuntimeError, ServiceUnavailable):
                return
        case "work":
            cloud.work()
        case "die":
            doomed = dying(cloud.worker)
            try:
                cloud.each(lambda user, job_id: doomed.run(user, job_id, Deadline(LONG)))
            except KeyboardInterrupt:
                return
        case "sweep":
            cloud.sweep.run(Deadline(LONG))
        case "wait":
            clock.step(timedelta(minutes=16))
