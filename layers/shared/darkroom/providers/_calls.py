"""One call of a provider: sent, watched, tried again while that is free, and given back as it came.

What a caller has to know in order not to pay twice, it is told in this order, for each attempt: that the request is
about to be sent; the generation's id, when the headers are there; each event of an answer that is streamed; the bytes,
before anybody tries to understand them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as hidden
from itertools import count
from typing import Any, TypeVar

from msgspec import Struct, field

from darkroom.errors import DarkroomError, InvalidApiKey, RateLimited, ServiceUnavailable, UnsupportedModel
from darkroom.models.deadline import Deadline
from darkroom.models.generation import Call, Dispatch, RawAnswer
from darkroom.ports import PaidCall, UrlFetcher, Watch
from darkroom.providers import _errors, _wire
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer, BrokenOff, HttpClient, OnHeaders, media_type
from darkroom.providers._retry import Retries

T = TypeVar("T")

JSON = "application/json"
_KEY = re.compile(r"[!-~]{1,512}")
# What one model cannot do and another may. For want of credit, or of a connection, no other will do either.
_ANOTHER_MAY_DO = (RateLimited, ServiceUnavailable, UnsupportedModel)

Refused = Callable[[Answer, Asked], DarkroomError]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True)
class Content:
    """A request's body that is no JSON, such as a form."""

    data: bytes = hidden(repr=False)
    media_type: str


def form(fields: Mapping[str, Any], files: Sequence[tuple[str, tuple[str, bytes, str]]]) -> Content:
    """A form with files in it, as OpenAI's and remove.bg's doors take pictures.

    Args:
        files: for each the name of its part, and a file name, the bytes and the media type.
    """
    from httpx import Request

    made = Request("POST", "http://form", data=fields, files=files)
    return Content(made.read(), made.headers["Content-Type"])


class Calls(Struct, frozen=True):
    """How a provider is called.

    Args:
        base_url: without a slash at its end.
        headers: sent with everything.
        refused: the error that an answer other than a 200 stands for.
        authorise: the headers that carry a key.
        kept: what of an answer is handed to `on_answer`, where that is more than its body.
        fetcher: gets the pictures that an answer names by address.
    """

    provider: str
    title: str
    base_url: str
    headers: Mapping[str, str]
    refused: Refused
    http: HttpClient = field(default_factory=HttpClient)
    retries: Retries = field(default_factory=Retries)
    authorise: Callable[[str], Mapping[str, str]] = bearer
    kept: Callable[[Answer, Asked], RawAnswer] | None = None
    fetcher: UrlFetcher | None = None

    def paid(
        self,
        path: str,
        body: Mapping[str, Any] | Content,
        read: Callable[[Answer, Asked], T],
        call: PaidCall,
        *,
        headers: Mapping[str, str] | None = None,
        model: str | None = None,
        keeps_order: bool = False,
    ) -> tuple[T, Answer, Asked]:
        """Posts what may cost money, and reads the answer to it.

        Args:
            model: what the caller calls it, where that is not what stands in the body.
            keeps_order: of the body's fields, in place of the one order that a cache goes by.

        Raises:
            DarkroomError: the last attempt's. Only attempts that are proven to be unbilled were followed by another.
        """
        given: Mapping[str, Any] = {} if isinstance(body, Content) else body
        name, watch = model or str(given["model"]), call.watch
        streamed = given.get("stream") is True
        asked = Asked(self.provider, self.title, paid=True, secrets=(call.key,), model=name, fetcher=self.fetcher)
        content = body if isinstance(body, Content) else Content(_wire.to_json(body, sort_keys=not keeps_order), JSON)
        sent_headers = {**self.headers, **self._headers(call.key, asked, content.media_type), **(headers or {})}

        def attempt() -> tuple[T, Answer, Asked]:
            if call.deadline.is_over:
                raise _errors.out_of_time(replace(asked, attempt=call.attempts))
            call.attempts += 1
            now = replace(asked, attempt=call.attempts)
            watch.on_dispatched(Dispatch(model=name, attempt=call.attempts, streamed=streamed))
            events = _Events(watch)
            try:
                answer = self._send(
                    "POST", path, sent_headers, content.data, now, call.deadline, _tell_id(watch), events.take
                )
                now = now.answered(answer.status, answer.headers)
                if answer.status != 200:
                    raise self.refused(answer, now)
                watch.on_answer((self.kept or _raw)(answer, now))
                return read(answer, now), answer, now
            except DarkroomError as error:
                error.is_passed_on = events.are_passed_on
                raise

        return self.retries.run(attempt, deadline=call.deadline, may_repeat=_is_retryable)

    def free(
        self,
        method: str,
        path: str,
        read: Callable[[Answer, Asked], T],
        *,
        deadline: Deadline,
        key: str = "",
        body: Mapping[str, Any] | None = None,
        secrets: tuple[str, ...] = (),
        repeatable: bool = True,
        refused: Refused | None = None,
    ) -> T:
        """Asks what costs nothing.

        Args:
            secrets: what no error may repeat, beside the key.
            repeatable: whether it may be asked again although it may have arrived.
            refused: in place of the provider's own.
        """
        content = None if body is None else _wire.to_json(body)
        first = Asked(self.provider, self.title, paid=False, secrets=(key, *secrets))
        headers = {**self.headers, **self._headers(key, first)}
        attempts = count(1)

        def attempt() -> T:
            asked = replace(first, attempt=next(attempts))
            answer = self._send(method, path, headers, content, asked, deadline)
            asked = asked.answered(answer.status, answer.headers)
            if answer.status != 200:
                raise (refused or self.refused)(answer, asked)
            if answer.broken:
                raise _errors.broken(answer.broken, asked)
            return read(answer, asked)

        return self.retries.run(attempt, deadline=deadline, may_repeat=_is_retryable if repeatable else _never_left)

    def again(self, answer: RawAnswer, model: str) -> tuple[Answer, Asked]:
        """An answer as it was when it came, as far as it was kept."""
        from darkroom.net.http1 import Headers

        headers = Headers({"content-type": answer.media_type})
        if answer.generation_id:
            headers["x-generation-id"] = answer.generation_id
        broken = None if answer.complete else BrokenOff("it was cut off", sent=True)
        asked = Asked(self.provider, self.title, paid=True, model=answer.model or model, fetcher=self.fetcher)
        return Answer(200, headers, answer.body, broken), asked.answered(200, headers)

    def _headers(self, key: str, asked: Asked, media_type: str = JSON) -> dict[str, str]:
        if key and not _KEY.fullmatch(key):
            # Said here: an error about a header that cannot be sent would show it.
            raise InvalidApiKey(
                f"The API key cannot be one of {asked.title}'s.",
                fix="Look for blanks and line ends in it, and store it again.",
                upstream=asked.upstream(),
            )
        return {
            "Accept": "application/json, text/event-stream",
            "Content-Type": media_type,
            **(self.authorise(key) if key else {}),
        }

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
        asked: Asked,
        deadline: Deadline,
        on_headers: OnHeaders | None = None,
        on_event: Callable[[str], None] | None = None,
    ) -> Answer:
        try:
            return self.http.send(
                method,
                f"{self.base_url}{path}",
                headers=headers,
                deadline=deadline,
                content=content,
                on_headers=on_headers,
                on_event=on_event,
            )
        except BrokenOff as error:
            raise _errors.broken(error, asked) from error


