"""The HTTP edge: who may call, what came in, how errors and pictures go out. Knows API Gateway and Lambda."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from darkroom.browser import SESSION, Visit
from darkroom.errors import (
    DarkroomError,
    InternalError,
    InvalidParameter,
    NotFound,
    TokenRestricted,
)
from darkroom.models.caller import Caller
from darkroom.observability import logger
from darkroom.request_body import Request, body_of, json_object
from darkroom.route_table import DEFAULT, unmatched
from darkroom.services.accounts.callers import Callers

Event = dict[str, Any]
Model = TypeVar("Model")

# What every answer carries: nobody may cache it, guess another type, or learn from where it was asked.
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}


class Api:
    """Routes that answer nobody without a valid API token or session.

    Every event is authenticated before it is routed, so a route cannot forget to ask. Routes read the caller with
    `api.user` and raise DarkroomError; whatever else they raise is logged and answered as INTERNAL_ERROR.

    Args:
        public: route keys (`GET /oauth`) that serve everybody; they are named here and nowhere else.
    """

    def __init__(self, callers: Callers, *, public: frozenset[str] = frozenset()) -> None:
        self._callers = callers
        self._public = public
        self.app = APIGatewayHttpResolver(enable_validation=True)
        self.app.not_found(_no_such_route)
        self.app.exception_handler(RequestValidationError)(_refuse_invalid)
        self.get, self.post, self.put, self.delete = self.app.get, self.app.post, self.app.put, self.app.delete
        self.patch = self.app.patch

    @property
    def caller(self) -> Caller:
        found: Caller = self.app.context["caller"]
        return found

    @property
    def user(self) -> str:
        return self.caller.user

    def require_unrestricted(self) -> None:
        """For routes that decide what anybody may do. Raises TokenRestricted."""
        if self.caller.is_restricted:
            raise TokenRestricted(
                "This API token has limits of its own, so it cannot change keys, tokens, limits or secrets.",
                fix="Use a token without limits, or sign in.",
            )

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the request, by their names in lower case."""
        return {name.lower(): value for name, value in self.app.current_event.headers.items()}

    @property
    def route(self) -> str:
        """`POST /v1/images/edits`"""
        return str(self.app.current_event.raw_event["routeKey"])

    @property
    def seconds_left(self) -> float:
        """Until Lambda stops this invocation."""
        return float(self.app.lambda_context.get_remaining_time_in_millis()) / 1000

    @property
    def known_user(self) -> str | None:
        """The caller of a public route, if there is a valid sign of who it is."""
        return self._callers.known(**self._signs())

    @property
    def visit(self) -> Visit:
        return Visit.of(self.app.current_event.raw_event, self._callers.public_url)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.app.current_event.query_string_parameters or {})

    def query_of(self, known: Collection[str] | Callable[[str], bool]) -> dict[str, Any]:
        """Of the query what is known; whatever else stands there is ignored, as by `Request.fields`."""
        return Request("", query=self.query).fields(known)

    @property
    def raw_query(self) -> str:
        return str(self.app.current_event.raw_event.get("rawQueryString", ""))

    @property
    def body(self) -> bytes:
        return body_of(self.app.current_event)

    @property
    def json_object(self) -> dict[str, Any]:
        """The body alone, where it can be nothing but JSON. Raises InvalidParameter, UnsupportedMediaType."""
        return json_object(self.app.current_event)

    @property
    def request(self) -> Request:
        return Request.of(self.app.current_event)

    def handle(self, event: Event, context: LambdaContext) -> dict[str, Any]:
        request_id = str(event.get("requestContext", {}).get("requestId", ""))
        try:
            if event["routeKey"] == DEFAULT:
                # Asks nobody who calls, and nothing of AWS.
                raise unmatched(event)
            self._authenticate(event)
            answer = self.app.resolve(event, context)
        except DarkroomError as error:
            if error.status >= 500 and not error.joins:
                logger.exception(error.detail, code=error.code)
            answer = _problem(error, request_id)
        except Exception:  # noqa: BLE001 - the edge: whatever it is, the caller gets an answer that leaks nothing
            logger.exception("A route raised", route=event.get("routeKey"))
            fault = InternalError("Something went wrong here, not with your request.", fix="Try again; the log has it.")
            answer = _problem(fault, request_id)
        answer["headers"] = {**_HEADERS, "x-request-id": request_id, **answer.get("headers", {})}
        return answer

    def _authenticate(self, event: Event) -> None:
        if event["routeKey"] in self._public:
            return
        visit = Visit.of(event, self._callers.public_url)
        token = _token_of(APIGatewayProxyEventV2(event).headers)
        caller = self._callers.identify(token=token, session=visit.cookie(SESSION))
        if not token:
            visit.require_own_origin()
        self.app.append_context(caller=caller)  # type: ignore[no-untyped-call]  # Powertools left it untyped

    def _signs(self) -> dict[str, str | None]:
        headers = self.app.current_event.headers
        return {"token": _token_of(headers), "session": self.visit.cookie(SESSION)}


