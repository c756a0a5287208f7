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

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from msgspec import Struct

from darkroom.errors import ContentRefused, NoImage, UnusableAnswer
from darkroom.models.generation import GeneratedImage, GenerationRequest, Routing, Usage
from darkroom.providers import _sse, _wire
from darkroom.providers._errors import Asked, broken, fix_for, plain
from darkroom.providers._gather import Gathered, gather, is_draft, text_in
from darkroom.providers._http import Answer, BrokenOff
from darkroom.providers._openrouter_complaint import Complaint
from darkroom.providers._openrouter_errors import translate
from darkroom.providers._pictures import NotAPicture, checked, follow, is_begun, reference_url
from darkroom.providers._said import error_within, refusal_in

_MAX_EVENTS = 100_000
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


class Pictures(Struct, frozen=True):
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


def read(answer: Answer, asked: Asked, *, most: int) -> Pictures:
    """The pictures in a 200.

    Args:
        most: how many were asked for.

    Raises:
        DarkroomError: there are none; `charged` says whether that was paid for.
    """
    if is_begun(answer.body):
        return _read_file(answer, asked)
    return _read_events(answer, asked, most) if answer.is_events else _read_json(answer, asked, most)


def _read_file(answer: Answer, asked: Asked) -> Pictures:
    """The picture itself, without anything around it."""
    try:
        return Pictures((checked(answer.body),), Usage())
    except NotAPicture as error:
        if answer.broken:
            raise broken(answer.broken, asked) from None
        raise unusable(asked, f"The picture {error}.") from None


def _read_json(answer: Answer, asked: Asked, most: int) -> Pictures:
    value = whole_json(answer, asked)
    usage = _wire.usage(value.get("usage"))
    found = gather(value, most=most, fetch=follow(asked.fetcher), said=text_in(value))
    if not found.images and (error := error_within(value)):
        # All or nothing: an answer without pictures is a failed generation, unless it says what it cost.
        charged = usage.charged if usage.cost is not None else False
        raise translate(Complaint.within(error), asked, charged=charged, cost=usage.cost)
    return pictures_of(found, [value], usage, asked)


def pictures_of(
    found: Gathered, frames: Sequence[Any], usage: Usage, asked: Asked, said: Mapping[str, Any] | None = None
) -> Pictures:
    """What was gathered.

    Args:
        frames: what it was gathered from, which says why where there is none.
        said: what the model wrote in place of a picture.

    Raises:
        ContentRefused, UnusableAnswer, NoImage: there is none.
    """
    if found.images:
        return Pictures(found.images, usage, found.warnings)
    if (reason := refusal_in(frames)) is not None:
        raise content_refused(asked, usage, {**(said or {}), "finish_reason": plain(reason, asked.secrets)}, reason)
    if found.warnings:
        raise unusable(asked, " ".join(found.warnings), usage)
    if any(_wire.mapping(each).get("data") for each in frames):
        raise unusable(asked, "It holds nothing that can be recognized as a picture.", usage)
    raise no_image(asked, usage, said)


def content_refused(
    asked: Asked, usage: Usage, context: Mapping[str, Any], reason: str | None = None
) -> ContentRefused:
    return ContentRefused(
        "The model refused the content.",
        fix=fix_for(usage.charged, "Ask for something else."),
        charged=usage.charged,
        context=context,
        upstream=asked.upstream(error_type=reason, cost=usage.cost),
    )


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
    if isinstance(value, list) and value:
        # Some leave the object around a list of pictures away, or put a list around their error.
        return value[0] if error_within(value) else {"data": value}
    if answer.broken:
        raise broken(answer.broken, asked)
    raise unusable(asked, "It is no JSON object.")


def unusable(asked: Asked, why: str, usage: Usage | None = None) -> UnusableAnswer:
    usage = usage or Usage()
    charged = usage.charged if asked.paid else False
    return UnusableAnswer(
        f"{asked.title} sent an answer that cannot be used. {why}",
        fix=fix_for(charged, "Try again, or choose another model."),
        charged=charged,
        upstream=asked.upstream(cost=usage.cost),
    )


def _read_events(answer: Answer, asked: Asked, most: int) -> Pictures:
    events, is_done = stream_events(answer)
    # In one list with the others a partial picture would be taken for one that is whole.
    whole = [event for event in events if not is_draft(event)]
    found = gather(whole, most=most, fetch=follow(asked.fetcher), said=text_in(whole))
    if not found.images:
        for event in whole:
            if error := error_within(event):
                raise translate(Complaint.within(error), asked, charged=False)
    if not found.claims and not is_done and refusal_in(whole) is None:
        raise broken(answer.broken or BrokenOff("the stream ended before the picture", sent=True), asked)
    usages = list(dict.fromkeys(_wire.usage(event["usage"]) for event in whole if event.get("usage")))
    # Of several, nobody says whether they add up: what was charged has to be looked up then.
    return pictures_of(found, whole, usages[0] if len(usages) == 1 else Usage(), asked)


def stream_events(answer: Answer) -> tuple[list[Mapping[str, Any]], bool]:
    """The events up to `[DONE]`, and whether that came. The end of a stream that was cut is no JSON, and left out."""
    found: list[Mapping[str, Any]] = []
    for data in event_data(answer):
        if data.strip() == _sse.DONE:
            return found, True
        with suppress(ValueError):
            found.append(_wire.mapping(_wire.parse_json(data)))
    return found, False


def event_data(answer: Answer) -> Iterator[str]:
    """The data of a stream's events as it came, `[DONE]` among it."""
    return islice(_sse.events([answer.body]), _MAX_EVENTS)


def no_image(asked: Asked, usage: Usage, context: Mapping[str, Any] | None = None) -> NoImage:
    return NoImage(
        "The model answered without a picture.",
        fix=fix_for(usage.charged, "Say what the picture is to show, or choose another model."),
        charged=usage.charged,
        context=context,
        upstream=asked.upstream(cost=usage.cost),
    )
