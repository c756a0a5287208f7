"""POST /v1/images/background-removals, …/refine, …/check; beside them remove.bg's and rembg's doors."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext
from msgspec.structs import asdict, replace

from darkroom.application import Application
from darkroom.errors import InvalidParameter
from darkroom.http.app import Api, Event, answered, image_response, see_other, validated
from darkroom.http.body import Request
from darkroom.http.doors.rembg import rembg_routes, with_token
from darkroom.http.doors.removebg import removebg_routes
from darkroom.http.schemas.images import REFINE, REMOVE_BACKGROUND, BackgroundRemoval, PostponedRemoval
from darkroom.http.schemas.jobs import Job as JobView
from darkroom.http.schemas.recipes import CHECK_PICTURE, CheckLine, RecipeCheck
from darkroom.http.transport import OVER_HTTP_API, Transport
from darkroom.models.admission import Terms
from darkroom.models.cutout import Cutout, Step
from darkroom.models.cutout_request import CutoutRequest, RefineRequest
from darkroom.models.deadline import Deadline
from darkroom.models.image_input import picture_fields
from darkroom.models.job import Job
from darkroom.services.paid.admission import Submission
from darkroom.services.pricing.answer_sizes import MAX_INLINE_BYTES
from darkroom.services.removal.cloud_removal import TITLE

# What a request whose cut-out is not done takes to end in good order, in seconds: its picture has to be stored.
_FOR_POSTPONING = 6.0
# Seconds after which it is worth looking at a cut-out that was postponed.
_LOOK_AGAIN = 5


class _Cutouts(Api):
    """Takes the tokens of rembg's clients from where these can put them."""

    def handle(self, event: Event, context: LambdaContext, transport: Transport = OVER_HTTP_API) -> dict[str, Any]:
        return super().handle(with_token(event), context, transport)


def routes(app: Application) -> Api:
    api = _Cutouts(app.callers, app.rates)
    app.load("jobs", "refine", "remove_background", "check")

    @api.serve(REMOVE_BACKGROUND)
    def remove_background() -> Response[Any]:
        wanted = api.request
        request = validated(CutoutRequest, wanted.fields({*CutoutRequest.model_fields, "index"}))
        deadline = Deadline(api.seconds_left - _FOR_POSTPONING)
        cutout = app.remove_background.answer(api.caller, request, lambda: _terms(api), deadline)
        if isinstance(cutout, Job):
            return _postponed(app, cutout)
        if isinstance(cutout, Submission):
            return _paid(app, api, cutout, wanted)
        return _made(app, api, request, cutout)

    @api.serve(REFINE)
    def refine(job_id: str) -> Response[Any]:
        given = api.request.fields(RefineRequest.model_fields)
        # A body of nothing at all is an empty file to who reads it.
        request = validated(
            RefineRequest, {name: each for name, each in given.items() if (name, each) != ("image", b"")}
        )
        deadline = Deadline(api.seconds_left - _FOR_POSTPONING)
        return _made(app, api, request, app.refine.answer(api.caller, job_id, request, deadline))

    @api.serve(CHECK_PICTURE)
    def check_picture(name: str) -> Response[Any]:
        images, _, rest = picture_fields(api.request.body)
        if len(images) != 1 or rest:
            raise InvalidParameter(
                "Give one picture, and nothing else.", fix="Send it as a cut-out takes it.", param="image"
            )
        found = app.check.answer(api.caller, name, images[0])
        lines = tuple(CheckLine(**asdict(replace(each, fix=None) if each.ok else each)) for each in found)
        return answered(RecipeCheck(name=name, ok=all(each.ok for each in found), checks=lines))

    removebg_routes(api, app)
    rembg_routes(api, app)
    return api


def _made(app: Application, api: Api, request: CutoutRequest | RefineRequest, cutout: Cutout) -> Response[Any]:
    """The file itself for who asks for one, of which nothing is kept; else a job that shows it."""
    wants_file = api.request.wants_image()
    if wants_file and len(cutout.data) <= MAX_INLINE_BYTES:
        app.remove_background.count(api.caller, request, cutout)
        return image_response(cutout.data, cutout.media_type, _facts(cutout))
    shown = app.jobs.show(app.remove_background.keep(api.user, request, cutout))
    if wants_file:
        return see_other(shown["output"]["images"][0]["url"], _facts(cutout))
    return answered(_body(shown))


def _terms(api: Api) -> Terms:
    # Here and below: what paid answers are made with is loaded when somebody pays.
    from darkroom.http.responder import terms_of

    return terms_of(api)


def _postponed(app: Application, job: Job) -> Response[Any]:
    shown = app.jobs.show(job)
    headers = {"location": shown["urls"]["get"], "retry-after": str(_LOOK_AGAIN)}
    return answered(PostponedRemoval.model_validate({**shown, "charged": False}), 202, headers)


def _paid(app: Application, api: Api, submission: Submission, wanted: Request) -> Response[Any]:
    """The answer for the job that remove.bg is paid for."""
    from darkroom.http.responder import Answering

    def done(job: Job) -> Response[Any]:
        shown = app.jobs.show(job)
        if not wanted.wants_image():
            return answered(_paid_body(shown))
        image, headers = job.images[0], _paid_facts(job)
        if image.bytes > MAX_INLINE_BYTES:
            return see_other(shown["output"]["images"][0]["url"], headers)
        data = app.ports.images.read_output(image.key, max_bytes=MAX_INLINE_BYTES)
        return image_response(data, image.media_type, headers)

    return Answering(app).respond(api, submission, done, _terms(api), what="The cut-out is")


def _paid_facts(job: Job) -> dict[str, str]:
    image = job.images[0]
    return {
        "x-width": str(image.width),
        "x-height": str(image.height),
        "x-model": TITLE,
        **({"x-warnings": " | ".join(job.warnings)} if job.warnings else {}),
    }


def _paid_body(shown: dict[str, Any]) -> BackgroundRemoval:
    return BackgroundRemoval(
        **shown["output"]["images"][0],
        model=TITLE,
        **({"steps": shown["input"]["steps"]} if "steps" in shown["input"] else {}),
        warnings=shown["warnings"],
        cost_usd=shown["cost"]["actual_usd"],
        job=JobView.model_validate(shown),
    )


def _facts(cutout: Cutout) -> dict[str, str]:
    """What JSON would say, as headers beside the picture."""
    box = cutout.subject
    return {
        "x-width": str(cutout.width),
        "x-height": str(cutout.height),
        "x-foreground": f"{box.left},{box.top},{box.width},{box.height}",
        "x-model": cutout.model,
        **({"x-models": ", ".join(map(_step, cutout.steps))} if cutout.steps else {}),
        **_scored(cutout),
        "x-cost-usd": "0",
        "server-timing": ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in cutout.timings_ms.items()),
        **({"x-warnings": " | ".join(cutout.warnings)} if cutout.warnings else {}),
    }


def _step(step: Step) -> str:
    return f"{step.model};score={step.score:g}" if step.score is not None else f"{step.model};nothing"


def _scored(cutout: Cutout) -> dict[str, str]:
    found = cutout.quality
    if found is None:
        return {}
    said = {"x-quality": f"{found.score:g}", "x-quality-verdict": found.verdict}
    return {**said, "x-quality-reasons": ",".join(found.reasons)} if found.reasons else said


def _body(shown: dict[str, Any]) -> BackgroundRemoval:
    output = shown["output"]
    told = {name: value for name, value in output.items() if name not in ("images", "original", "alpha")}
    return BackgroundRemoval(**output["images"][0], **told, cost_usd=0, job=JobView.model_validate(shown))
