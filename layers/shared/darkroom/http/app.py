"""The HTTP edge: who may call, what came in, how errors and pictures go out. Knows API Gateway and Lambda."""

import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from darkroom.adapters.aws import within
from darkroom.errors import DarkroomError, NotFound
from darkroom.http.body import Request, body_of, json_object
from darkroom.http.browser import SESSION, Visit
from darkroom.http.limits import rate_headers, require_within
from darkroom.http.operation import Operation
from darkroom.http.problems import advise, invalid_parameter, problem_answer, unknown_error
from darkroom.http.transport import OVER_HTTP_API, Resolver, Transport, seconds_for
from darkroom.models.caller import Caller
from darkroom.models.deadline import Deadline
from darkroom.models.rate_limit import Standing
from darkroom.observability import logged, logger, note
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.rates import Rates
from darkroom.services.accounts.snapshot import read_once
from darkroom.services.paid.at_hand import kept_at_hand

Event = dict[str, Any]
Shown = Callable[[DarkroomError], Response[Any]]
Telling = Callable[[DarkroomError], DarkroomError]
"""From what went wrong to what the caller is told."""
Model = TypeVar("Model")
Query = TypeVar("Query", bound=BaseModel)
Serving = TypeVar("Serving", bound=Callable[..., Response[Any]])
# Of tokens that stand by themselves; the second is Azure's.
_KEYS = ("x-api-key", "api-key")
_REST = re.compile(r"\{\w+\+\}")
_PARAMETER = re.compile(r"\{(\w+)\}")

# What clients and proxies put into any query: Azure's version of OpenAI's API, cache busters, where a link was found.
_ON_EVERY_REQUEST = re.compile(r"api-version|_|utm_\w+")
# At the end of a request: what sending the answer takes, and what finding out what to say of an error may.
FOR_SENDING = 0.9
FOR_AN_ERROR = 1.7

# What every answer carries: nobody may cache it, guess another type, or learn from where it was asked.
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}


# All that a guest may ask for: to upload, to have cut out, and to see how that goes.
GUESTS = frozenset(
    {
        "POST /v1/uploads",
        "POST /v1/images/background-removals",
        "POST /v1/jobs/{job_id}/refine",
        "GET /v1/jobs/{job_id}",
        "GET /v1/jobs/{job_id}/images/{index}",
        "POST /oauth/sign-out",
    }
)


