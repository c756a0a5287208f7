import base64
import hashlib
import json
from typing import Any

import pytest
from PIL import Image

from darkroom.application import Application
from darkroom.http.routes.jobs import routes
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.services.accounts.tokens import Tokens
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.fakes.memory import MemoryJobStore
from tests.openapi import handled
from tests.paid_jobs import DIME, DOLLAR, LEASE, day, paid_job, succeeded
from tests.photos import load, save


@pytest.fixture
def services(studio: Studio) -> Application:
    return studio.app


@pytest.fixture
def job_store(studio: Studio) -> MemoryJobStore:
    return studio.jobs


@pytest.fixture
def tokens(studio: Studio) -> Tokens:
    return studio.app.tokens


class Caller:
    def __init__(self, services: Application) -> None:
        self._api = routes(services)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = handled(self._api.handle, http_event(*args, **kwargs), Context())
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def call(services: Application) -> Caller:
    return Caller(services)


def _add(store: MemoryJobStore, clock: SteppingClock, number: int, **changes: Any) -> Job:
    job = Job(id=f"job_{number:02}", user="alice", op="background-removal", created_at=clock.now)
    job = job.model_copy(update={"status": JobStatus.SUCCEEDED, **changes})
    store.add(job)
    return job


def test_jobs_are_listed_page_by_page(
    call: Caller, token: str, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    for number in range(5):
        _add(job_store, clock, number)
    _add(job_store, clock, 9, user="bob")
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        status, page = call("GET", "/v1/jobs", token=token, query=query)
        assert status == 200
        seen += [job["id"] for job in page["data"]]
        cursor = page["next_cursor"]
    assert seen == ["job_04", "job_03", "job_02", "job_01", "job_00"]
    assert cursor is None


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "x" * 65}])
def test_a_page_that_cannot_be_is_refused(call: Caller, token: str, query: dict[str, str]) -> None:
    status, problem = call("GET", "/v1/jobs", token=token, query=query)
    assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", next(iter(query)))


