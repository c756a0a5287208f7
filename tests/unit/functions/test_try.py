"""`POST /try`: a picture for a person, who sees pages and may press a button twice."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from darkroom.http.pages import try_page
from darkroom.http.routes.generations import routes
from darkroom.services.accounts.keys import CONNECT_PAGE
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled

ONCE = "A" * 22
OWN = {"origin": "https://127.0.0.1", "sec-fetch-site": "same-origin"}


class Person:
    """Somebody signed in as alice, over the simulator."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.cookie = studio.app.sessions.open("alice", "link")
        self._api = routes(studio.app)

    def press(self, headers: Mapping[str, str] | None = None, /, **form: str) -> dict[str, Any]:
        sent = urlencode({"prompt": "A red fox", "once": ONCE, **form})
        kind = "application/x-www-form-urlencoded"
        event = http_event(
            "POST", "/try", headers=dict(OWN if headers is None else headers), body=sent, content_type=kind
        )
        event["cookies"] = [f"__Host-darkroom-session={self.cookie}"]
        return handled(self._api.handle, event, Context())


@pytest.fixture
def person(studio: Studio) -> Person:
    studio.token("alice")
    studio.job_queue.works = studio.app.worker
    return Person(studio)


def test_the_picture_is_shown_with_what_it_cost(person: Person) -> None:
    page = person.press()
    assert page["statusCode"] == 200, page["body"]
    (job,) = person.studio.of("alice").values()
    assert job.cost.actual
    assert f"${job.cost.actual / 1_000_000:.4f}" in page["body"]
    assert '<img src="' in page["body"]
    assert "img-src " in page["headers"]["content-security-policy"]


def test_the_same_form_twice_is_one_picture_and_one_charge(person: Person) -> None:
    first, second = person.press(), person.press()
    assert (first["statusCode"], second["statusCode"]) == (200, 200)
    assert len(person.studio.of("alice")) == len(person.studio.simulator.state.invoice()) == 1
    person.press(prompt="Another fox")
    assert len(person.studio.of("alice")) == 2


@pytest.mark.parametrize("form", [{"prompt": " "}, {"once": ""}, {"once": "../" * 7 + "a"}, {"prompt": "x" * 40_000}])
def test_a_form_that_is_none_is_a_page_and_costs_nothing(person: Person, form: dict[str, str]) -> None:
    page = person.press(**form)
    assert (page["statusCode"], page["headers"]["content-type"]) == (400, "text/html; charset=utf-8")
    assert "Nothing was charged." in page["body"]
    assert person.studio.simulator.state.invoice() == []


def test_another_sites_form_buys_nothing(person: Person) -> None:
    foreign: list[dict[str, str]] = [{"origin": "https://evil.example"}, {"origin": "null"}, {}]
    for headers in foreign:
        assert person.press(headers)["statusCode"] == 403
    assert person.studio.of("alice") == {}


def test_without_a_session_it_is_a_page_too(person: Person) -> None:
    person.cookie = "C" * 43
    page = person.press()
    assert (page["statusCode"], "/oauth" in page["body"]) == (401, True)


def test_where_no_key_is_connected_the_browser_is_told_where_to_go(person: Person) -> None:
    person.studio.app.keys.disconnect("alice", "openrouter")
    page = person.press()
    assert (page["statusCode"], f"Open {CONNECT_PAGE} in this browser" in page["body"]) == (401, True)


def test_every_form_is_good_for_a_picture_of_its_kind() -> None:
    assert len({try_page.form() for _ in range(10)}) == 10
    assert "&lt;b&gt;" in try_page.form("<b>")
