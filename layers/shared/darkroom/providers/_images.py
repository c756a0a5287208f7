"""OpenRouter's door for pictures.

    POST /images
    {"model":"black-forest-labs/flux.2-klein-4b","prompt":"A flat red circle","aspect_ratio":"1:1","n":1,
     "input_references":[{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,…"}}]}      (to edit)

    200  X-Generation-Id: gen-img-1790983552-TOdyb7qrp6185EBMwzAV    X-Provider-Name: Black Forest Labs
    {"created":0,"data":[{"b64_json":"/9j/4AAQ…","media_type":"image/jpeg"}],
     "usage":{"prompt_tokens":19,"completion_tokens":4096,"cost":0.014,"is_byok":false,…}}

and with `"stream":true`, of a model that can:

    data: {"type":"image_generation.partial_image","partial_image_index":0,"b64_json":"iVBOR…"}
    data: {"type":"image_generation.completed","b64_json":"iVBOR…","media_type":"image/png","usage":{"cost":0.003006,…}}
    data: {"type":"error","error":{"message":"Generation failed","code":"server_error"}}           (instead)
    data: [DONE]

A model that cannot stream answers in JSON all the same. Partial pictures are not billed and not kept; a stream that
ends in an error is not billed. One that is cut off is said not to be billed either, but the cut can race with the
completion.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from darkroom.errors import NoImage, UnusableAnswer
from darkroom.models.generation import GeneratedImage, GenerationRequest, Routing, Usage
from darkroom.providers import _sse, _wire
from darkroom.providers._errors import Asked, broken, charged_by, fix_for
from darkroom.providers._http import Answer, BrokenOff
from darkroom.providers._openrouter_complaint import Complaint
from darkroom.providers._openrouter_errors import translate
from darkroom.providers._pictures import NotAPicture, decode, reference_url

_PLAIN_FIELDS = (
    "size",
    "aspect_ratio",
    "resolution",
    "quality",
    "output_format",
    "output_compression",
    "background",
    "seed",
    "user",
)


@dataclass(frozen=True, slots=True)
class Pictures:
    images: tuple[GeneratedImage, ...]
    usage: Usage
    warnings: tuple[str, ...] = ()


def body(request: GenerationRequest, model: str) -> dict[str, Any]:
    """The request on the wire.

    Raises:
        InvalidParameter: a reference is no picture that models look at.
    """
    given = {name: getattr(request, name) for name in _PLAIN_FIELDS}
    return {
        "model": model,
        "prompt": request.prompt,
        "n": request.n,
        **{name: value for name, value in given.items() if value is not None},
        **(
            {"input_references": [picture_part(reference_url(each)) for each in request.references]}
            if request.references
            else {}
        ),
        **({"provider": preferences(request.routing)} if request.routing else {}),
        **({"stream": True} if streams(request) else {}),
    }


def streams(request: GenerationRequest) -> bool:
    """One picture at a time: what several completed events would say of the cost is not documented."""
    return request.stream and request.n == 1


def picture_part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def preferences(routing: Routing) -> dict[str, Any]:
    return {name: value for name, value in routing.model_dump(mode="json").items() if value not in (None, [], {})}


def read(answer: Answer, asked: Asked) -> Pictures:
    """The pictures in a 200.

    Raises:
        DarkroomError: there are none; `charged` says whether that was paid for.
    """
    return _read_events(answer, asked) if answer.is_events else _read_json(answer, asked)


def _read_json(answer: Answer, asked: Asked) -> Pictures:
    value = whole_json(answer, asked)
    usage = _wire.usage(value.get("usage"))
    if "error" in value and not value.get("data"):
        # All or nothing: an answer without pictures is a failed generation, unless it says what it cost.
        charged = charged_by(usage) if usage.cost is not None else False
        raise translate(Complaint.within(value["error"]), asked, charged=charged, cost=usage.cost)
    return _decoded([_wire.mapping(item) for item in _wire.sequence(value.get("data"))], usage, asked)


def whole_json(answer: Answer, asked: Asked) -> Mapping[str, Any]:
    """The object that an answer is.

    Raises:
        DarkroomError: it broke off, or is something else; a paid one was perhaps charged.
    """
    try:
        value = _wire.parse_json(answer.body)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    if answer.broken:
        raise broken(answer.broken, asked)
    raise unusable(asked, "It is no JSON object.")


def unusable(asked: Asked, why: str, usage: Usage | None = None) -> UnusableAnswer:
    usage = usage or Usage()
    charged = charged_by(usage) if asked.paid else False
    return UnusableAnswer(
        f"{asked.title} sent an answer that cannot be used. {why}",
        fix=fix_for(charged, "Try again, or choose another model."),
        charged=charged,
        upstream=asked.upstream(cost=usage.cost),
    )


def _read_events(answer: Answer, asked: Asked) -> Pictures:
    completed: list[Mapping[str, Any]] = []
    events, is_done = stream_events(answer)
    for event in events:
        if event.get("type") == "image_generation.completed":
            completed.append(event)
        elif event.get("type") == "error" and not completed:
            raise translate(Complaint.within(event.get("error")), asked, charged=False)
    if not completed and is_done:
        raise no_image(asked, Usage())
    if not completed:
        raise broken(answer.broken or BrokenOff("the stream ended before the picture", sent=True), asked)
    usages = [_wire.usage(event["usage"]) for event in completed if event.get("usage")]
    # Of several, nobody says whether they add up: what was charged has to be looked up then.
    return _decoded(completed, usages[0] if len(usages) == 1 else Usage(), asked)


def stream_events(answer: Answer) -> tuple[list[Mapping[str, Any]], bool]:
    """The events up to `[DONE]`, and whether that came. The end of a stream that was cut is no JSON, and left out."""
    found: list[Mapping[str, Any]] = []
    for data in _sse.events([answer.body]):
        if data == _sse.DONE:
            return found, True
        with suppress(ValueError):
            found.append(_wire.mapping(_wire.parse_json(data)))
    return found, False


def _decoded(items: list[Mapping[str, Any]], usage: Usage, asked: Asked) -> Pictures:
    images: list[GeneratedImage] = []
    warnings: list[str] = []
    for item in items:
        try:
            images.append(decode(item.get("b64_json")))
        except NotAPicture as error:
            warnings.append(f"A picture {error}.")
    if images:
        return Pictures(tuple(images), usage, tuple(warnings))
    if warnings:
        raise unusable(asked, " ".join(warnings), usage)
    raise no_image(asked, usage)


def no_image(asked: Asked, usage: Usage, context: Mapping[str, Any] | None = None) -> NoImage:
    return NoImage(
        "The model answered without a picture.",
        fix=fix_for(charged_by(usage), "Say what the picture is to show, or choose another model."),
        charged=charged_by(usage),
        context=context,
        upstream=asked.upstream(cost=usage.cost),
    )