class Api:
    """Routes that answer nobody without a valid API token or session.

    Every event is authenticated before it is routed, so a route cannot forget to ask. Routes read the caller with
    `api.user` and raise DarkroomError; whatever else they raise is logged and answered as INTERNAL_ERROR.

    Every request of somebody who is known counts in the limits of user and token, here and nowhere else.

    Args:
        public: route keys (`GET /oauth`) that serve everybody; they are named here and nowhere else.
        by_address: those of them that are limited by the address they are called from.
    """

    def __init__(
        self,
        callers: Callers,
        rates: Rates,
        *,
        public: frozenset[str] = frozenset(),
        by_address: frozenset[str] = frozenset(),
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._callers = callers
        self._rates = rates
        self._by_address = by_address
        self._public = public
        self._epoch = epoch
        self._deadline = Deadline(0.0)
        self._transport = OVER_HTTP_API
        self._told: Telling | None = None
        self._pages: dict[str, Shown] = {}
        self._later: dict[str, Callable[[], None]] = {}
        self._caller: Caller | None = None
        self._standing = Standing((), 0)
        # Without Powertools' own validation, which loads all that makes OpenAPI: routes validate by their models.
        self.app = Resolver()
        self.app.not_found(_no_such_route)

    def serve(self, operation: Operation) -> Callable[[Serving], Serving]:
        """Puts a route on the API, as its operation declares it. It reads its request and makes its answer itself."""
        path = _REST.sub(".+", _PARAMETER.sub(r"<\1>", operation.path))
        serving: Callable[[Serving], Serving] = self.app.route(path, operation.method)
        return serving

    def serve_later(self, put: Callable[[], None], *paths: str) -> None:
        """Has `put` serve these paths, and all below one that ends with a slash, when the first is asked for."""
        self._later |= dict.fromkeys(paths, cache(put))

    def _put(self, path: str) -> None:
        for each, put in self._later.items():
            if path == each or (each[-1] == "/" and path.startswith(each)):
                put()

    def query_as(self, model: type[Query]) -> Query:
        """The query as a model; fields that it does not know are ignored. Raises InvalidParameter."""
        return validated(model, self.query_of(_names(model)))

    def exact_query_as(self, model: type[Query]) -> Query:
        """As query_as, of a list whose filters must not be missed: fields that it does not know are refused."""
        return validated(
            model, {name: value for name, value in self.query.items() if not _ON_EVERY_REQUEST.fullmatch(name)}
        )

    @property
    def caller(self) -> Caller:
        found: Caller = self.app.context["caller"]
        return found

    @property
    def user(self) -> str:
        return self.caller.user

    def require_unrestricted(self) -> None:
        """For routes that decide what anybody may do. Raises TokenRestricted."""
        self.caller.require_unrestricted()

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
        """Until an answer no longer reaches the caller: Lambda stops this invocation, or API Gateway stops waiting."""
        return self._deadline.left()

    def on_error(self, told: Telling) -> None:
        """From now on, and for this request alone, `told` says what goes out for an error."""
        self._told = told

    def show_errors(self, route: str, shown: Shown) -> None:
        """Has errors of a route (`POST /try`) answered with a page, for people see them."""
        self._pages[route] = shown

    @property
    def known_caller(self) -> Caller | None:
        """The caller of a public route, if there is a valid sign of who it is."""
        return self._callers.known(**self._signs())

    @property
    def optional_caller(self) -> Caller | None:
        """The caller of a public route; None where there is no token and no valid session.

        Raises:
            InvalidToken: a token was sent that is not valid.
        """
        signs = self._signs()
        caller = self._callers.identify(**signs) if signs["token"] else self._callers.known(**signs)
        if caller is not None:
            self._count(self._rates.of_caller(caller))
        return caller

    @property
    def is_guest(self) -> bool:
        """Of a public route: whether the browser has a guest's session."""
        return self._callers.is_guest(self.visit.cookie(SESSION))

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

    @property
    def rate_headers(self) -> dict[str, str]:
        """How the caller stands with their limits."""
        return rate_headers(self._standing)

    @property
    def transport(self) -> Transport:
        """How this request's answer travels."""
        return self._transport

    def handle(self, event: Event, context: LambdaContext, transport: Transport = OVER_HTTP_API) -> dict[str, Any]:
        """The answer to a request, whatever happens. All that is logged meanwhile says whose request it was."""
        request_id, route = str(event.get("requestContext", {}).get("requestId", "")), str(event.get("routeKey"))
        self._transport = transport
        with logged(request_id=request_id, function_request_id=context.aws_request_id, route=route):
            answer = self._answer(event, context, request_id)
        if answer["statusCode"] >= 400:
            from darkroom.http.error_shapes import in_own_shape

            answer = in_own_shape(event, answer)
        answer["headers"] = {**HEADERS, **self.rate_headers, "x-request-id": request_id, **answer.get("headers", {})}
        return _ended(answer)

    def _answer(self, event: Event, context: LambdaContext, request_id: str) -> dict[str, Any]:
        self._deadline = Deadline(seconds_for(event, context, self._epoch(), self._transport.door))
        self._told = None
        self._caller = None
        self._standing = Standing((), 0)
        try:
            if event["routeKey"] == "$default":
                from darkroom.http.route_table import unmatched

                # Needs no token, and calls nothing of AWS.
                raise unmatched(event)
            self._put(event["routeKey"].partition(" ")[2])
            with read_once(), kept_at_hand(), within(Deadline(self.seconds_left - FOR_AN_ERROR)):
                self._authenticate(event)
                return self.app.resolve(event, context)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets an answer that leaks nothing
            told = self.told(error)
            shown = self._pages.get(event.get("routeKey", ""))
            problem = problem_answer(told, request_id)
            return _page(shown(told), problem["headers"]) if shown else problem

    def told(self, raised: Exception) -> DarkroomError:
        """What the caller is told of what was raised, which is logged where it is a fault."""
        error = raised if isinstance(raised, DarkroomError) else unknown_error()
        advise(error, self._caller)
        if raised is not error:
            logger.exception("A route raised")
        elif error.status >= 500 and not error.joins:
            logger.exception(error.detail, code=error.code)
        if self._told is None:
            return error
        try:
            with within(Deadline(self.seconds_left - FOR_SENDING)):
                return self._told(error)
        except Exception:  # noqa: BLE001 - as above
            logger.exception("What to say of an error could not be found out")
            error.charged, error.retryable = "unknown", False
            return error

    def _authenticate(self, event: Event) -> None:
        if event["routeKey"] in self._public:
            if event["routeKey"] in self._by_address:
                self._count(self._rates.of_address(event["requestContext"]["http"]["sourceIp"]))
            return
        visit = Visit.of(event, self._callers.public_url)
        token = _token_of(APIGatewayProxyEventV2(event).headers)
        caller = self._callers.identify(token=token, session=visit.cookie(SESSION))
        if not token:
            visit.require_own_origin()
        self._caller = caller
        note(user=caller.user)
        if caller.is_guest:
            self._count(self._rates.of_guest(event["requestContext"]["http"]["sourceIp"]))
            if event["routeKey"] not in GUESTS:
                caller.require_account()
        else:
            self._count(self._rates.of_caller(caller))
        self.app.append_context(caller=caller)  # type: ignore[no-untyped-call]  # Powertools left it untyped

    def _count(self, standing: Standing) -> None:
        """Says of the request how its caller stands. Raises TooManyRequests."""
        self._standing = standing
        if self._transport.outlet is not None:
            self._transport.outlet.put(self.rate_headers)
        require_within(standing)

    def _signs(self) -> dict[str, str | None]:
        headers = self.app.current_event.headers
        return {"token": _token_of(headers), "session": self.visit.cookie(SESSION)}


def _ended(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, with a line feed at the end of JSON: a shell's prompt then begins on a line by itself."""
    body = answer.get("body")
    names = ("content-type", "Content-Type")
    kind = next((str(answer["headers"][name]) for name in names if name in answer["headers"]), "").partition(";")[0]
    if kind.endswith(("/json", "+json")) and isinstance(body, str) and body and not answer.get("isBase64Encoded"):
        answer["body"] = f"{body.removesuffix(chr(10))}\n"
    return answer


def refusal(error: DarkroomError, request_id: str) -> dict[str, Any]:
    """The answer to a request that no route is asked about."""
    answer = problem_answer(error, request_id)
    answer["headers"] = {**HEADERS, "x-request-id": request_id, **answer["headers"]}
    return _ended(answer)


def _page(shown: Response[Any], of_problem: Mapping[str, str]) -> dict[str, Any]:
    """A page in a problem's place, with what its headers say to programs."""
    own = {name.lower(): str(value) for name, value in shown.headers.items()}
    headers = {**of_problem, "content-type": str(shown.content_type), **own}
    return {"statusCode": shown.status_code, "headers": headers, "body": shown.body, "isBase64Encoded": False}


def _token_of(headers: Mapping[str, str]) -> str | None:
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return (bearer.strip() if scheme.lower() == "bearer" else "") or next(
        filter(None, (headers.get(name, "").strip() for name in _KEYS)), None
    )


def _no_such_route(_: NotFoundError) -> Response[Any]:
    raise NotFound("There is no such route.", fix="docs/api.md lists them.")


def validated(model: Callable[..., Model], fields: Mapping[str, Any]) -> Model:
    """The fields as a model; raises InvalidParameter."""
    try:
        return model(**fields)
    except ValidationError as error:
        known = _names(model) if isinstance(model, type) and issubclass(model, BaseModel) else ()
        raise invalid_parameter(error.errors(include_url=False, include_input=False), known) from error


def _names(model: type[BaseModel]) -> frozenset[str]:
    """Of a model's fields, as they are written."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


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


def answered(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """The model as JSON, as the route's operation declares it."""
    return json_response(model.model_dump(mode="json", by_alias=True), status, headers)


def see_other(location: str, headers: Mapping[str, str]) -> Response[Any]:
    """What Lambda cannot carry is fetched from the bucket."""
    return Response(303, "text/plain", "", headers={**headers, "location": location})
