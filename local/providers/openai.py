"""OpenAI on this machine: conversations, and pictures made and made over."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from darkroom.providers._http import EVENTS
from local.providers._base import Refused, Route
from local.providers._forms import form_of
from local.providers._openai_like import Model, OpenAiLikeSimulator, Prices, tokens
from local.providers._server import Request
from local.simulator import pictures
from local.simulator.delivery import Reply, event
from local.simulator.sizes import parse_pixels

_FIELDS = frozenset(
    {"model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "user"}
    | {"moderation", "input_fidelity", "stream", "partial_images"}
)
_TOKENS = {"low": 272, "medium": 1056, "high": 4160, "auto": 1056}
_SHOWN_TOKENS = 323
_IMPRESSION_TOKENS = 100
_THREE_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))

_MODELS = {
    "gpt-4o-mini": Model("openai/gpt-4o-mini", Prices("0.15", "0.60", cached_in="0.075")),
    "gpt-5.1-chat-latest": Model("openai/gpt-5.1-chat", Prices("1.25", "10", cached_in="0.125")),
    "gpt-image-2": Model("openai/gpt-image-2", Prices("5", images_in="8", images_out="30")),
    "gpt-image-1-mini": Model("openai/gpt-image-1-mini", Prices("2", images_in="2.5", images_out="8")),
}


class Simulator(OpenAiLikeSimulator):
    name = "openai"
    painter = "openai/gpt-image-2"
    talker = "openai/gpt-4o-mini"
    fields = frozenset({"seed", "user", "response_format", "parallel_tool_calls", "reasoning_effort"})
    quirks = OpenAiLikeSimulator.quirks | {"not_base64", "not_a_picture", "no_details"}
    models = _MODELS

    def routes(self) -> Sequence[Route]:
        return [
            *super().routes(),
            ("POST", "/v1/images/generations", self._generate),
            ("POST", "/v1/images/edits", self._edit),
        ]

    def unauthorised(self) -> Reply:
        return self.error(401, f"Incorrect API key provided: {self.key[:8]}***.", code="invalid_api_key")

    def _check(self, data: Mapping[str, Any]) -> None:
        super()._check(data)
        if str(data["model"]).startswith("gpt-5") and data.get("temperature", 1) != 1:
            message = "Unsupported value: 'temperature' does not support 0 with this model."
            raise Refused(self.error(400, message, param="temperature", code="unsupported_value"))

    def _generate(self, request: Request) -> Reply:
        return self._painted(request, self.json_of(request), [])

    def _edit(self, request: Request) -> Reply:
        try:
            fields, files = form_of(request)
        except ValueError as error:
            raise Refused(self.error(400, f"Invalid form: {error}")) from None
        if not files or {name for name, _ in files} > {"image", "image[]"}:
            raise Refused(self.error(400, "Missing required parameter: 'image'.", param="image"))
        shown = [self._opened(data) for _, data in files]
        numbers: dict[str, Any] = {name: int(fields[name]) for name in ("n", "output_compression") if name in fields}
        return self._painted(request, fields | numbers, shown)

    def _opened(self, data: bytes) -> Image.Image:
        try:
            return Image.open(io.BytesIO(data))
        except OSError:
            raise Refused(self.error(400, "Invalid image file.", param="image", code="invalid_image_file")) from None

    def _painted(self, request: Request, data: Mapping[str, Any], shown: list[Image.Image]) -> Reply:
        model = self.known(data.get("model"), paints=True)
        if unknown := sorted(data.keys() - _FIELDS):
            raise Refused(self.error(400, f"Unknown parameter: '{unknown[0]}'.", code="unknown_parameter"))
        count, quality, size = data.get("n", 1), data.get("quality", "auto"), self.size_of(data)
        if quality not in _TOKENS:
            raise Refused(self.error(400, f"Invalid value: '{quality}'.", param="quality", code="invalid_value"))
        if not data.get("prompt"):
            raise Refused(self.error(400, "Missing required parameter: 'prompt'.", param="prompt"))
        form = data.get("output_format", "png")
        made = [
            pictures.make(
                data["prompt"],
                size,
                seed=number,
                form=form,
                references=shown,
                compression=data.get("output_compression"),
                detail=self.detail,
            )
            for number in range(count)
        ]
        each = _TOKENS[quality] if size[0] == size[1] else _TOKENS[quality] * 3 // 2
        impressions = int(data.get("partial_images", 0))
        words, looked_at = tokens(data["prompt"]), _SHOWN_TOKENS * len(shown)
        painted = each * count + _IMPRESSION_TOKENS * impressions
        self.charge(
            str(data["model"]),
            words * model.prices.of("text_in")
            + looked_at * model.prices.of("images_in")
            + painted * model.prices.of("images_out"),
        )
        body = {
            "created": 1790983963,
            "size": f"{size[0]}x{size[1]}",
            "quality": quality,
            "output_format": form,
            "data": [{"b64_json": each} for each in _encoded(made, request.wrong)],
            **({} if request.wrong == "no_usage" else {"usage": _usage(words, looked_at, painted, request.wrong)}),
        }
        headers = {"x-request-id": "req_picture"}
        if data.get("stream") in (True, "true"):
            kind = "image_edit" if shown else "image_generation"
            return Reply(200, _events(kind, body, impressions), {"content-type": EVENTS, **headers})
        return Reply.of_json(body, headers=headers)

    def size_of(self, data: Mapping[str, Any]) -> tuple[int, int]:
        """The pixels that are asked for. Raises Refused: the model does not make such pictures."""
        given = data.get("size", "auto")
        size = (1024, 1024) if given == "auto" else parse_pixels(str(given))
        if size is None or not self._is_made(size, str(data["model"])):
            raise Refused(self.error(400, f"Invalid size '{given}'.", param="size", code="invalid_value"))
        return size

    def _is_made(self, size: tuple[int, int], model: str) -> bool:
        if model.startswith("gpt-image-1"):
            return size in _THREE_SIZES
        width, height = size
        return (
            width % 16 == height % 16 == 0
            and max(size) <= 3 * min(size)
            and max(size) <= 3840
            and width * height <= 3840 * 2160
        )

    def refusals(self) -> Mapping[str, Reply]:
        blocked = {"type": "image_generation_user_error", "code": "moderation_blocked"}
        limited = self.error(429, "Rate limit reached.", type="requests", code="rate_limit_exceeded")
        limited.headers["retry-after"] = "2"
        late = {"moderation_stage": "output", "categories": ["violence"]}
        return {
            "refused": self.error(400, "Your request was rejected by the safety system.", **blocked),
            "refused_late": self.error(400, "Rejected by the safety system.", **blocked, moderation_details=late),
            "busy": self.error(503, "The engine is currently overloaded.", type="server_error"),
            "limited": limited,
            "out_of_quota": self.error(
                429, "You exceeded your current quota.", type="insufficient_quota", code="insufficient_quota"
            ),
            "hard_limit": self.error(400, "Billing hard limit has been reached.", code="billing_hard_limit_reached"),
            "unverified": self.error(403, "Your organization must be verified to use the model."),
            "internal": self.error(500, "The server had an error.", type="server_error"),
            "bad_gateway": self.error(502, "Bad gateway.", type="server_error"),
            "context_length": self.error(400, "Maximum context length.", code="context_length_exceeded"),
        }


def _events(kind: str, body: Mapping[str, Any], impressions: int) -> bytes:
    """The same answer as a stream."""
    around = {name: body[name] for name in ("size", "quality", "output_format")}
    around |= {"created_at": body["created"], "background": "opaque"}
    told = [
        {"type": f"{kind}.partial_image", **around, "partial_image_index": index, "b64_json": picture["b64_json"]}
        for picture in body["data"]
        for index in range(impressions)
    ]
    usage = {"usage": body["usage"]} if "usage" in body else {}
    told += [{"type": f"{kind}.completed", **around, **picture, **usage} for picture in body["data"]]
    return b"".join(f"event: {each['type']}\n".encode() + event(each) for each in told)


def _encoded(made: Sequence[bytes], wrong: str | None) -> list[str]:
    match wrong:
        case "no_picture":
            return []
        case "not_base64":
            return ["!!!" for _ in made]
        case "not_a_picture":
            return [base64.b64encode(b"%PDF-1.7").decode() for _ in made]
    return [base64.b64encode(each).decode() for each in made]


def _usage(words: int, looked_at: int, painted: int, wrong: str | None) -> dict[str, Any]:
    totals = {
        "input_tokens": words + looked_at,
        "output_tokens": painted,
        "total_tokens": words + looked_at + painted,
    }
    if wrong == "no_details":
        return totals
    return {
        **totals,
        "input_tokens_details": {"text_tokens": words, "image_tokens": looked_at},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": painted},
    }
