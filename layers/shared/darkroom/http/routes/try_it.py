"""`POST /try`: a picture for a person on the account's page."""

import re
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import InvalidParameter
from darkroom.http.app import Api, validated
from darkroom.http.image_body import image_body
from darkroom.http.pages import try_page
from darkroom.http.responder import Answering
from darkroom.http.routes.forms import form_as
from darkroom.http.schemas.images import ImagesAnswer
from darkroom.http.schemas.pages import PAGES, TryForm
from darkroom.models.admission import Terms
from darkroom.models.deadline import Deadline
from darkroom.models.digest import digest
from darkroom.models.image_request import ImageRequest

_ONCE = re.compile(r"[A-Za-z0-9_-]{22}")


def try_routes(api: Api, app: Application) -> None:
    answering = Answering(app)
    api.show_errors(f"POST {try_page.PATH}", try_page.failed)

    @api.serve(PAGES[f"POST {try_page.PATH}"])
    def paint() -> Response[Any]:
        form = form_as(api, TryForm)
        prompt, once = form.prompt.strip(), form.once
        if not _ONCE.fullmatch(once):
            raise InvalidParameter(
                "This is not the form of the account's page.",
                fix="Open /oauth and send it from there.",
                param="once",
            )
        wanted = {"prompt": prompt, "response_format": "url", "max_cost_usd": try_page.MAX_COST_USD}
        request = validated(ImageRequest, wanted)
        # The words are part of the key: a form that is sent again with others is another picture.
        terms = Terms(
            route=api.route, idempotency_key=f"try-{once}-{digest(prompt)[:16]}", deadline=Deadline(api.seconds_left)
        )
        submission = app.generate.submit(api.caller, request, terms)
        return answering.respond(
            api,
            submission,
            lambda job: _shown(prompt, image_body(app, job, request)),
            terms,
            what="The picture is",
        )


def _shown(prompt: str, made: ImagesAnswer) -> Response[Any]:
    cost = float(made.cost.actual_usd or 0)
    return try_page.made(
        prompt, str(made.data[0].url), model=str(made.model_used), cost_usd=cost, warnings=made.warnings
    )
