"""Pictures as OpenRouter's clients ask for them: `POST /images`, and a chat whose answer is to hold pictures.

Either becomes the request that our own routes take, and its job's pictures the answer: bytes beside `usage` with the
cost, or a message with `images`, data URLs.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import InvalidParameter, InvalidPrompt
from darkroom.http.app import Api, answered, validated
from darkroom.http.completion_stream import stream as chunks
from darkroom.http.doors.pictures_in_chat import reference, words_and_pictures
from darkroom.http.image_body import image_body
from darkroom.http.image_stream import PictureStream
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas.completions import Completion, CompletionFacts
from darkroom.http.schemas.images import ImagesAnswer
from darkroom.http.schemas.openrouter import PaintedImage, PaintedImages
from darkroom.http.server_events import EVENTS
from darkroom.models.admission import Terms
from darkroom.models.completion_body import CompletionBody
from darkroom.models.image_input import edit_fields
from darkroom.models.image_request import EditRequest, ImageRequest
from darkroom.models.job import Job
from darkroom.services.paid.admission import Submission

# Of `image_config`, by OpenRouter's names: those that have another here.
_CONFIG: Final = {"image_size": "resolution"}
_TAKEN: Final = frozenset(("size", "aspect_ratio", "quality", "output_format", "background", "output_compression"))
# Of `provider`: what our own requests take.
_ROUTING: Final = ("only", "order", "ignore", "sort", "allow_fallbacks", "options")
_SHARED: Final = ("seed", "max_cost_usd", "webhook_url", "user", "zdr")


def painted(api: Api, app: Application) -> Response[Any]:
    """`POST /images`."""
    fields = dict(api.json_object)
    references = fields.pop("input_references", None)
    if references and not isinstance(references, list):
        raise InvalidParameter("`input_references` is no list.", fix="Send a list.", param="input_references")
    fields["response_format"] = "b64_json"
    pictures = [reference(each, "input_references") for each in references or ()]
    request = _request({**fields, **_preferences(fields.get("provider"))}, pictures)
    stream = PictureStream.of("image_generation", request, api.transport.outlet, app.ports.clock)
    terms = terms_of(api, stream.on_event if stream else None)
    submission = _submitted(api, app, request, terms)

    def done(job: Job) -> Response[Any]:
        made = image_body(app, job, request, terms.door)
        told = _answer(app, job, made)
        if stream is None:
            return answered(told)
        body = told.model_dump(mode="json")
        # OpenRouter's events say when, by another name than OpenAI's.
        data = [{**each, "created": told.created} for each in body["data"]]
        return Response(200, EVENTS, stream.end({**body, "data": data}), headers={})

    return Answering(app).respond(api, submission, done, terms, what="The picture is")


def painted_chat(api: Api, app: Application, body: CompletionBody) -> Response[Any]:
    """A chat that is answered with pictures: its last words say what they are to show, its pictures are worked from."""
    request = _chat_request(body)
    is_streamed = body.is_streamed and (api.transport.outlet is None or api.transport.outlet.expect())
    terms = terms_of(api)
    submission = _submitted(api, app, request, terms)

    def done(job: Job) -> Response[Any]:
        completion = _completion(app, job, image_body(app, job, request, terms.door))
        if is_streamed:
            return Response(200, EVENTS, chunks(completion, shows_usage=body.shows_usage), headers={})
        return answered(Completion.model_validate(completion))

    return Answering(app).respond(api, submission, done, terms, what="The picture is")


def _submitted(api: Api, app: Application, request: ImageRequest, terms: Terms) -> Submission:
    if isinstance(request, EditRequest):
        return app.edit.submit(api.caller, request, terms)
    return app.generate.submit(api.caller, request, terms)


def _request(fields: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]]) -> ImageRequest:
    """Raises InvalidParameter."""
    if pictures:
        return validated(EditRequest, edit_fields({**fields, "images": list(pictures)}))
    return validated(ImageRequest, fields)


def _chat_request(body: CompletionBody) -> ImageRequest:
    """Raises InvalidParameter: there are no words, or what is asked for is not to be had."""
    more = body.model_extra or {}
    config = more.get("image_config")
    wanted = {_CONFIG.get(name, name): value for name, value in (config if isinstance(config, dict) else {}).items()}
    words, pictures = words_and_pictures(body.messages)
    if not words:
        raise InvalidPrompt(
            "The last message says nothing of what the picture is to show.",
            fix="Describe it in the text of a user's message.",
            param="messages",
        )
    fields = {
        **{name: value for name, value in wanted.items() if name in _TAKEN or name == "resolution"},
        **{name: more[name] for name in _SHARED if more.get(name) is not None},
        "prompt": words,
        "model": body.named,
        "fallback_models": body.others,
        "max_cost_usd": body.max_cost_usd,
        "webhook_url": body.webhook_url,
        "zdr": body.keeps_nothing,
        "provider_name": body.provider_name,
        "response_format": "b64_json",
        **_preferences(body.provider),
    }
    return _request({name: value for name, value in fields.items() if value not in (None, ())}, pictures)


def _preferences(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return {}
    routing = {name: given[name] for name in _ROUTING if given.get(name) is not None}
    zdr = {"zdr": True} if given.get("zdr") is True else {}
    return {"provider": routing or None, **zdr}


def _answer(app: Application, job: Job, made: ImagesAnswer) -> PaintedImages:
    return PaintedImages(
        created=made.created,
        data=tuple(PaintedImage(b64_json=each.b64_json or "", media_type=each.media_type) for each in made.data),
        usage=_usage(made),
        darkroom=CompletionFacts.model_validate(_facts(app, job, made)),
    )


def _completion(app: Application, job: Job, made: ImagesAnswer) -> dict[str, Any]:
    images = [
        {
            "type": "image_url",
            "index": number,
            "image_url": {"url": f"data:{each.media_type};base64,{each.b64_json}"},
        }
        for number, each in enumerate(made.data)
    ]
    message = {"role": "assistant", "content": "", "refusal": None, "reasoning": None, "images": images}
    ended = {"finish_reason": "stop", "native_finish_reason": "stop", "logprobs": None}
    return {
        "id": made.generation_id or f"gen-{job.id}",
        "object": "chat.completion",
        "created": made.created,
        "model": made.model_used or "",
        "provider": made.provider,
        "system_fingerprint": "",
        "choices": [{"index": 0, **ended, "message": message}],
        "usage": _usage(made),
        "darkroom": _facts(app, job, made),
    }


def _usage(made: ImagesAnswer) -> dict[str, Any]:
    told = made.usage or {}
    shown, written = int(told.get("input_tokens", 0)), int(told.get("output_tokens", 0))
    cost = made.cost.actual_usd
    return {
        "prompt_tokens": shown,
        "completion_tokens": written,
        "total_tokens": shown + written,
        "cost": None if cost is None else float(Decimal(str(cost))),
    }


def _facts(app: Application, job: Job, made: ImagesAnswer) -> dict[str, Any]:
    return {
        "job": {"id": job.id, "object": "job", "urls": {"get": f"/v1/jobs/{job.id}"}},
        "cost": app.jobs.show_cost(job),
        "model_requested": made.model_requested,
        "model_used": made.model_used,
        "provider": made.provider,
        "warnings": list(made.warnings),
    }
