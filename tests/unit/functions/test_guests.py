"""Guests: who has no account may upload and cut out where the owner allows it, and nothing else; never at a cost."""

import json
import re
from typing import Any

import pytest

from darkroom.http.app import GUESTS
from local.simulator import Simulator
from local.template import DEFAULT
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.events import Context, http_event
from tests.openapi import handled
from tests.photos import photo, save
from tests.template.test_template import TEMPLATE
from tests.unit.functions.signing_in import ORIGIN, SESSION
from tests.unit.functions.test_any_request import FUNCTIONS

OWN = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
PICTURE = save(photo("chelsea").resize((60, 40)), "PNG")
CUTOUTS = "/v1/images/background-removals"
# These know no callers at all, or take a guest for somebody who is not signed in.
PUBLIC = {"GET /healthz", "GET /v1/session", "GET /openapi.json", "GET /docs", "GET /v1/operations", "GET /"}


class Place:
    """Every function over one memory, and browsers that keep one cookie."""

    def __init__(self, simulator: Simulator, **environ: str) -> None:
        self.studio = Studio(simulator, SteppingClock(), operator="sk-or-stack", environ=environ)
        self._apis = {name: routes(self.studio.app) for name, routes in FUNCTIONS.items()}
        self._functions = {route.key: route.function for route in TEMPLATE.routes}

    def ask(
        self, route: str, session: str = "", *, path: str = "", headers: dict[str, str] | None = None, **parts: Any
    ) -> dict[str, Any]:
        method, template = route.split(" ")
        event = http_event(method, path or template, headers=OWN if headers is None else headers, **parts)
        event["routeKey"] = event["requestContext"]["routeKey"] = route
        event["cookies"] = [f"{SESSION}={session}"] if session else []
        names = [each[1:-1] for each in template.split("/") if each.startswith("{")]
        values = [
            mine
            for mine, its in zip((path or template).split("/"), template.split("/"), strict=False)
            if its[:1] == "{"
        ]
        event["pathParameters"] = dict(zip(names, values, strict=False))
        answer: dict[str, Any] = handled(self._apis[self._functions[route]].handle, event, Context())
        return answer

    def enter(self) -> str:
        """The secret of a new guest's session."""
        answer = self.ask("POST /oauth/guest")
        assert answer["statusCode"] == 200, answer
        (cookie,) = answer["cookies"]
        assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Lax", "Max-Age=86400"))
        return str(cookie.partition("=")[2].partition(";")[0])


@pytest.fixture
def place(studio_simulator: Simulator) -> Place:
    studio_simulator.reset()
    return Place(studio_simulator, DARKROOM_GUESTS="true")


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def test_a_guest_cuts_out_for_nothing_and_is_told_to_be_one(place: Place) -> None:
    assert _said(place.ask("GET /v1/session")) | {"guests": True, "guest": False} == _said(place.ask("GET /v1/session"))
    guest = place.enter()
    session = _said(place.ask("GET /v1/session", guest))
    assert (session["signed_in"], session["guest"], session["user"]) == (False, True, None)
    answer = place.ask(f"POST {CUTOUTS}", guest, body=PICTURE, content_type="image/png")
    made = _said(answer)
    assert (answer["statusCode"], made["cost_usd"], made["job"]["cost"]["charged"]) == (200, 0, False)
    found = place.ask("GET /v1/jobs/{job_id}", guest, path=f"/v1/jobs/{made['job']['id']}")
    assert _said(found)["status"] == "succeeded"
    assert "ratelimit" in found["headers"]
    assert '"guest"' in found["headers"]["ratelimit"]
    # Entering twice is one guest; a guest who signs in is not one any more.
    assert not place.ask("POST /oauth/guest", guest).get("cookies")


