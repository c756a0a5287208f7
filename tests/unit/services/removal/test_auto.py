"""`auto`: what is asked for in which order, that at most one is paid, and only where the user allowed money."""

from typing import Any

import pytest

from darkroom.errors import NoForeground
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.cutout import Beside, Cutout, CutoutOptions, Quality, Step
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.deadline import Deadline
from darkroom.models.dropped import DroppedFile
from darkroom.models.job import Job, JobStatus
from darkroom.models.user_settings import Limits
from darkroom.services.paid.admission import Submission
from tests.application import Studio
from tests.unit.cloud import CREDIT, Cloud, dot

ALICE = Caller(user="alice")
TERMS = Terms(route="POST /v1/images/background-removals")
FILE = DroppedFile("uploads", "inbox/alice/cat.png", "v1", "etag", "01")
DOUBT = (
    Step(model="u2netp", score=0.2, verdict="look", ms=1.0),
    Step(model="u2net", score=0.4, verdict="look", ms=2.0),
)
SURE = (*DOUBT[:1], Step(model="u2net", score=0.9, verdict="clean", ms=2.0))


@pytest.fixture(autouse=True)
def dropped(studio: Studio) -> None:
    """A file in Alice's inbox."""
    studio.images.drop(FILE.key, dot(), FILE.version)


