"""When remove.bg cuts out, what that costs, and that it is never paid for twice."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from darkroom.errors import (
    BudgetExceeded,
    CostLimit,
    DarkroomError,
    IdempotencyKeyReused,
    InvalidApiKey,
    InvalidParameter,
    LicenceNotAcknowledged,
    LowQuality,
    NoForeground,
    NotFound,
    ServiceUnavailable,
    UnreadableImage,
    UnsupportedModel,
)
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.cutout import Cutout
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.models.user_settings import Limits
from darkroom.services.paid.admission import Submission
from darkroom.services.paid.together import PATIENCE
from tests.application import LONG
from tests.conftest import SteppingClock
from tests.unit.cloud import CREDIT, Cloud, dot, dying

ALICE = Caller(user="alice")
TERMS = Terms(route="POST /v1/images/background-removals")
OURS: list[Exception] = [
    NoForeground("Nothing."),
    LowQuality("Fog."),
    ServiceUnavailable("Away."),
    RuntimeError("a bug"),
    MemoryError(),
]
THEIRS: list[Exception] = [
    UnreadableImage("Broken."),
    UnsupportedModel("No such."),
    LicenceNotAcknowledged("Not yet."),
    InvalidParameter("No."),
]


def _ask(world: Cloud, /, *, terms: Terms = TERMS, **fields: Any) -> Cutout | Submission | Job:
    return world.service.answer(ALICE, CutoutRequest(**{"image": dot(), **fields}), lambda: terms, Deadline(30))


def _job(world: Cloud, /, **fields: Any) -> Job:
    """The paid job that came of a request, as it stands when it was worked on."""
    submission = _ask(world, **fields)
    assert isinstance(submission, Submission)
    world.work()
    return world.studio.job("alice", submission.job.id)


def _nothing_spent(cloud: Cloud) -> bool:
    return (cloud.calls(), cloud.studio.of("alice"), cloud.studio.ledger.accounts) == ([], {}, {})


class TestWho:
    def test_a_request_that_says_so_is_cut_out_by_remove_bg_and_its_cost_is_the_invoices(self, cloud: Cloud) -> None:
        job = _job(cloud, cloud=True)
        assert (job.status, job.op, job.provider, job.model_used) == (
            JobStatus.SUCCEEDED, "background-removal", "removebg", "removebg"
        )  # fmt: skip
        assert job.cost.actual == cloud.simulator.invoice() == CREDIT
        budget = cloud.studio.budget("alice", "day")
        assert (budget.spent, budget.reserved) == (CREDIT, 0)
        assert [image.media_type for image in job.images] == ["image/png"]
        assert cloud.given == []

    @pytest.mark.parametrize(
        ("setting", "asked", "is_paid"),
        [
            ("always", None, True),
            ("always", False, False),
            ("never", True, True),
            ("never", None, False),
            (None, None, False),
            ("fallback", None, False),
            ("fallback", True, True),
        ],
    )
    def test_the_request_goes_before_the_setting(
        self, cloud: Cloud, setting: str | None, asked: bool | None, is_paid: bool
    ) -> None:
        cloud.set("alice", cloud_removal=setting)
        assert isinstance(_ask(cloud, cloud=asked), Submission) is is_paid
        cloud.work()
        assert cloud.simulator.invoice() == (CREDIT if is_paid else 0)
        assert len(cloud.given) == (0 if is_paid else 1)

    @pytest.mark.parametrize("error", OURS)
    def test_what_fails_here_for_a_reason_of_ours_is_done_there_if_that_is_allowed(
        self, cloud: Cloud, error: Exception
    ) -> None:
        cloud.set("alice", cloud_removal="fallback")
        cloud.fails = error
        job = _job(cloud)
        assert (job.status, job.cost.actual, cloud.simulator.invoice()) == (JobStatus.SUCCEEDED, CREDIT, CREDIT)
        assert job.warnings[0].startswith("It was not cut out here: ")
        assert "a bug" not in job.warnings[0]

    @pytest.mark.parametrize("setting", ["never", None])
    @pytest.mark.parametrize("error", OURS)
    def test_what_fails_here_stays_failed_if_it_is_not_allowed(
        self, cloud: Cloud, error: Exception, setting: str | None
    ) -> None:
        cloud.set("alice", cloud_removal=setting)
        cloud.fails = error
        with pytest.raises(type(error)):
            _ask(cloud)
        assert _nothing_spent(cloud)

    @pytest.mark.parametrize("error", THEIRS)
    def test_a_callers_mistake_is_paid_for_nowhere(self, cloud: Cloud, error: Exception) -> None:
        cloud.set("alice", cloud_removal="fallback")
        cloud.fails = error
        with pytest.raises(type(error)):
            _ask(cloud)
        assert _nothing_spent(cloud)

    def test_with_the_request_saying_no_nothing_falls_back(self, cloud: Cloud) -> None:
        cloud.set("alice", cloud_removal="fallback")
        cloud.fails = OURS[0]
        with pytest.raises(NoForeground):
            _ask(cloud, cloud=False)
        assert _nothing_spent(cloud)

    def test_a_fallback_that_may_not_be_paid_leaves_the_error_and_says_why(self, cloud: Cloud) -> None:
        cloud.set("alice", cloud_removal="fallback", limits=Limits(per_request=CREDIT - 1))
        cloud.fails = NoForeground("Nothing.")
        with pytest.raises(NoForeground) as raised:
            _ask(cloud)
        assert raised.value.problem()["cloud_removal"]["code"] == "COST_LIMIT"
        assert _nothing_spent(cloud)

    def test_another_users_setting_is_theirs(self, cloud: Cloud) -> None:
        cloud.set("bob", cloud_removal="always")
        assert isinstance(_ask(cloud), Cutout)

    def test_a_users_own_model_is_taken_where_the_request_names_none(self, cloud: Cloud) -> None:
        cloud.set("alice", background_model="u2netp")
        _ask(cloud)
        _ask(cloud, model="u2net")
        assert [options.model for _, options in cloud.given] == ["u2netp", "u2net"]


class TestRefusedBeforeAnythingIsSpent:
    def test_without_a_key_the_error_says_where_to_put_one(self, cloud: Cloud) -> None:
        with pytest.raises(InvalidApiKey) as raised:
            cloud.service.answer(
                Caller(user="bob"), CutoutRequest(image=dot(), cloud=True), lambda: TERMS, Deadline(30)
            )
        assert "PUT /v1/keys/removebg" in raised.value.fix
        assert _nothing_spent(cloud)

    @pytest.mark.parametrize(
        ("limits", "more", "error"),
        [
            (Limits(per_request=CREDIT - 1), {}, CostLimit),
            (Limits(per_request=500_000, per_day=CREDIT - 1), {}, BudgetExceeded),
            (Limits(per_request=500_000, per_month=0), {}, BudgetExceeded),
            (Limits(per_request=500_000), {"max_cost_usd": "0.19"}, CostLimit),
        ],
    )
    def test_a_limit_is_a_wall(
        self, cloud: Cloud, limits: Limits, more: dict[str, Any], error: type[DarkroomError]
    ) -> None:
        cloud.set("alice", limits=limits)
        with pytest.raises(error) as raised:
            _ask(cloud, cloud=True, **more)
        assert (raised.value.charged, cloud.calls(), cloud.studio.of("alice")) == (False, [], {})

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({"matting": True}, "matting"),
            ({"max_size": 100}, "max_size"),
            ({"edges": "raw"}, "edges"),
            ({"components": "largest"}, "components"),
            ({"holes": "fill"}, "holes"),
            ({"model": "u2net"}, "model"),
            ({"format": "webp"}, "format"),
            ({"background": "linear-gradient(45deg, red, blue)"}, "background"),
            ({"background": "no colour at all"}, "background"),
            ({"background_image": dot()}, "background"),
            ({"crop": True, "margin": "51%"}, "margin"),
            ({"crop": True, "margin": "501"}, "margin"),
        ],
    )
    def test_what_remove_bg_cannot_do_is_refused_or_done_here(
        self, cloud: Cloud, fields: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(InvalidParameter) as raised:
            _ask(cloud, cloud=True, **fields)
        assert raised.value.param == param
        cloud.set("alice", cloud_removal="always")
        done = _ask(cloud, **fields)
        assert isinstance(done, Cutout)
        assert done.warnings[-1].endswith("It was cut out here.")
        assert _nothing_spent(cloud)

    def test_who_wants_nothing_kept_is_never_sent_there_by_a_setting(self, cloud: Cloud) -> None:
        cloud.set("alice", zero_data_retention=True, cloud_removal="always")
        assert isinstance(_ask(cloud), Cutout)
        with pytest.raises(InvalidParameter) as raised:
            _ask(cloud, cloud=True)
        assert raised.value.param == "cloud"
        assert _nothing_spent(cloud)

    def test_anothers_picture_is_not_there(self, cloud: Cloud) -> None:
        cloud.studio.images.drop("uploads/bob/upl_x", dot())
        with pytest.raises(NotFound):
            _ask(cloud, cloud=True, image=None, upload_id="upl_x")
        assert _nothing_spent(cloud)

    def test_what_is_no_picture_is_not_sent(self, cloud: Cloud) -> None:
        with pytest.raises(DarkroomError):
            _ask(cloud, cloud=True, image=b"hello")
        assert _nothing_spent(cloud)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {"size": "full", "format": "png"}),
        ({"format": "jpeg"}, {"size": "full", "format": "jpg", "bg_color": "ffffffff"}),
        ({"background": "#f80"}, {"size": "full", "format": "png", "bg_color": "ff8800ff"}),
        ({"background": "rgba(0, 0, 0, 0.5)"}, {"size": "full", "format": "png", "bg_color": "00000080"}),
        ({"channels": "alpha"}, {"size": "full", "format": "png", "channels": "alpha"}),
        ({"crop": True}, {"size": "full", "format": "png", "crop": True}),
        ({"crop": True, "margin": "5 %"}, {"size": "full", "format": "png", "crop": True, "crop_margin": "5%"}),
        ({"crop": True, "margin": "20"}, {"size": "full", "format": "png", "crop": True, "crop_margin": "20px"}),
        ({"margin": "20"}, {"size": "full", "format": "png"}),
    ],
)
def test_options_are_told_in_remove_bgs_words(cloud: Cloud, fields: dict[str, Any], sent: dict[str, Any]) -> None:
    job = _job(cloud, cloud=True, **fields)
    assert job.work is not None
    assert job.work.request is not None
    assert job.work.request.routing is not None
    assert job.work.request.routing.options == {"removebg": sent}
    assert job.status is JobStatus.SUCCEEDED


class TestOnce:
    def test_a_repeated_request_is_one_job_and_another_picture_is_refused(self, cloud: Cloud) -> None:
        terms = TERMS.model_copy(update={"idempotency_key": "k"})
        first = _job(cloud, terms=terms, cloud=True)
        again = _ask(cloud, terms=terms, cloud=True)
        assert isinstance(again, Submission)
        assert (again.job.id, again.is_replayed) == (first.id, True)
        for fields in ({"image": dot("blue")}, {"crop": True}):
            with pytest.raises(IdempotencyKeyReused):
                _ask(cloud, terms=terms, cloud=True, **fields)
        cloud.work()
        assert cloud.simulator.invoice() == CREDIT

    def test_what_remove_bg_refuses_costs_nothing(self, cloud: Cloud) -> None:
        cloud.simulator.go_wrong("refused")
        job = _job(cloud, cloud=True)
        assert job.error is not None
        assert (job.status, job.error["code"], job.cost.actual) == (JobStatus.FAILED, "NO_FOREGROUND", 0)
        assert cloud.studio.budget("alice", "day").spent == cloud.simulator.invoice() == 0

    @pytest.mark.parametrize("billed", [True, False])
    def test_an_answer_that_was_lost_is_not_sent_for_again_and_the_account_says_what_it_cost(
        self, cloud: Cloud, clock: SteppingClock, billed: bool
    ) -> None:
        cloud.simulator.go_wrong("cut" if billed else "page")
        job = _job(cloud, cloud=True)
        assert (job.status, cloud.simulator.requests()) == (JobStatus.UNCERTAIN, 1)
        clock.step(PATIENCE)
        cloud.sweep.run(Deadline(LONG))
        decided = cloud.studio.job("alice", job.id)
        assert (decided.status, decided.cost.charged) == (JobStatus.FAILED, billed)
        assert decided.cost.actual == cloud.simulator.invoice() == (CREDIT if billed else 0)
        assert cloud.simulator.requests() == 1

    def test_a_cost_that_is_not_told_is_looked_up(self, cloud: Cloud, clock: SteppingClock) -> None:
        cloud.simulator.go_wrong("untold")
        job = _job(cloud, cloud=True)
        assert (job.status, job.cost.settled) == (JobStatus.SUCCEEDED, False)
        clock.step(PATIENCE)
        cloud.sweep.run(Deadline(LONG))
        assert cloud.studio.job("alice", job.id).cost.actual == cloud.simulator.invoice() == CREDIT

    def test_a_worker_that_died_with_the_answer_in_hand_has_lost_nothing(
        self, cloud: Cloud, clock: SteppingClock
    ) -> None:
        doomed = dying(cloud.worker)
        submission = _ask(cloud, cloud=True)
        assert isinstance(submission, Submission)
        with pytest.raises(KeyboardInterrupt):
            cloud.each(lambda user, job_id: doomed.run(user, job_id, Deadline(LONG)))
        clock.step(timedelta(minutes=10))
        cloud.sweep.run(Deadline(LONG))
        job = cloud.studio.job("alice", submission.job.id)
        assert (job.status, job.cost.actual, len(job.images)) == (JobStatus.SUCCEEDED, CREDIT, 1)
        assert (cloud.simulator.requests(), cloud.simulator.invoice()) == (1, CREDIT)


def test_the_picture_is_kept_for_the_worker_and_named_in_the_job(cloud: Cloud) -> None:
    job = _job(cloud, cloud=True, image=None, image_b64=base64.b64encode(dot()).decode())
    assert [parent.kind for parent in job.lineage] == ["file"]
    assert job.input == {"options": {"cloud": True}}