def test_every_other_route_refuses_a_guest(place: Place) -> None:
    guest = place.enter()
    refused = set[str]()
    for route in sorted(route.key for route in TEMPLATE.routes):
        if route == DEFAULT or route in GUESTS | PUBLIC or route.split()[1].startswith(("/oauth", "/studio/")):
            continue
        path = re.sub(r"[{}+]", "", route.split()[1])
        answer = place.ask(route, guest, path=path)
        assert answer["statusCode"] == 403, (route, answer)
        assert "A guest may upload" in answer["body"], (route, answer)
        refused.add(route)
    assert len(refused) > 50
    assert {
        "POST /v1/images/generations",
        "POST /v1/tokens",
        "PATCH /v1/settings",
        "PUT /v1/keys/{provider}",
    } <= refused
    for route in ("POST /oauth/tokens", "POST /oauth/disconnect", "POST /oauth/unlink"):
        assert "A guest may" in place.ask(route, guest)["body"], route
    assert place.studio.paid_requests() == []


@pytest.mark.parametrize(
    "asked",
    [
        {"cloud": True, "image_b64": "eA=="},
        {"image_url": "https://x.example/a.png"},
        {"image_b64": "eA==", "background_url": "https://x.example/a.png"},
        {"image_b64": "eA==", "keep": "https://x.example/a.png"},
        {"image_b64": "eA==", "erase": {"image_url": "https://x.example/a.png"}},
    ],
)
def test_nothing_is_bought_or_fetched_for_a_guest(place: Place, asked: dict[str, Any]) -> None:
    answer = place.ask(f"POST {CUTOUTS}", place.enter(), body=asked)
    said = _said(answer)
    assert (answer["statusCode"], said["code"], said["charged"]) == (403, "GUEST_REFUSED", False)
    assert place.studio.paid_requests() == []


def test_a_guest_sees_nothing_of_anybody_else(place: Place) -> None:
    first, second = place.enter(), place.enter()
    made = _said(place.ask(f"POST {CUTOUTS}", first, body=PICTURE, content_type="image/png"))
    upload = _said(place.ask("POST /v1/uploads", first, body={"media_type": "image/png"}))["upload_id"]
    job = f"/v1/jobs/{made['job']['id']}"
    assert place.ask("GET /v1/jobs/{job_id}", second, path=job)["statusCode"] == 404
    answer = place.ask("GET /v1/jobs/{job_id}/images/{index}", second, path=f"{job}/images/0")
    assert answer["statusCode"] == 404
    refined = "POST /v1/jobs/{job_id}/refine"
    assert place.ask(refined, second, path=f"{job}/refine", body={"holes": "fill"})["statusCode"] == 404
    assert place.ask(refined, first, path=f"{job}/refine", body={"holes": "fill"})["statusCode"] == 200
    fetched = place.ask(refined, first, path=f"{job}/refine", body={"keep": "https://x.example/a.png"})
    assert (fetched["statusCode"], _said(fetched)["code"]) == (403, "GUEST_REFUSED")
    for body in ({"upload_id": upload}, {"job_id": made["job"]["id"]}):
        assert place.ask(f"POST {CUTOUTS}", second, body=body)["statusCode"] == 404, body


def test_all_guests_at_an_address_share_a_limit(place: Place) -> None:
    statuses = [
        place.ask("GET /v1/jobs/{job_id}", place.enter(), path="/v1/jobs/job_x")["statusCode"] for _ in range(125)
    ]
    assert statuses == [404] * 120 + [429] * 5


def test_a_guest_is_made_on_this_site_alone_and_by_the_owners_leave(place: Place, studio_simulator: Simulator) -> None:
    foreign = place.ask("POST /oauth/guest", headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"})
    assert (foreign["statusCode"], _said(foreign)["code"]) == (403, "FOREIGN_ORIGIN")
    signed_in = place.studio.app.sessions.open("alice", "link")
    assert place.ask("POST /oauth/guest", signed_in)["statusCode"] == 409
    closed = Place(studio_simulator)
    answer = closed.ask("POST /oauth/guest")
    assert (answer["statusCode"], _said(answer)["code"]) == (403, "GUEST_REFUSED")
    assert _said(closed.ask("GET /v1/session"))["guests"] is False


def test_a_guest_who_connects_gets_an_account_of_their_own(place: Place) -> None:
    """The way to OpenRouter does not end in the guest's name, which would be another's tomorrow."""
    guest = place.enter()
    place.ask("GET /oauth/start", guest)
    attempts = list(place.studio.sessions.attempts.values())
    assert [each.user for each in attempts] == [""]
