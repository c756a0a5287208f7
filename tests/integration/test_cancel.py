"""Canceling and removing on the running stack, where a worker may be faster than whoever changes their mind."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.pump import CONCURRENCY
from tests.integration.users import People, User, eventually

PRICE = 14_000


@pytest.fixture
def user(people: People) -> User:
    return people.new("cancel")


@pytest.fixture
def busy(people: People) -> Iterator[User]:
    """Somebody whose jobs take every worker there is, until they are released."""
    other = people.new("busy")
    other.scenario("held")
    with ThreadPoolExecutor(CONCURRENCY) as threads:
        jobs = [job["id"] for job in threads.map(lambda seed: other.order(seed=seed), range(CONCURRENCY))]
    eventually(lambda: len(other.paid_requests()), lambda sent: sent == CONCURRENCY)
    yield other
    other.release()
    for job_id in jobs:
        assert other.until(job_id)["status"] == "succeeded"
    assert other.charges() == [PRICE] * CONCURRENCY


def test_a_job_that_waits_is_canceled_and_never_sent(user: User, busy: User) -> None:
    job = user.order()
    short = user.order({"cancel-after": "1s"}, seed=5)
    assert user.budget()["reserved_usd"] == 0.0308
    answer = user.post(job["urls"]["cancel"])
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert answer.json()["cost"]["charged"] is False
    # Once more is no mistake, and changes nothing.
    assert user.post(job["urls"]["cancel"]).json() == answer.json()
    assert user.budget()["reserved_usd"] == 0.0154
    # What was not begun in the time it was given is canceled by whoever comes to it.
    time.sleep(1)
    busy.release()
    assert user.until(short["id"])["error"]["code"] == "JOB_CANCELED"
    assert busy.paid_requests()
    budget = user.budget()
    assert (budget["reserved_usd"], budget["spent_usd"], budget["remaining_usd"]) == (0, 0, 5)
    assert user.paid_requests() == []
    assert [(each["status"], each["actual_micro_usd"]) for each in user.receipts()] == [("canceled", 0)] * 2


def test_what_the_provider_works_on_is_too_late_to_cancel(user: User) -> None:
    user.scenario("slow_headers", seconds=6)
    job = user.order()
    eventually(user.paid_requests, bool)
    answer = user.post(job["urls"]["cancel"])
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert (answer.json()["status"], answer.json()["job_status"]) == (409, "running")
    assert user.request("DELETE", job["urls"]["get"]).status_code == 409
    assert user.until(job["id"])["status"] == "succeeded"
    assert user.post(job["urls"]["cancel"]).json()["code"] == "CONFLICT"
    assert user.charges() == [PRICE]


def test_a_race_ends_one_way_or_the_other(people: People) -> None:
    """Canceled and nothing paid, or too late and paid once: never both."""
    users = [people.new("race") for _ in range(6)]

    def ask(user: User) -> tuple[str, int]:
        job = user.order()
        answer = user.post(job["urls"]["cancel"])
        done = user.until(job["id"])
        assert (answer.status_code == 200) == (done["status"] == "canceled")
        return done["status"], sum(user.charges())

    with ThreadPoolExecutor(3) as threads:
        ends = set(threads.map(ask, users))
    assert ends <= {("canceled", 0), ("succeeded", PRICE)}


def test_a_removed_job_is_gone_with_its_pictures_but_not_its_receipt(user: User, people: People) -> None:
    job = user.until(user.order()["id"], "succeeded")
    images = people.jobs.find(user.name, job["id"])
    assert images is not None
    keys = [image.key for image in images.images]
    assert user.request("DELETE", job["urls"]["get"]).status_code == 200
    assert user.get(job["urls"]["get"]).status_code == 404
    assert user.request("DELETE", job["urls"]["get"]).status_code == 404
    assert user.post(job["urls"]["cancel"]).status_code == 404
    outputs = user.stack.template.scope.ref("OutputsBucket")
    listed = user.stack.aws.s3.list_objects_v2(Bucket=outputs, Prefix=f"outputs/{user.name}/")
    assert keys
    assert listed.get("KeyCount") == 0
    assert [receipt["job_id"] for receipt in user.receipts()] == [job["id"]]
    assert user.budget()["spent_usd"] == 0.014
