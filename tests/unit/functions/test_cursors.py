"""Cursors at every route that lists by pages: one's own goes on, any other is a 400 that says how to begin again."""

import json
from datetime import timedelta
from typing import Any

import pytest

from darkroom.http.routes.account import routes as account_routes
from darkroom.http.routes.conversations import routes as chat_routes
from darkroom.http.routes.jobs import routes as jobs_routes
from darkroom.models.job import JobStatus
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled
from tests.paid_jobs import paid_job

ROUTES = ("/v1/jobs", "/v1/conversations", "/v1/usage/receipts")
COUNT = 5


class Lists:
    """Five jobs, conversations and receipts of each of two users, and the functions that list them."""

    def __init__(self, studio: Studio) -> None:
        functions = (
            jobs_routes(studio.app),
            chat_routes(studio.app),
            account_routes(studio.app),
        )
        self._apis = dict(zip(ROUTES, functions, strict=True))
        self.tokens = {user: studio.token(user) for user in ("alice", "bob")}
        for _ in range(COUNT):
            for user in self.tokens:
                job = studio.ledger.admit(paid_job(user, studio.clock.now)).admitted
                assert job is not None
                assert studio.ledger.close(job.model_copy(update={"status": JobStatus.FAILED}), actual=0)
                studio.app.conversations.create(user)
            studio.clock.step(timedelta(seconds=1))

    def page(self, route: str, *, by: str = "alice", **query: str) -> tuple[int, dict[str, Any]]:
        event = http_event("GET", route, token=self.tokens[by], query={"limit": "2", **query})
        answer = handled(self._apis[route].handle, event, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def cursor(self, route: str, *, by: str = "alice") -> str:
        return str(self.page(route, by=by)[1]["next_cursor"])


@pytest.fixture
def lists(studio: Studio) -> Lists:
    return Lists(studio)


def _is_refused(answer: tuple[int, dict[str, Any]]) -> bool:
    status, problem = answer
    assert (status, problem["code"], problem["param"]) == (400, "INVALID_PARAMETER", "cursor")
    assert problem["charged"] is False
    assert "data" not in problem
    assert "begin again" in problem["fix"]
    return True


@pytest.mark.parametrize("route", ROUTES)
def test_pages_run_from_the_newest_to_the_oldest(lists: Lists, route: str) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        # An empty cursor asks for the first page.
        status, page = lists.page(route, cursor=cursor)
        assert status == 200
        seen += [each.get("job_id") or each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == COUNT


@pytest.mark.parametrize("route", ROUTES)
def test_a_cursor_of_another_user_or_list_is_refused(lists: Lists, route: str) -> None:
    assert _is_refused(lists.page(route, by="bob", cursor=lists.cursor(route)))
    for other in ROUTES:
        assert other == route or _is_refused(lists.page(route, cursor=lists.cursor(other)))


@pytest.mark.parametrize("route", ROUTES)
def test_a_cursor_that_was_changed_is_refused(lists: Lists, route: str) -> None:
    cursor = lists.cursor(route)
    for at in range(0, len(cursor), 7):
        other = "B" if cursor[at] == "A" else "A"
        assert _is_refused(lists.page(route, cursor=cursor[:at] + other + cursor[at + 1 :]))
        assert at == 0 or _is_refused(lists.page(route, cursor=cursor[:at]))
    id_alone = "job_01HZZZZZZZZZZZZZZZZZZZZZZZ"
    for garbage in (cursor + "=", cursor * 50, " " + cursor, id_alone, "null", "é", "\x00", "%"):
        assert _is_refused(lists.page(route, cursor=garbage))
    assert lists.page(route, cursor=cursor)[0] == 200
