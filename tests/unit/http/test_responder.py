"""What a request's headers ask for. How it is answered is tested through the functions."""

from datetime import timedelta

import pytest

from darkroom.errors import InvalidParameter
from darkroom.http.app import Api
from darkroom.http.responder import terms_of
from darkroom.models.admission import Terms
from darkroom.models.door import HTTP_API
from tests.application import Studio
from tests.events import Context, http_event

ROUTE = "/v1/images/generations"


class Asked:
    """Understands the headers as a route does."""

    def __init__(self, studio: Studio) -> None:
        self._api = Api(studio.app.callers, studio.app.rates)
        self._token = studio.token("alice")
        self._seen: list[Terms] = []

        @self._api.app.post(ROUTE)
        def route() -> dict[str, str]:
            self._seen.append(terms_of(self._api))
            return {}

    def __call__(self, **headers: str) -> Terms:
        """Underscores stand for hyphens. Raises what the route was refused with."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        event = http_event("POST", ROUTE, token=self._token, headers=given)
        answer = self._api.handle(event, Context())  # type: ignore[arg-type]
        if answer["statusCode"] != 200:
            raise InvalidParameter(answer["body"])
        return self._seen.pop().model_copy(update={"deadline": None})


@pytest.fixture
def asked(studio: Studio) -> Asked:
    return Asked(studio)


def test_nothing_said_is_waiting_without_a_key(asked: Asked) -> None:
    assert asked() == Terms(route=f"POST {ROUTE}")


@pytest.mark.parametrize(
    ("prefer", "is_async", "wait"),
    [
        ("respond-async", True, None),
        ("Respond-Async", True, None),
        ("respond-async, wait=10", True, 10),
        ("wait=10", False, 10),
        ('wait="10"', False, 10),
        ("handling=lenient, wait=0", False, 0),
        ("wait=2.5", False, 2.5),
        ("wait=26", False, HTTP_API.max_wait),
        ("wait=9999", False, HTTP_API.max_wait),
        ("wait=7, wait=9", False, 7),
        # What is not understood is not obeyed, and no mistake: so RFC 7240 has it.
        ("wait=soon", False, None),
        ("wait=-1", False, None),
        ("wait=99999", False, None),
        ("return=minimal", False, None),
        ("", False, None),
    ],
)
def test_a_preference(asked: Asked, prefer: str, is_async: bool, wait: float | None) -> None:
    terms = asked(prefer=prefer)
    assert (terms.is_async, terms.wait) == (is_async, wait)


@pytest.mark.parametrize(("given", "key"), [("k", "k"), ('"k"', "k"), (" k ", "k"), ('"', '"'), ("a b", "a b")])
def test_a_key_bare_or_quoted(asked: Asked, given: str, key: str) -> None:
    assert asked(idempotency_key=given).idempotency_key == key


@pytest.mark.parametrize("given", ["", '""', "k" * 256, "schlüssel", "a\tb"])
def test_what_cannot_be_a_key(asked: Asked, given: str) -> None:
    with pytest.raises(InvalidParameter, match="Idempotency-Key"):
        asked(idempotency_key=given)


@pytest.mark.parametrize(("given", "is_retry"), [("0", False), ("", False), ("1", True), ("2", True)])
def test_what_the_sdk_says_of_its_retries(asked: Asked, given: str, is_retry: bool) -> None:
    assert asked(x_stainless_retry_count=given).is_retry is is_retry


@pytest.mark.parametrize(
    ("given", "seconds"), [("30s", 30), ("30", 30), ("5m", 300), ("1h", 3600), (" 2 M ", 120), ("0s", 0)]
)
def test_a_time_to_cancel_after(asked: Asked, given: str, seconds: int) -> None:
    assert asked(cancel_after=given).cancel_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("given", ["soon", "-1s", "1d", "1.5s", "", "123456s"])
def test_what_is_no_such_time(asked: Asked, given: str) -> None:
    with pytest.raises(InvalidParameter, match="Cancel-After"):
        asked(cancel_after=given)