def test_a_job_is_shown_and_removed_by_its_owner_alone(
    call: Caller, token: str, tokens: Tokens, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    job = _add(job_store, clock, 1)
    bob = tokens.create(user="bob")[1]
    for method in ("GET", "DELETE"):
        status, problem = call(method, f"/v1/jobs/{job.id}", token=bob)
        assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert call("GET", f"/v1/jobs/{job.id}", token=token)[1]["status"] == "succeeded"
    assert call("DELETE", f"/v1/jobs/{job.id}", token=token)[0] == 200
    assert call("GET", f"/v1/jobs/{job.id}", token=token)[0] == 404


def test_a_job_at_work_is_not_removed(
    call: Caller, token: str, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    _add(job_store, clock, 1, status=JobStatus.RUNNING)
    assert call("DELETE", "/v1/jobs/job_01", token=token)[1]["code"] == "CONFLICT"


def test_an_upload_form_is_handed_out(call: Caller, token: str) -> None:
    status, upload = call("POST", "/v1/uploads", token=token, body={"media_type": "image/jpeg"})
    assert status == 201
    assert upload["fields"]["key"] == f"uploads/alice/{upload['upload_id']}"


@pytest.mark.parametrize("body", [{}, {"media_type": "text/html"}, {"media_type": "image/png", "key": "inbox/x"}])
def test_an_upload_of_another_kind_is_refused(call: Caller, token: str, body: dict[str, str]) -> None:
    assert call("POST", "/v1/uploads", token=token, body=body)[1]["code"] == "INVALID_PARAMETER"


class TestCancel:
    """`POST /v1/jobs/{job_id}/cancel`, of jobs that have a dime set aside from the day's dollar."""

    @pytest.fixture
    def job(self, studio: Studio) -> Job:
        found = studio.ledger.admit(paid_job("alice", studio.clock(), day(DOLLAR, studio.clock()))).admitted
        assert found is not None
        return found

    def test_what_was_not_sent_is_canceled_and_its_money_free_again(
        self, call: Caller, token: str, job: Job, studio: Studio
    ) -> None:
        assert studio.budget("alice", "day").reserved == DIME
        status, shown = call("POST", f"/v1/jobs/{job.id}/cancel", token=token)
        assert (status, shown["status"], shown["error"]["code"]) == (200, "canceled", "JOB_CANCELED")
        assert shown["cost"] | {"settled": True, "charged": False, "actual_usd": 0} == shown["cost"]
        assert studio.budget("alice", "day").remaining == DOLLAR

    def test_canceling_twice_is_canceling_once(self, call: Caller, token: str, job: Job, studio: Studio) -> None:
        first = call("POST", f"/v1/jobs/{job.id}/cancel", token=token)
        assert call("POST", f"/v1/jobs/{job.id}/cancel", token=token) == first
        assert studio.budget("alice", "day").remaining == DOLLAR

    def test_it_is_possible_until_the_very_dispatch(self, call: Caller, token: str, job: Job, studio: Studio) -> None:
        now = studio.clock()
        running = studio.jobs.start(job, now=now, lease_expires_at=now + LEASE)
        assert running is not None
        assert call("POST", f"/v1/jobs/{job.id}/cancel", token=token)[0] == 200
        assert not studio.jobs.dispatch(running, at=now, lease_expires_at=now + LEASE)

    def test_after_it_nothing_changes(self, call: Caller, token: str, job: Job, studio: Studio) -> None:
        now = studio.clock()
        running = studio.jobs.start(job, now=now, lease_expires_at=now + LEASE)
        assert running is not None
        assert studio.jobs.dispatch(running, at=now, lease_expires_at=now + LEASE)
        status, problem = call("POST", f"/v1/jobs/{job.id}/cancel", token=token)
        assert (status, problem["code"], problem["status"], problem["charged"]) == (409, "CONFLICT", 409, False)
        assert studio.job("alice", job.id).status is JobStatus.RUNNING
        assert studio.budget("alice", "day").reserved == DIME

    def test_what_is_over_stays_as_it_ended(self, call: Caller, token: str, job: Job, studio: Studio) -> None:
        now = studio.clock()
        running = studio.jobs.start(job, now=now, lease_expires_at=now + LEASE)
        assert running is not None
        assert studio.ledger.close(succeeded(running, now), actual=DIME)
        status, problem = call("POST", f"/v1/jobs/{job.id}/cancel", token=token)
        assert (status, problem["code"]) == (409, "CONFLICT")
        assert studio.job("alice", job.id).status is JobStatus.SUCCEEDED

    def test_a_job_that_costs_nothing_cannot_be_canceled(
        self, call: Caller, token: str, studio: Studio, clock: SteppingClock
    ) -> None:
        _add(studio.jobs, clock, 1, status=JobStatus.QUEUED)
        assert call("POST", "/v1/jobs/job_01/cancel", token=token)[1]["code"] == "CONFLICT"

    def test_only_its_owner_can(self, call: Caller, job: Job, studio: Studio) -> None:
        status, problem = call("POST", f"/v1/jobs/{job.id}/cancel", token=studio.token("bob"))
        assert (status, problem["code"]) == (404, "NOT_FOUND")
        assert studio.job("alice", job.id) == job


def test_a_job_whose_cost_is_not_known_yet_is_removed_and_its_money_stays_counted(
    call: Caller, token: str, studio: Studio
) -> None:
    now = studio.clock()
    job = studio.ledger.admit(paid_job("alice", now, day(DOLLAR, now))).admitted
    assert job is not None
    running = studio.jobs.start(job, now=now, lease_expires_at=now + LEASE)
    assert running is not None
    assert studio.jobs.record(succeeded(running, now))
    status, answer = call("DELETE", f"/v1/jobs/{job.id}", token=token)
    assert (status, answer) == (200, {"id": job.id, "object": "job", "deleted": True})
    for method in ("GET", "DELETE"):
        assert call(method, f"/v1/jobs/{job.id}", token=token)[0] == 404
    assert call("POST", f"/v1/jobs/{job.id}/cancel", token=token)[0] == 404
    assert call("GET", "/v1/jobs", token=token)[1]["data"] == []
    (account,) = studio.ledger.accounts.values()
    assert account.reserved == job.cost.reserved
    assert studio.ledger.close(succeeded(running, now), actual=DIME)
    assert (account.reserved, account.spent) == (0, DIME)
    # Its receipt stays.
    assert [each.job_id for each in studio.ledger.receipts("alice", limit=5).receipts] == [job.id]


def test_a_list_names_the_field_that_was_meant(call: Caller, token: str) -> None:
    for given, meant in {"staus": "status", "Op": "op", "conversations": "conversation", "limt": "limit"}.items():
        status, problem = call("GET", "/v1/jobs", token=token, query={given: "x"})
        assert (status, problem["code"], problem["param"], problem["charged"]) == (
            400,
            "INVALID_PARAMETER",
            given,
            False,
        )
        assert f"Did you mean `{meant}`?" in problem["fix"]
    assert "Did you mean" not in call("GET", "/v1/jobs", token=token, query={"zzz": "x"})[1]["fix"]
    assert (
        call("GET", "/v1/jobs", token=token, query={"api-version": "2024-02-01", "_": "1", "utm_source": "x"})[0] == 200
    )


@pytest.mark.parametrize(
    ("query", "meant"),
    [({"op": "edits"}, "edit"), ({"op": "turn,generations"}, "generation"), ({"status": "succeded"}, "succeeded")],
)
def test_a_list_names_the_value_that_was_meant(call: Caller, token: str, query: dict[str, str], meant: str) -> None:
    status, problem = call("GET", "/v1/jobs", token=token, query=query)
    assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", next(iter(query)))
    assert f"did you mean '{meant}'?" in problem["detail"]


def test_a_list_has_what_fits_with_the_calls_of_a_turn(
    call: Caller, token: str, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    _add(job_store, clock, 1)
    turn = _add(job_store, clock, 2, op="turn", input={"content": "Add a red fox"})
    part = _add(job_store, clock, 3, id=f"{turn.id}-plan", op="plan", parent_id=turn.id, model_used="acme/planner")
    query = {"op": " Turn,edit", "status": "SUCCEEDED", "model": "planner", "q": "fox RED"}
    status, page = call("GET", "/v1/jobs", token=token, query=query)
    assert (status, [job["id"] for job in page["data"]], page["next_cursor"]) == (200, [turn.id], None)
    (shown,) = page["data"][0]["parts"]
    assert (shown["id"], shown["op"], shown["status"], shown["model_used"]) == (
        part.id,
        "plan",
        "succeeded",
        "acme/planner",
    )
    assert shown["cost"]["charged"] is False
    assert call("GET", "/v1/jobs", token=token, query={"has": "images"})[1]["data"] == []
    assert "parts" not in call("GET", "/v1/jobs", token=token, query={"op": "background-removal"})[1]["data"][0]


@pytest.fixture
def pictured(services: Application, job_store: MemoryJobStore, clock: SteppingClock) -> Job:
    """Alice's, with one picture."""
    data = save(Image.new("RGB", (1_000, 500), "red"), "PNG")
    key = "outputs/alice/job_01/0.png"
    services.ports.images.write_output(key, data, media_type="image/png", metadata={})
    digest = hashlib.sha256(data).hexdigest()
    image = StoredImage(key=key, media_type="image/png", width=1_000, height=500, bytes=len(data), sha256=digest)
    return _add(job_store, clock, 1, images=(image,))


def _picture(services: Application, address: str, token: str, **headers: str) -> dict[str, Any]:
    path, _, query = address.partition("?")
    event = http_event("GET", path, token=token, query=dict(each.split("=") for each in query.split("&") if each))
    event["headers"] |= headers
    return handled(routes(services).handle, event, Context())


def test_every_picture_has_a_thumbnail_that_may_be_kept(
    call: Caller, services: Application, token: str, pictured: Job
) -> None:
    (shown,) = call("GET", f"/v1/jobs/{pictured.id}", token=token)[1]["output"]["images"]
    assert (shown["width"], shown["height"]) == (1_000, 500)
    thumb = shown["thumb"]
    assert (thumb["width"], thumb["height"]) == (512, 256)
    answer = _picture(services, thumb["url"], token)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "image/webp")
    assert load(base64.b64decode(answer["body"])).size == (512, 256)
    assert answer["headers"]["cache-control"] == "private, max-age=31536000, immutable"
    etag = answer["headers"]["etag"]
    again = _picture(services, thumb["url"], token, **{"if-none-match": f'"x", W/{etag}'})
    assert (again["statusCode"], again["body"], again["headers"]["etag"]) == (304, "", etag)


def test_an_address_without_the_pictures_digest_is_asked_for_each_time(
    services: Application, token: str, pictured: Job
) -> None:
    for query in ("size=thumb", "size=THUMB&v=0123456789ab", "size=thumb&v="):
        answer = _picture(services, f"/v1/jobs/{pictured.id}/images/0?{query}", token)
        assert (answer["statusCode"], answer["headers"]["cache-control"]) == (200, "private, no-cache")


def test_a_picture_itself_is_a_fresh_link(services: Application, token: str, pictured: Job) -> None:
    answer = _picture(services, f"/v1/jobs/{pictured.id}/images/0", token)
    assert (answer["statusCode"], answer["headers"]["cache-control"]) == (303, "no-store")
    assert answer["headers"]["location"] == "https://outputs.example/outputs/alice/job_01/0.png"


@pytest.mark.parametrize("index", ["1", "-1", "x", "00000", "²", "99999"])
def test_a_picture_that_there_is_not_is_not_found(services: Application, token: str, pictured: Job, index: str) -> None:
    answer = _picture(services, f"/v1/jobs/{pictured.id}/images/{index}?size=thumb", token)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "NOT_FOUND")


def test_anothers_pictures_are_not_found(
    services: Application, tokens: Tokens, pictured: Job, job_store: MemoryJobStore
) -> None:
    bob = tokens.create(user="bob")[1]
    address = f"/v1/jobs/{pictured.id}/images/0"
    for query in ("", "?size=thumb", f"?size=thumb&v={pictured.images[0].sha256[:12]}"):
        etag = f'"{pictured.images[0].sha256[:32]}-t1"'
        answer = _picture(services, address + query, bob, **{"if-none-match": etag})
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "NOT_FOUND")


