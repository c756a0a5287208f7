"""The HTTP server of `rembg s`: `GET /api/remove?url=…` and `POST /api/remove` with a file, answered with a PNG.

https://github.com/danielgatis/rembg. That server has no authentication, so a token may come where its clients can
put one: in a header, in the query (`token=`), or as the password of basic auth.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import InvalidParameter, ServiceUnavailable
from darkroom.http.app import Api, Event, see_other, validated
from darkroom.http.error_shapes import REMBG_ROUTE
from darkroom.http.schemas.rembg import REMBG, REMBG_URL
from darkroom.models.cutout import Cutout
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.deadline import Deadline
from darkroom.services.pricing.answer_sizes import MAX_INLINE_BYTES

_YES: Final = ("true", "1", "yes", "on")
_FOR_THE_REST: Final = 6.0
# rembg's name of a model that is another one's here.
_DEFAULT_MODELS: Final = ("", "bria-rmbg", "default")


def rembg_routes(api: Api, app: Application) -> None:
    @api.serve(REMBG_URL)
    def remove_of_url() -> Response[Any]:
        return _removed(api, app, api.query)

    @api.serve(REMBG)
    def remove() -> Response[Any]:
        return _removed(api, app, {**api.query, **api.request.body})


def with_token(event: Event) -> Event:
    """The event with its token in the header that it is looked for in, and nowhere else: a query is written down."""
    if not str(event.get("routeKey", "")).endswith(REMBG_ROUTE):
        return event
    query = dict(event.get("queryStringParameters") or {})
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    token = query.pop("token", None) or _password(headers.get("authorization", ""))
    if token:
        headers["authorization"] = f"Bearer {token}"
    raw = "&".join(part for part in str(event.get("rawQueryString", "")).split("&") if not part.startswith("token="))
    return {**event, "headers": headers, "queryStringParameters": query, "rawQueryString": raw}


def _password(authorization: str) -> str | None:
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None


def _removed(api: Api, app: Application, given: Mapping[str, Any]) -> Response[Any]:
    if str(given.get("extras", "")).strip() not in ("", "{}"):
        raise InvalidParameter("`extras` is not taken.", fix="Leave it out.", param="extras")
    picture = {"image": given["file"]} if given.get("file") else {"image_url": given.get("url")}
    model = str(given.get("model", "")).strip().lower()
    wanted = {
        **picture,
        "format": "png",
        "cloud": False,
        "matting": _is_on(given, "a"),
        "channels": "alpha" if _is_on(given, "om") else "rgba",
        **({} if model in _DEFAULT_MODELS else {"model": model}),
        **_background(given),
    }
    request = validated(CutoutRequest, wanted)
    deadline = Deadline(api.seconds_left - _FOR_THE_REST)
    made = app.remove_background.answer(api.caller, request, _no_terms, deadline)
    if not isinstance(made, Cutout):
        raise ServiceUnavailable("The cut-out takes longer than an answer may.", retry_after=5)
    if len(made.data) > MAX_INLINE_BYTES:
        shown = app.jobs.show(app.remove_background.keep(api.user, request, made))
        return see_other(shown["output"]["images"][0]["url"], {})
    app.remove_background.count(api.caller, request, made)
    return Response(200, made.media_type, made.data, headers={})


def _no_terms() -> Any:
    raise AssertionError("nothing is paid for here")


def _is_on(given: Mapping[str, Any], name: str) -> bool:
    return str(given.get(name, "")).strip().lower() in _YES


def _background(given: Mapping[str, Any]) -> dict[str, str]:
    """`bgc`: red, green, blue and alpha, from 0 to 255. Raises InvalidParameter."""
    parts = [part.strip() for part in str(given.get("bgc") or "").split(",") if part.strip()]
    if not parts:
        return {}
    if len(parts) not in (3, 4) or not all(part.isdecimal() and int(part) <= 255 for part in parts):
        raise InvalidParameter("`bgc` is not red,green,blue,alpha.", fix="Give numbers from 0 to 255.", param="bgc")
    return {"background": "#" + "".join(f"{int(part):02x}" for part in parts)}
