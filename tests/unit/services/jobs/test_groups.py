"""Lists of jobs: what is found, in which groups, and how many rows are read for it."""

from datetime import timedelta
from typing import Any

import pytest

from darkroom.models.job import Job, JobStatus, Parent, StoredImage
from darkroom.models.money import CREDIT
from darkroom.ports import JobPage
from darkroom.services.jobs.groups import MAX_READ, JobFilter
from darkroom.services.jobs.jobs import Jobs
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.fakes.paid import MemoryRawAnswerStore

IMAGE = StoredImage(key="outputs/a.png", media_type="image/png", width=3, height=4, bytes=5, sha256="ab")


class CountingStore(MemoryJobStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[int] = []

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        page = super().page(user, limit=limit, before=before)
        self.reads.append(len(page.jobs))
        return page


class Shop:
    def __init__(self, clock: SteppingClock) -> None:
        self.store, self.clock = CountingStore(), clock
        images = MemoryImageStore(clock)
        answers = MemoryRawAnswerStore(images)
        self.jobs = Jobs(self.store, images, clock, max_attempts=3, raw_answers=answers, credit=CREDIT)

    def add(self, job_id: str, op: str = "generation", **changes: Any) -> Job:
        known = {"status": JobStatus.SUCCEEDED, **changes}
        job = Job(id=job_id, user="alice", op=op, created_at=self.clock.now, **known)
        self.store.jobs[job.user, job.id] = job
        return job

    def turn(self, job_id: str, *parts: str) -> None:
        self.add(job_id, "turn")
        for name in parts:
            self.add(f"{job_id}-{name}", name.rstrip("0123456789"), parent_id=job_id)

    def listed(self, wanted: JobFilter | None = None, *, limit: int = 20) -> list[list[list[str]]]:
        """The ids of all pages, each with its groups."""
        pages, before = [], None
        while True:
            groups, before = self.jobs.page("alice", wanted, limit=limit, before=before)
            pages.append([[job.id, *(part.id for part in parts)] for job, parts in groups])
            if before is None:
                return pages


@pytest.fixture
def shop(clock: SteppingClock) -> Shop:
    return Shop(clock)


@pytest.mark.parametrize("limit", [1, 2, 3, 20])
def test_a_turn_and_its_calls_are_one_entry_wherever_a_page_ends(shop: Shop, limit: int) -> None:
    shop.add("job_1")
    shop.turn("job_2", "paint0", "plan")
    shop.add("job_3")
    shop.turn("job_4", "plan")
    entries = [["job_4", "job_4-plan"], ["job_3"], ["job_2", "job_2-paint0", "job_2-plan"], ["job_1"]]
    pages = shop.listed(limit=limit)
    assert pages == [entries[at : at + limit] for at in range(0, 4, limit)]
    assert len(shop.store.reads) == len(pages), "each page is one query"


def test_calls_whose_turn_was_removed_are_listed_by_themselves(shop: Shop) -> None:
    shop.add("job_1")
    shop.turn("job_2", "paint0", "plan")
    shop.turn("job_3", "plan")
    for gone in ("job_2", "job_3"):
        del shop.store.jobs["alice", gone]
    assert shop.listed(limit=2) == [[["job_3-plan"], ["job_2-plan"]], [["job_2-paint0"], ["job_1"]]]


def test_a_batch_of_many_paintings_is_passed_over_at_once(shop: Shop) -> None:
    shop.add("job_1")
    shop.turn("job_2", *(f"i{index:03}-paint0" for index in range(400)))
    ((batch, last),) = shop.listed()
    assert (batch[0], len(batch) - 1, last) == ("job_2", 12, ["job_1"])
    assert sum(shop.store.reads) < 100


def test_a_page_that_finds_little_reads_so_many_rows_and_says_where_to_go_on(shop: Shop) -> None:
    for number in range(MAX_READ + 700):
        shop.add(f"job_{number:05}", "edit" if number in (3, 650, 2_600) else "generation")
    edits = JobFilter(ops=("edit",))
    assert shop.listed(edits) == [[["job_02600"]], [["job_00650"], ["job_00003"]]]
    assert shop.store.reads == [500, 500, 500, 500, 500, 200]


def test_a_page_in_which_nothing_fits_is_empty_and_more_may_follow(shop: Shop) -> None:
    for number in range(MAX_READ + 1):
        shop.add(f"job_{number:05}", "edit" if number == 0 else "generation")
    assert shop.listed(JobFilter(ops=("edit",))) == [[], [["job_00000"]]]


def test_a_full_page_reads_no_further(shop: Shop) -> None:
    for number in range(1_500):
        shop.add(f"job_{number:05}")
    groups, after = shop.jobs.page("alice", JobFilter(ops=("generation",)), limit=20)
    assert (len(groups), after, shop.store.reads) == (20, "job_01480", [500])


def test_jobs_of_a_conversation_are_looked_for_since_it_was_begun(shop: Shop) -> None:
    for number in range(600):
        shop.add(f"job_01A{number:03}")
    shop.add("job_01B2", "turn", conversation_id="conv_01B1")
    shop.add("job_01B3", "turn", conversation_id="conv_01B2")
    assert shop.listed(JobFilter(conversation="conv_01B1")) == [[["job_01B2"]]]
    assert len(shop.store.reads) == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (JobFilter(ops=("edit", "turn")), ["job_5", "job_2"]),
        (JobFilter(ops=("paint",)), ["job_5"]),
        (JobFilter(statuses=(JobStatus.FAILED,)), ["job_3"]),
        (JobFilter(has_images=True), ["job_2"]),
        (JobFilter(model="acme/painter-2"), ["job_5", "job_1"]),
        (JobFilter(model="Painter-2"), ["job_5", "job_1"]),
        (JobFilter(model="painter"), []),
        (JobFilter(model="u2net"), ["job_4"]),
        (JobFilter(words=("FUCHS", "rot")), ["job_2"]),
        (JobFilter(words=("kitten",)), ["job_5"]),
        (JobFilter(words=("beach.jpg",)), ["job_4"]),
        (JobFilter(words=("fuchs", "acme")), []),
        (JobFilter(ops=("edit",), statuses=(JobStatus.FAILED,)), []),
    ],
)
def test_what_is_given_has_to_fit(shop: Shop, wanted: JobFilter, found: list[str]) -> None:
    shop.add("job_1", model_requested="acme/painter-2", model_used="acme/painter-3")
    shop.add("job_2", "edit", images=(IMAGE,), input={"prompt": "Ein roter Fuchs"})
    shop.add("job_3", status=JobStatus.FAILED)
    shop.add("job_4", "background-removal", result={"model": "u2net"}, input={"key": "inbox/alice/beach.jpg"})
    shop.add("job_5", "turn", input={"content": "Add a kitten"})
    shop.add("job_5-paint0", "paint", parent_id="job_5", model_used="acme/painter-2")
    assert [group[0] for page in shop.listed(wanted) for group in page] == found