def in_turn(models: Iterable[str], call: PaidCall, ask: Callable[[str], T]) -> T:
    """What the first of the models gives that can. Another is asked only while nothing has been billed."""
    left = list(models)
    while True:
        try:
            return ask(left.pop(0))
        except _ANOTHER_MAY_DO as error:
            if not left or not may_follow(error) or call.deadline.is_over:
                raise


def answered_by(asked: Asked, requested: str, used: str | None) -> Call:
    """How an answer of the one provider that was asked came about."""
    return Call(
        provider=asked.provider,
        model_requested=requested,
        model_used=used or requested,
        request_id=asked.request_id,
        attempts=asked.attempt,
        is_simulated=asked.is_simulated,
    )


class _Events:
    """Of one attempt."""

    def __init__(self, watch: Watch) -> None:
        self.are_passed_on = False
        self._watch = watch

    def take(self, data: str) -> None:
        self.are_passed_on = self._watch.on_event(data) or self.are_passed_on


def may_follow(error: DarkroomError) -> bool:
    """Whether another attempt is allowed: the one that failed was free of charge, and no reader has seen any of it."""
    return error.charged is False and not error.is_passed_on


def _is_retryable(error: DarkroomError) -> bool:
    return error.retryable and may_follow(error)


def _never_left(error: DarkroomError) -> bool:
    return isinstance(error.__cause__, BrokenOff) and not error.__cause__.sent


def _tell_id(watch: Watch) -> OnHeaders:
    """Tells the id of whatever may have been begun; a refusal has an id, too, which nobody will ever ask for."""

    def on_headers(status: int, headers: Mapping[str, str]) -> None:
        generation_id = _wire.identifier(headers.get("x-generation-id"))
        if generation_id and (status < 300 or status >= 500 or status in (408, 499)):
            watch.on_generation_id(generation_id)

    return on_headers


def _raw(answer: Answer, asked: Asked) -> RawAnswer:
    return RawAnswer(
        body=answer.body,
        media_type=media_type(answer.headers),
        generation_id=asked.generation_id,
        complete=answer.broken is None,
    )
