"""What the page says and keeps when something is in the way; each error says whether it cost money."""

import re
import threading
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.studio.conftest import Visit

PROMPT = "A quiet harbor before sunrise"


def _written(page: Page) -> None:
    page.get_by_label("What should it show?").fill(PROMPT)


def test_the_shell_is_there_before_the_api_answers(visit: Visit) -> None:
    ada = visit()
    ada.site.held["GET /v1/.*"] = gate = threading.Event()
    page = ada.go("#/create")
    # While every answer of the API is held back: the views, the field for words, and no spinner over all.
    expect(page.get_by_role("navigation", name="Views").get_by_role("link", name="Gallery")).to_be_visible()
    _written(page)
    expect(page.get_by_role("button", name="Make it")).to_be_disabled()
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint').length")
    assert painted == 1
    gate.set()
    expect(page.get_by_role("button", name="Make it")).to_be_enabled()
    expect(page.get_by_label("What should it show?")).to_have_value(PROMPT)


def test_offline_is_said_and_a_lost_answer_is_asked_for_with_the_same_key(visit: Visit) -> None:
    ada = visit()
    page = ada.go("#/create")
    _written(page)
    expect(page.get_by_role("button", name="Make it")).to_be_enabled()
    lost: list[Any] = []

    def lose(route: Route) -> None:
        """The request arrives, and its answer does not."""
        if not lost:
            lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/images/generations", lose)
    page.get_by_role("button", name="Make it").click()
    ada.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    ada.context.set_offline(False)
    expect(page.locator(".batch .cost")).to_have_text("$0.014")
    assert ada.site.studio.charged(ada.user) == [14_000]
    ada.complaints.clear()


def test_an_expired_session_loses_nothing_that_was_written(visit: Visit) -> None:
    ada = visit()
    page = ada.go("#/create")
    _written(page)
    expect(page.get_by_role("button", name="Make it")).to_be_enabled()
    ada.context.clear_cookies()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("You were signed out.")).to_be_visible()
    expect(page.locator(".batch [role=alert]")).to_contain_text("Nothing was charged.")
    page.get_by_role("link", name="Sign in again").click()
    ada.context.add_cookies([ada.site.session(ada.user)])  # type: ignore[list-item]
    page = ada.go("#/create")
    expect(page.get_by_label("What should it show?")).to_have_value(PROMPT)
    assert ada.site.studio.charged(ada.user) == []
    ada.complaints.clear()


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_cost_per_day": 0.01}, "More than is left today."),
        ({"max_cost_per_request": 0.01}, "One request may cost $0.01 at most."),
    ],
    ids=["day", "request"],
)
def test_a_limit_that_forbids_is_said_before_anything_is_sent(
    visit: Visit, limits: dict[str, float], words: str
) -> None:
    ada = visit()
    page = ada.go("#/spend")
    page.evaluate(
        "limits => fetch('/v1/settings', {method: 'PATCH', headers: {'content-type': 'application/json'},"
        " body: JSON.stringify(limits)})",
        limits,
    )
    page = ada.go("#/create")
    _written(page)
    expect(page.locator(".pay-words")).to_contain_text(words)
    expect(page.get_by_role("button", name="Make it")).to_be_disabled()


def test_too_many_requests_are_said_with_the_time_to_wait(visit: Visit) -> None:
    ada = visit()
    page = ada.go("#/gallery")
    expect(page.get_by_text("Everything you make is kept here")).to_be_visible()
    problem = '{"status": 429, "code": "TOO_MANY_REQUESTS", "title": "Too many requests", "detail": "Too many.", '
    page.route(
        "**/v1/jobs?*", lambda route: route.fulfill(status=429, body=problem + '"retry_after": 7, "charged": false}')
    )
    page.get_by_role("button", name="Made").click()
    expect(page.get_by_text("Try again in 7 s")).to_be_visible()
    page.unroute("**/v1/jobs?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(re.compile("Nothing here"))).to_be_visible()
    ada.complaints.clear()
