"""OpenAI, asked directly: conversations and pictures.

    POST /v1/images/generations
    {"model":"gpt-image-2","prompt":"A flat red circle","n":1,"size":"1024x1024","quality":"low"}
    POST /v1/images/edits        multipart/form-data: model, prompt, n, size, …, and for each picture a part `image[]`

    200  x-request-id: req_…
    {"created":1790983963,"data":[{"b64_json":"iVBORw0…"}],"size":"1024x1024","quality":"low","output_format":"png",
     "usage":{"input_tokens":15,"input_tokens_details":{"image_tokens":0,"text_tokens":15},"output_tokens":272,
              "output_tokens_details":{"image_tokens":272,"text_tokens":0},"total_tokens":287}}

With `"stream":true,"partial_images":2`, which are 100 tokens each, and for one picture alone:

    event: image_generation.partial_image
    data: {"type":"image_generation.partial_image","partial_image_index":0,"b64_json":"iVBORw0…",…}
    data: {"type":"image_generation.completed","b64_json":"iVBORw0…","usage":{…},…}         (`image_edit.…` for edits)

A shape becomes pixels here: the model takes sizes alone. GPT Image 1 has three; later ones take sides in steps of 16, a
ratio of up to 3:1 and at most 3840x2160. https://platform.openai.com/docs/api-reference/images
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from darkroom.errors import InvalidDimensions
from darkroom.models.generation import GenerationRequest
from darkroom.ports import Provider
from darkroom.providers import _wire
from darkroom.providers._calls import Content, form
from darkroom.providers._errors import Asked, broken
from darkroom.providers._gather import is_draft
from darkroom.providers._http import Answer, BrokenOff
from darkroom.providers._images import Pictures, stream_events, whole_json
from darkroom.providers._openai_like import Painter
from darkroom.providers._openai_like_chat import Dialect
from darkroom.providers._painted import claimed, file_of, painted, usage_of
from darkroom.providers._said import error_within
from darkroom.providers._settings import ProviderSettings
from darkroom.providers._token_costs import Counts

_PREFIX: Final = "openai/"
# Open weights that others serve, names of OpenRouter's own, and models behind other doors than these.
_ELSEWHERE: Final = re.compile(r"gpt-oss|gpt-5(\.\d+)?-image|o\d(-mini)?-high$|-pro\b|codex|deep-research|:")
# They think, and take no other temperature than their own.
_THINKS: Final = re.compile(r"o\d|gpt-5")
_THREE_SIZES: Final = re.compile(r"gpt-image-1(\D|$)|chatgpt-image")
_SIZES: Final = {"1:1": "1024x1024", "3:2": "1536x1024", "2:3": "1024x1536", "auto": "auto"}
_LONG_SIDES: Final = {"1K": 1536, "2K": 2048, "4K": 3840}
_MOST_PIXELS: Final = 3840 * 2160
_STEP: Final = 16
_RATIO: Final = re.compile(r"(\d{1,2}(?:\.\d)?):(\d{1,2}(?:\.\d)?)")
_PLAIN_FIELDS: Final = ("quality", "background", "output_format", "output_compression", "user")


def connect(settings: ProviderSettings | None = None) -> Provider:
    return OpenAi(settings)


class OpenAi(Painter):
    name = "openai"
    title = "OpenAI"
    console_url = "https://platform.openai.com/api-keys"
    origin = "https://api.openai.com"
    makers = frozenset({"openai"})
    sources = frozenset({"openai"})
    dialect = Dialect(takes=frozenset({"temperature", "seed", "user", "reasoning_effort"}))
    not_taken = ("seed",)

    def serves(self, model: str) -> str | None:
        name = model.removeprefix(_PREFIX)
        if name == model or _ELSEWHERE.search(name):
            return None
        # The catalogue calls those behind ChatGPT by the family's name.
        return f"{name}-latest" if re.fullmatch(r"gpt-5(\.\d+)?-chat", name) else name

    def _adapted(self, body: dict[str, Any]) -> Mapping[str, Any]:
        if _THINKS.match(body["model"]):
            body.pop("temperature", None)
        return body

    def _picture_call(self, request: GenerationRequest, name: str) -> tuple[str, Mapping[str, Any] | Content]:
        fields = {**_options(request), **_fields(request, name)}
        if request.partial_images and request.n == 1:
            fields |= {"stream": True, "partial_images": request.partial_images}
        if not request.references:
            return "/images/generations", fields
        files = [file_of(reference, self.title) for reference in request.references]
        # The name of a file is nobody's here, and says what the bytes are.
        parts = [("image[]", (f"picture.{kind.removeprefix('image/')}", data, kind)) for kind, data in files]
        return "/images/edits", form(fields, parts)

    def _read_pictures(self, answer: Answer, asked: Asked, request: GenerationRequest) -> Pictures:
        value = _of_events(answer, asked) if answer.is_events else whole_json(answer, asked)
        claims = claimed(value, request.n)
        usage = usage_of(request, _counts(value.get("usage")), asked, made=min(len(claims), request.n))
        return painted(claims, value, usage, asked, most=request.n)


def _of_events(answer: Answer, asked: Asked) -> Mapping[str, Any]:
    """What a stream says, in the shape of an answer without one.

    Raises:
        DarkroomError: it ended before the picture.
    """
    events, _ = stream_events(answer)
    if failure := next((each for each in events if error_within(each)), None):
        return failure
    whole = [each for each in events if not is_draft(each)]
    if not whole:
        raise broken(answer.broken or BrokenOff("the stream ended before the picture", sent=True), asked)
    return {**whole[-1], "data": [{"b64_json": each.get("b64_json")} for each in whole], "b64_json": None}


def _fields(request: GenerationRequest, name: str) -> dict[str, Any]:
    given = {field: getattr(request, field) for field in _PLAIN_FIELDS}
    return {
        "model": name,
        "prompt": request.prompt,
        "n": request.n,
        **{field: value for field, value in {**given, "size": size_of(request, name)}.items() if value is not None},
    }


def _options(request: GenerationRequest) -> Mapping[str, Any]:
    """What the caller tells OpenAI alone, such as how strictly to moderate."""
    given = request.routing.options.get("openai", {}) if request.routing else {}
    return {name: value for name, value in given.items() if name in ("moderation", "input_fidelity")}


def size_of(request: GenerationRequest, name: str) -> str | None:
    """The pixels, as `1536x1024`, of a size, or of a shape and a tier; None leaves it to the model.

    Raises:
        InvalidDimensions: it is a shape that the model does not make.
    """
    tier = request.resolution
    if request.size is not None:
        if request.size not in _LONG_SIDES:
            return request.size
        tier = request.size
    ratio = request.aspect_ratio or ("1:1" if tier else None)
    if ratio is None:
        return None
    if tier in (None, "1K") and ratio in _SIZES:
        return _SIZES[ratio]
    if _THREE_SIZES.match(name) or (tier is not None and tier not in _LONG_SIDES):
        raise _unmakeable("aspect_ratio" if ratio not in _SIZES else "resolution")
    return "auto" if ratio == "auto" else _pixels(ratio, _LONG_SIDES[tier or "1K"])


def _pixels(ratio: str, long_side: int) -> str:
    match = _RATIO.fullmatch(ratio)
    shape = float(match[1]) / float(match[2]) if match and float(match[2]) else 0.0
    if not 1 / 3 <= shape <= 3:
        raise _unmakeable("aspect_ratio")
    width, height = (long_side, long_side / shape) if shape >= 1 else (long_side * shape, float(long_side))
    shrunk = min(1.0, math.sqrt(_MOST_PIXELS / (width * height)))
    return "x".join(str(max(_STEP, int(side * shrunk / _STEP) * _STEP)) for side in (width, height))


def _unmakeable(param: str) -> InvalidDimensions:
    return InvalidDimensions(
        "OpenAI's model does not make pictures of this shape and size.",
        fix="Use 1:1, 3:2 or 2:3, or leave it out.",
        param=param,
        context={"accepted": list(_SIZES)},
    )


def _counts(value: Any) -> Counts:
    usage = _wire.mapping(value)
    inward, outward = (_wire.mapping(usage.get(f"{side}_tokens_details")) for side in ("input", "output"))
    return Counts(
        all_in=_wire.number(usage.get("input_tokens")),
        all_out=_wire.number(usage.get("output_tokens")),
        text_in=_wire.number(inward.get("text_tokens")),
        images_in=_wire.number(inward.get("image_tokens")),
        images_out=_wire.number(outward.get("image_tokens")),
    )
