"""A cut-out on remove.bg's wire. https://www.remove.bg/api

    POST /v1.0/removebg    X-Api-Key: …    multipart/form-data: image_file, size=full, type=auto, format=png, crop=true
    200                    Content-Type: image/png    X-Credits-Charged: 1   X-Type: person    X-Width: …   (a picture)
    GET /v1.0/account      {"data":{"attributes":{"credits":{"total":200,"subscription":150,"payg":50,"enterprise":0},
                                                  "api":{"free_calls":50,"sizes":"all"}}}}

What a call was charged stands in a header alone. The answer that is kept is therefore all of it, as `message/http`
(RFC 9112, 10.1): status line, headers, an empty line, the bytes as they came.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from darkroom.errors import ImageTooLarge, InvalidParameter, PayloadTooLarge
from darkroom.errors.names import shown_name
from darkroom.images.measure import measure
from darkroom.images.sniff import sniff
from darkroom.models.generation import GeneratedImage, GenerationRequest, RawAnswer, Usage
from darkroom.models.key import KeyStatus
from darkroom.models.money import dollars, micro_usd
from darkroom.providers import _calls, _wire
from darkroom.providers._calls import Content
from darkroom.providers._errors import Asked, broken
from darkroom.providers._gather import Gathered, gather
from darkroom.providers._http import Answer, BrokenOff
from darkroom.providers._images import unusable
from darkroom.providers._pictures import NotAPicture, checked
from darkroom.providers._removebg_errors import NAME, TITLE

MOST_BYTES: Final = 22 * 1024 * 1024
MOST_MEGAPIXELS: Final = 50
_MEDIA_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_OPTIONS: Final = frozenset(
    {"size", "type", "type_level", "format", "roi", "crop", "crop_margin", "scale", "position", "channels"}
    | {"semitransparency", "bg_color"}
)
_WHOLE: Final = "message/http"


def form(request: GenerationRequest) -> Content:
    """The request's one picture and options.

    Raises:
        CallerError: it is not a request for a cut-out, or its picture is one that remove.bg does not take.
    """
    data = _picture(request)
    options = request.routing.options.get(NAME, {}) if request.routing else {}
    if unknown := sorted(options.keys() - _OPTIONS):
        raise InvalidParameter(
            f"{TITLE} has no option {shown_name(unknown[0])!r}.",
            fix=f"Its options are: {', '.join(sorted(_OPTIONS))}.",
            param="options",
        )
    if request.zdr:
        raise InvalidParameter(
            f"{TITLE} does not promise to keep nothing.", fix="Have it cut out here, or allow retention.", param="zdr"
        )
    fields = {"size": "full", **{name: each if isinstance(each, bool) else str(each) for name, each in options.items()}}
    return _calls.form(fields, [("image_file", ("image", data, _MEDIA_TYPES[sniff(data)]))])


def _picture(request: GenerationRequest) -> bytes:
    """Refused here is what would be refused there, before anything is sent."""
    data = request.references[0].data if len(request.references) == 1 and request.n == 1 else None
    if data is None:
        raise InvalidParameter(f"{TITLE} cuts out one picture at a time.", fix="Send one picture.", param="image")
    if len(data) > MOST_BYTES:
        raise PayloadTooLarge(
            f"The picture has {len(data) / 1024**2:.1f} MB; {TITLE} takes 22 MB.",
            fix="Scale it down, or send it as JPEG.",
            param="image",
            context={"max_bytes": MOST_BYTES},
        )
    if sniff(data) not in _MEDIA_TYPES:
        raise InvalidParameter(f"{TITLE} takes no {sniff(data)} files.", fix="Send JPEG, PNG or WebP.", param="image")
    width, height = measure(data)
    if width * height > MOST_MEGAPIXELS * 1_000_000:
        raise ImageTooLarge(
            f"The picture has {width * height / 1e6:.1f} megapixels; {TITLE} takes {MOST_MEGAPIXELS}.",
            fix="Scale it down.",
            param="image",
            context={"max_megapixels": MOST_MEGAPIXELS},
        )
    return data


def kept(answer: Answer, _asked: Asked) -> RawAnswer:
    """All of an answer."""
    head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    return RawAnswer(
        body=f"HTTP/1.1 {answer.status} OK\r\n{head}\r\n".encode() + answer.body,
        media_type=_WHOLE,
        complete=answer.broken is None,
    )


def unkept(raw: RawAnswer) -> Answer:
    """The answer again."""
    from darkroom.net.http1 import Headers

    head, _, body = raw.body.partition(b"\r\n\r\n")
    _, *lines = head.decode().split("\r\n")
    headers = Headers((name.lower(), value) for name, _, value in (line.partition(": ") for line in lines))
    return Answer(200, headers, body, None if raw.complete else BrokenOff("it was cut off", sent=True))


def read(answer: Answer, asked: Asked, credit: Decimal | None) -> tuple[GeneratedImage, Usage]:
    """The picture in a 200, and what it cost.

    Raises:
        DarkroomError: there is none; `charged` says whether that was paid for.
    """
    usage = _usage(answer, credit)
    if answer.broken:
        raise broken(answer.broken, asked)
    try:
        return checked(answer.body), usage
    except NotAPicture as error:
        found = _in_json(answer.body)
        if found.images:
            return found.images[0], usage
        raise unusable(asked, f"The picture {error}.", usage) from None


def _in_json(body: bytes) -> Gathered:
    """The picture as base64, as the service answers those who ask for JSON."""
    try:
        return gather(_wire.parse_json(body), most=1, fetch=None)
    except ValueError:
        return Gathered()


def _usage(answer: Answer, credit: Decimal | None) -> Usage:
    charged = dollars(answer.headers.get("x-credits-charged"))
    return Usage(cost=micro_usd(charged * credit) if charged is not None and credit is not None else None)


def key_status(value: Mapping[str, Any], credit: Decimal | None) -> KeyStatus:
    """The account's credits, as money.

    `used` is what is left, below zero: nobody is told what an account has used in all, and between two readings it
    grows by what was charged, as a count from zero would.

    Raises:
        ValueError: it does not say how many credits there are.
    """
    attributes = _wire.mapping(_wire.mapping(value.get("data")).get("attributes"))
    total = _wire.number(_wire.mapping(attributes.get("credits")).get("total"))
    if total is None:
        raise ValueError("no credits")
    left = None if credit is None else total * credit
    return KeyStatus(
        label=f"{total:f} credits",
        limit_remaining=None if left is None else int(left * 1_000_000),
        used=None if left is None else -left,
        is_free_tier=total == 0,
        free_requests_remaining=_wire.integer(_wire.mapping(attributes.get("api")).get("free_calls")),
    )