def _problem(error: DarkroomError, request_id: str) -> dict[str, Any]:
    headers = {"content-type": "application/problem+json", **retry_header(retryable=error.retryable)}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    job = error.context.get("job")
    if isinstance(job, dict) and "urls" in job:
        headers["location"] = job["urls"]["get"]
    if "allowed" in error.context:
        headers["allow"] = ", ".join(error.context["allowed"])
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = json.dumps(error.problem(instance=f"urn:darkroom:request:{request_id}" if request_id else None))
    return {"statusCode": error.status, "headers": headers, "body": body, "isBase64Encoded": False}


def retry_header(*, retryable: bool) -> dict[str, str]:
    """What the openai SDK obeys before its own rules, which would send again what may have been paid for."""
    return {"x-should-retry": "true" if retryable else "false"}


def _token_of(headers: Mapping[str, str]) -> str | None:
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return (bearer.strip() if scheme.lower() == "bearer" else "") or headers.get("x-api-key", "").strip() or None


def _no_such_route(_: NotFoundError) -> Response[Any]:
    raise NotFound("There is no such route.", fix="docs/api.md lists them.")


def _refuse_invalid(error: RequestValidationError) -> Response[Any]:
    raise invalid_parameter(error.errors())


def invalid_parameter(faults: Any) -> InvalidParameter:
    """One error for pydantic's list of faults, which names the first field at fault and lists them all.

    Args:
        faults: as from `ValidationError.errors()`.
    """
    named = [(".".join(str(part) for part in fault["loc"] if part not in ("body", "query")), fault) for fault in faults]
    param, first = named[0]
    return InvalidParameter(
        f"`{param}`: {_sentence(first)}" if param else _sentence(first),
        fix="Correct the named field; docs/api.md says what each one takes.",
        param=param or None,
        context={"faults": [{"param": name or None, "message": _sentence(fault)} for name, fault in named]},
    )


_WORDS = {
    "tuple_type": "A list is expected.",
    "list_type": "A list is expected.",
    "dict_type": "An object is expected.",
    "model_type": "An object is expected.",
    "model_attributes_type": "An object is expected.",
    "extra_forbidden": "There is no such field.",
}


def _sentence(fault: Any) -> str:
    """Pydantic's message without what it puts before those of our own, and without Python's words."""
    kind = str(fault.get("type", ""))
    if kind in _WORDS:
        return _WORDS[kind]
    return (
        f"{str(fault['msg']).removeprefix('Value error, ').replace(' after validation', '').replace('Tuple', 'List')}."
    )


def validated(model: Callable[..., Model], fields: Mapping[str, Any]) -> Model:
    """The fields as a model; raises InvalidParameter."""
    try:
        return model(**fields)
    except ValidationError as error:
        raise invalid_parameter(error.errors(include_url=False, include_input=False)) from error


def image_response(data: bytes, media_type: str, headers: Mapping[str, str]) -> Response[Any]:
    return Response(
        200,
        media_type,
        data,
        headers={**headers, "content-disposition": f'inline; filename="cutout.{media_type.partition("/")[2]}"'},
    )


def json_response(
    body: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    media_type: str = "application/json",
) -> Response[Any]:
    return Response(status, media_type, json.dumps(body), headers=dict(headers or {}))


def see_other(location: str, headers: Mapping[str, str]) -> Response[Any]:
    """What Lambda cannot carry is fetched from the bucket."""
    return Response(303, "text/plain", "", headers={**headers, "location": location})