def test_what_was_made_from_a_job_is_looked_for_among_those_after_it(shop: Shop) -> None:
    for number in range(600):
        shop.add(f"job_0{number:03}")
    shop.add("job_1", images=(IMAGE, IMAGE))
    first, second = (Parent(kind="job", ref="job_1", index=index, sha256="ab") for index in range(2))
    shop.add("job_2", "edit", lineage=(Parent(kind="upload", ref="job_1", sha256="ab"),))
    shop.add("job_3", "edit", lineage=(first,))
    shop.add("job_4", "background-removal", lineage=(second,))
    shop.add("job_5", "turn", lineage=(Parent(kind="file", sha256="ab"), first))
    painted = Parent(kind="job", ref="job_5", sha256="ab")
    shop.add("job_5-paint0", "paint", parent_id="job_5", lineage=(painted,))
    for source, found in (
        ("job_1", ["job_5", "job_4", "job_3"]),
        ("job_1/0", ["job_5", "job_3"]),
        ("job_1/1", ["job_4"]),
        ("job_5", []),
        ("job_0001", []),
    ):
        assert [group[0] for page in shop.listed(JobFilter(made_from=source)) for group in page] == found, source
    shop.store.reads.clear()
    shop.listed(JobFilter(made_from="job_1"))
    assert len(shop.store.reads) == 1


def test_what_is_removed_or_expired_is_in_no_list(shop: Shop) -> None:
    now = shop.clock.now
    shop.add("job_1", removed_at=now)
    shop.add("job_2", expires_at=now)
    shop.add("job_3", expires_at=now + timedelta(days=1))
    shop.turn("job_4", "plan", "paint0")
    part = shop.store.jobs["alice", "job_4-paint0"]
    shop.store.jobs["alice", part.id] = part.model_copy(update={"removed_at": now})
    assert shop.listed() == [[["job_4", "job_4-plan"], ["job_3"]]]