def made_by(cloud: Cloud, steps: tuple[Step, ...]) -> None:
    """What the models here come to."""
    best = max(steps, key=lambda step: step.score or 0)
    verdict = "look" if best.verdict == "nothing" else best.verdict
    quality = Quality(score=best.score or 0, verdict=verdict, reasons=())

    def cut(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
        made = cloud.cut(data, options, beside)
        told = {"quality": quality, "steps": steps if options.model == "auto" else (), "model": best.model}
        return made.model_copy(update=told)

    cloud.studio.app.pipeline = cut


def ask(cloud: Cloud, /, **fields: Any) -> Cutout | Submission | Job:
    request = CutoutRequest(**{"image": dot(), **fields})
    return cloud.service.answer(ALICE, request, lambda: TERMS, Deadline(30))


class TestMoney:
    @pytest.mark.parametrize(
        ("setting", "fields"),
        [
            ("never", {}),
            (None, {}),
            ("always", {"cloud": False}),
            ("fallback", {"cloud": False}),
            ("fallback", {"fit": "64"}),
        ],
    )
    def test_where_no_money_is_allowed_none_is_spent(
        self, cloud: Cloud, setting: str | None, fields: dict[str, Any]
    ) -> None:
        made_by(cloud, DOUBT)
        cloud.set("alice", cloud_removal=setting)
        made = ask(cloud, model="auto", **fields)
        assert isinstance(made, Cutout)
        assert (made.steps, cloud.calls(), cloud.studio.jobs.jobs) == (DOUBT, [], {})

    @pytest.mark.parametrize("setting", ["always", "fallback", None])
    def test_what_is_clean_is_never_paid_for(self, cloud: Cloud, setting: str | None) -> None:
        made_by(cloud, SURE)
        cloud.set("alice", cloud_removal=setting)
        made = ask(cloud, model="auto", **({"cloud": True} if setting is None else {}))
        assert isinstance(made, Cutout)
        assert (made.steps, cloud.calls()) == (SURE, [])

    @pytest.mark.parametrize("how", ["always", "fallback", "cloud", "of the user"])
    def test_what_no_model_is_sure_of_is_paid_once(self, cloud: Cloud, how: str) -> None:
        made_by(cloud, DOUBT)
        cloud.set(
            "alice",
            cloud_removal=how if how in ("always", "fallback") else "fallback" if how == "of the user" else None,
            background_model="auto" if how == "of the user" else None,
        )
        fields = {} if how == "of the user" else {"model": "auto"}
        made = ask(cloud, **fields, **({"cloud": True} if how == "cloud" else {}))
        assert isinstance(made, Submission)
        cloud.work()
        cloud.work()
        job = cloud.only_job()
        assert (job.status, job.cost.actual, cloud.simulator.invoice()) == (JobStatus.SUCCEEDED, CREDIT, CREDIT)
        assert job.input["steps"] == [step.model_dump(mode="json") for step in DOUBT]
        assert job.warnings[0] == "What was made here was not clean (scores: u2netp 0.2, u2net 0.4)."

    def test_what_the_budget_has_no_room_for_is_made_here_and_says_so(self, cloud: Cloud) -> None:
        made_by(cloud, DOUBT)
        cloud.set("alice", cloud_removal="fallback", limits=Limits(per_request=CREDIT - 1))
        made = ask(cloud, model="auto")
        assert isinstance(made, Cutout)
        assert (made.model, cloud.calls()) == ("u2net", [])
        assert made.warnings[-1].startswith("remove.bg was not asked: ")

    def test_a_repeated_request_is_paid_once(self, cloud: Cloud) -> None:
        made_by(cloud, DOUBT)
        cloud.set("alice", cloud_removal="fallback")
        terms = TERMS.model_copy(update={"idempotency_key": "k"})
        for _ in range(3):
            request = CutoutRequest(image=dot(), model="auto")
            cloud.service.answer(ALICE, request, lambda: terms, Deadline(30))
            cloud.work()
        assert (cloud.simulator.invoice(), cloud.studio.budget("alice", "day").spent) == (CREDIT, CREDIT)

    def test_who_wants_nothing_kept_is_cut_out_here(self, cloud: Cloud) -> None:
        made_by(cloud, DOUBT)
        cloud.set("alice", cloud_removal="fallback", zero_data_retention=True)
        assert isinstance(ask(cloud, model="auto"), Cutout)
        assert cloud.calls() == []


class TestInbox:
    def test_a_file_of_which_no_model_is_sure_is_paid_once_however_often_it_comes(self, cloud: Cloud) -> None:
        made_by(cloud, DOUBT)
        cloud.set("alice", cloud_removal="fallback", background_model="auto")
        for _ in range(5):
            cloud.service.on_dropped(FILE)
            cloud.work()
        job = cloud.only_job()
        assert (job.status, job.cost.actual, cloud.simulator.invoice()) == (JobStatus.SUCCEEDED, CREDIT, CREDIT)

    @pytest.mark.parametrize(("steps", "setting"), [(SURE, "always"), (SURE, "fallback"), (DOUBT, "never")])
    def test_else_it_is_free_and_its_job_has_the_score(
        self, cloud: Cloud, steps: tuple[Step, ...], setting: str
    ) -> None:
        made_by(cloud, steps)
        cloud.set("alice", cloud_removal=setting, background_model="auto")
        cloud.service.on_dropped(FILE)
        job = cloud.only_job()
        assert (job.status, cloud.calls()) == (JobStatus.SUCCEEDED, [])
        assert [step["model"] for step in job.result["steps"]] == ["u2netp", "u2net"]
        assert job.result["quality"]["verdict"] == steps[-1].verdict

    def test_a_budget_without_room_leaves_what_was_made_here(self, cloud: Cloud) -> None:
        made_by(cloud, DOUBT)
        cloud.set("alice", cloud_removal="fallback", background_model="auto", limits=Limits(per_request=CREDIT - 1))
        cloud.service.on_dropped(FILE)
        job = cloud.only_job()
        assert (job.status, cloud.calls()) == (JobStatus.SUCCEEDED, [])
        assert job.warnings[-1].startswith("remove.bg was not asked: ")


class TestSandbox:
    @pytest.mark.parametrize("setting", ["always", "request"])
    def test_what_would_be_paid_is_made_here_small_and_marked(self, cloud: Cloud, setting: str) -> None:
        cloud.set("alice", cloud_removal="always" if setting == "always" else None)
        made = ask(cloud, sandbox=True, **({"cloud": True} if setting == "request" else {}))
        assert isinstance(made, Cutout)
        (_, options), *_ = cloud.given
        assert (options.sandbox, options.max_size, cloud.calls()) == (True, 500, [])
        assert "sample" in made.warnings[-1]

    def test_what_is_free_is_whole(self, cloud: Cloud) -> None:
        assert isinstance(ask(cloud, sandbox=True), Cutout)
        assert cloud.given[0][1] == CutoutOptions(sandbox=False)

    def test_nothing_is_paid_where_it_cannot_be_made_here(self, cloud: Cloud) -> None:
        cloud.set("alice", cloud_removal="fallback")
        cloud.fails = NoForeground("Nothing.")
        with pytest.raises(NoForeground):
            ask(cloud, sandbox=True)
        assert (cloud.calls(), cloud.studio.jobs.jobs) == ([], {})
