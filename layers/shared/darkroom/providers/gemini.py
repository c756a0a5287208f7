"""Google's Gemini, asked directly: conversations as OpenAI's are, pictures in its own language, which counts them.

    POST /v1beta/models/gemini-2.5-flash-image:generateContent       x-goog-api-key: AIza…
    {"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0…"}},
                                         {"text":"Make it night"}]}],
     "generationConfig":{"responseModalities":["TEXT","IMAGE"],"imageConfig":{"aspectRatio":"16:9","imageSize":"2K"}}}

    {"candidates":[{"content":{"role":"model","parts":[{"text":"Here it is:"},
        {"inlineData":{"mimeType":"image/png","data":"iVBORw0…"}}]},"finishReason":"STOP"}],
     "usageMetadata":{"promptTokenCount":275,"promptTokensDetails":[{"modality":"TEXT","tokenCount":17},…],
        "candidatesTokenCount":1306,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}],
        "thoughtsTokenCount":405,"totalTokenCount":1986}}

The details need not add up to the counts. Without a picture there is a `finishReason` such as IMAGE_SAFETY or NO_IMAGE,
or no candidate and a `promptFeedback.blockReason`. Pictures of a thought are drafts. The door for conversations refuses
fields that it does not know, `seed` among them. https://ai.google.dev/api/generate-content
"""

import base64
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from darkroom.errors import InvalidParameter
from darkroom.models.generation import GenerationRequest
from darkroom.ports import Provider
from darkroom.providers import _wire
from darkroom.providers._calls import Calls
from darkroom.providers._errors import Asked, plain
from darkroom.providers._http import Answer
from darkroom.providers._images import Pictures, whole_json
from darkroom.providers._openai_like import Painter
from darkroom.providers._openai_like_chat import Dialect
from darkroom.providers._painted import claimed, file_of, painted, usage_of
from darkroom.providers._settings import ProviderSettings
from darkroom.providers._token_costs import Counts

_PREFIX: Final = "google/"
_MAX_PARTS: Final = 100
_SHOWN_TEXT: Final = 2000


def connect(settings: ProviderSettings | None = None) -> Provider:
    return Gemini(settings)


class Gemini(Painter):
    name = "gemini"
    title = "Gemini"
    console_url = "https://aistudio.google.com/apikey"
    origin = "https://generativelanguage.googleapis.com"
    makers = frozenset({"google"})
    sources = frozenset({"google-ai-studio", "google ai studio"})
    path = "/v1beta/openai"
    dialect = Dialect(limit="max_tokens", takes=frozenset({"temperature", "reasoning_effort"}))
    not_taken = ("quality", "output_format", "output_compression", "background")

    def serves(self, model: str) -> str | None:
        name = model.removeprefix(_PREFIX)
        return name if name != model and name.startswith("gemini-") and ":" not in name else None

    @cached_property
    def _painting(self) -> Calls:
        # A key as a bearer token would be taken for one of OAuth here.
        return self._calls_at("/v1beta", authorise=lambda key: {"x-goog-api-key": key})

    def _picture_call(self, request: GenerationRequest, name: str) -> tuple[str, Mapping[str, Any]]:
        if request.n > 1:
            raise InvalidParameter("Gemini makes one picture at a time.", fix="Leave it out.", param="n")
        files = [file_of(reference, self.title) for reference in request.references]
        shown = [
            {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode("ascii")}} for kind, data in files
        ]
        config = {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": _shape(request), "seed": request.seed}
        return f"/models/{name}:generateContent", {
            "contents": [{"role": "user", "parts": [*shown, {"text": request.prompt}]}],
            "generationConfig": {field: value for field, value in config.items() if value not in (None, {})},
        }

    def _read_pictures(self, answer: Answer, asked: Asked, request: GenerationRequest) -> Pictures:
        value = whole_json(answer, asked)
        candidate = next((_wire.mapping(each) for each in _wire.sequence(value.get("candidates"))), {})
        parts = [part for part in _parts(candidate) if part.get("thought") is not True]
        claims = claimed(value, request.n)
        usage = usage_of(request, _counts(value.get("usageMetadata")), asked, made=min(len(claims), request.n))
        said = "".join((_wire.text(part.get("text")) or "")[:_SHOWN_TEXT] for part in parts[:_MAX_PARTS])
        reason = _wire.label(candidate.get("finishReason"))
        return painted(claims, value, usage, asked, most=request.n, said=_context(reason, said, asked))


def _shape(request: GenerationRequest) -> dict[str, str]:
    tier = request.size or request.resolution
    if tier is not None and "x" in tier:
        raise InvalidParameter(
            "Gemini takes no pixels.", fix="Use aspect_ratio, and 1K, 2K or 4K as resolution.", param="size"
        )
    ratio = None if request.aspect_ratio == "auto" else request.aspect_ratio
    given = {"aspectRatio": ratio, "imageSize": tier}
    return {name: value for name, value in given.items() if value is not None}


def _parts(candidate: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from map(_wire.mapping, _wire.sequence(_wire.mapping(candidate.get("content")).get("parts")))


def _context(reason: str | None, said: str, asked: Asked) -> dict[str, Any]:
    """What the model wrote in place of a picture, for its reader."""
    given = {"text": plain(said[:_SHOWN_TEXT], asked.secrets), "finish_reason": plain(reason, asked.secrets)}
    return {name: value for name, value in given.items() if value}


def _counts(value: Any) -> Counts:
    usage = _wire.mapping(value)
    prompt, answered, thought, total = (
        _wire.number(usage.get(f"{name}TokenCount")) for name in ("prompt", "candidates", "thoughts", "total")
    )
    if prompt is None or (answered is None and total is None):
        return Counts(all_in=prompt)
    zero = Decimal(0)
    # Tools' prompts are in the total alone.
    output = max((answered or zero) + (thought or zero), (total or zero) - prompt)
    inward = _by_modality(usage.get("promptTokensDetails"))
    outward = _by_modality(usage.get("candidatesTokensDetails"))
    return Counts(
        all_in=prompt,
        all_out=output,
        text_in=inward.get("TEXT"),
        images_in=inward.get("IMAGE"),
        # What is listed as words alone was no picture; what is not listed may have been one.
        images_out=outward.get("IMAGE", zero if outward else None),
        reasoning=thought,
    )


def _by_modality(details: Any) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for each in map(_wire.mapping, _wire.sequence(details)):
        name, count = _wire.text(each.get("modality")), _wire.number(each.get("tokenCount"))
        if name and count is not None:
            found[name] = found.get(name, Decimal(0)) + count
    return found
