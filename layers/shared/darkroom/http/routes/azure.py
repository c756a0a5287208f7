"""OpenAI's API by the paths of Azure: `/openai/deployments/{model}/chat/completions?api-version=…`, with an `api-key`.

A deployment is a model here, by any of its names. What has no deployment in its path (`/openai/responses`,
`/openai/v1/…`) is what it is at `/v1`. https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import InvalidParameter
from darkroom.http.app import Api
from darkroom.http.route_table import no_such_route, own_path

_PREFIX = "/openai/deployments/"
_CHAT, _MAKE, _CHANGE, _RESPOND = "/chat/completions", "/images/generations", "/images/edits", "/responses"


def served(api: Api, app: Application) -> Response[Any]:
    """`POST /openai/{proxy+}`. Raises NoSuchRoute."""
    path = own_path(unquote(str(api.app.current_event.path)))
    model = None
    if path.startswith(_PREFIX):
        rest = path.removeprefix(_PREFIX)
        what = next((each for each in (_CHAT, _MAKE, _CHANGE, _RESPOND) if rest.endswith(each)), "")
        model = rest.removesuffix(what).strip("/")
    else:
        what = path.removeprefix("/v1")
    named = {} if model is None else {"model": model}
    if model == "":
        raise InvalidParameter(
            "The path names no deployment.", fix=f"Put a model's name between {_PREFIX} and {what}.", param="model"
        )
    if what == _CHAT:
        from darkroom.http.routes.completions import completed

        return completed(api, app, {**api.json_object, **named})
    if what == _MAKE:
        from darkroom.http.routes.generations import generated

        return generated(api, app, named)
    if what == _CHANGE:
        from darkroom.http.routes.edits import edited

        return edited(api, app, named)
    if what == _RESPOND:
        from darkroom.http.doors.responses import responded

        return responded(api, app, named)
    raise no_such_route("POST", path)