def test_a_job_is_a_favorite_in_either_spelling(
    call: Caller, token: str, tokens: Tokens, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    for number in (1, 2):
        _add(job_store, clock, number)
    status, shown = call("PATCH", "/v1/jobs/job_01", token=token, body={"favourite": True, "title": " For  the cover "})
    assert (status, shown["favorite"], shown["title"]) == (200, True, "For the cover")
    for name in ("favorite", "favourite"):
        page = call("GET", "/v1/jobs", token=token, query={name: "true"})[1]["data"]
        assert [job["id"] for job in page] == ["job_01"]
    assert call("PATCH", "/v1/jobs/job_01", token=token, body={"favorite": False})[1]["title"] == "For the cover"
    for body in ({"favorite": "perhaps"}, {"title": "x" * 201}, {"starred": True}, {"status": "failed"}):
        status, problem = call("PATCH", "/v1/jobs/job_01", token=token, body=body)
        assert (status, problem["param"], problem["charged"]) == (400, next(iter(body)), False)
    bob = tokens.create(user="bob")[1]
    assert call("PATCH", "/v1/jobs/job_01", token=bob, body={"title": "His"})[0] == 404
    assert call("GET", "/v1/jobs/job_01", token=token)[1]["title"] == "For the cover"


def test_several_jobs_are_removed_by_their_owner_alone(
    call: Caller, token: str, tokens: Tokens, job_store: MemoryJobStore, clock: SteppingClock
) -> None:
    for number in (1, 2):
        _add(job_store, clock, number)
    _add(job_store, clock, 3, status=JobStatus.RUNNING)
    ids = {"ids": ["job_01", "job_03", "job_09"]}
    _, told = call("POST", "/v1/jobs/remove", token=tokens.create(user="bob")[1], body=ids)
    assert [(each["deleted"], each["error"]["code"]) for each in told["data"]] == [(False, "NOT_FOUND")] * 3
    status, told = call("POST", "/v1/jobs/remove", token=token, body=ids)
    assert status == 200
    assert told["data"][0] == {"id": "job_01", "object": "job", "deleted": True}
    assert [each["error"]["code"] for each in told["data"][1:]] == ["CONFLICT", "NOT_FOUND"]
    assert [each["error"]["charged"] for each in told["data"][1:]] == [False, False]
    assert sorted(job_id for _, job_id in job_store.jobs) == ["job_02", "job_03"]


@pytest.mark.parametrize("body", [{"ids": []}, {"ids": ["job_1"] * 101}, {"ids": "job_1"}, {"ids": [1]}, {}])
def test_a_hundred_are_removed_at_once_at_the_most(call: Caller, token: str, body: dict[str, Any]) -> None:
    status, problem = call("POST", "/v1/jobs/remove", token=token, body=body)
    assert (status, problem["code"], problem["charged"]) == (400, "INVALID_PARAMETER", False)
