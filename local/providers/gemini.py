"""Gemini on this machine: conversations in OpenAI's language, and pictures in its own."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PIL import Image

from local.providers._base import Refused, Route
from local.providers._openai_like import THOUGHT_TOKENS, Model, OpenAiLikeSimulator, Prices, tokens
from local.providers._server import Request
from local.simulator import pictures
from local.simulator.delivery import Reply
from local.simulator.sizes import RATIOS, fit

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_SIZES = {"512": (512, 747), "1K": (1024, 1120), "2K": (2048, 1680), "4K": (4096, 2520)}
_SHOWN_TOKENS = 258
_SAID_TOKENS = 16

_MODELS = {
    "gemini-2.5-flash": Model("google/gemini-2.5-flash", Prices("0.30", "2.50", cached_in="0.075")),
    "gemini-3-flash-preview": Model("google/gemini-3-flash-preview", Prices("0.50", "3", cached_in="0.05")),
    "gemini-2.5-flash-image": Model(
        "google/gemini-2.5-flash-image", Prices("0.30", "2.50", images_in="0.30", images_out="30")
    ),
    "gemini-3.1-flash-image": Model(
        "google/gemini-3.1-flash-image", Prices("0.50", "3", images_in="0.50", images_out="60")
    ),
    "gemini-3-pro-image": Model("google/gemini-3-pro-image", Prices("2", "12", images_in="2", images_out="120")),
}


class Simulator(OpenAiLikeSimulator):
    name = "gemini"
    key_prefix = "AIza"
    path = "/v1beta/openai"
    painter = "google/gemini-2.5-flash-image"
    talker = "google/gemini-2.5-flash"
    fields = frozenset({"response_format", "reasoning_effort"})
    limits = ("max_tokens", "max_completion_tokens")
    quirks = OpenAiLikeSimulator.quirks | {"not_base64", "not_a_picture", "no_details", "image_safety"}
    thinks_within = False
    models = _MODELS

    def routes(self) -> Sequence[Route]:
        return [*super().routes(), ("POST", r"/v1beta/models/(?P<model>[^/:]+):generateContent", self._generate)]

    def key_of(self, request: Request) -> str | None:
        if request.path.startswith(self.path):
            return super().key_of(request)
        # As a bearer token a key is taken for one of OAuth.
        return None if "authorization" in request.headers else request.headers.get("x-goog-api-key")

    def error(self, status: int, message: str, **more: Any) -> Reply:
        error = {"code": status, "message": message, "status": more.get("word", _STATUSES.get(status, "UNKNOWN"))}
        if "details" in more:
            error["details"] = more["details"]
        return Reply.of_json({"error": error}, status)

    def unauthorised(self) -> Reply:
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
        return self.error(400, "API key not valid. Please pass a valid API key.", details=details)

    def unknown_field(self, name: str) -> str:
        return f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'

    def _handle(self, request: Request, is_too_large: bool) -> Reply:
        reply = super()._handle(request, is_too_large)
        # The one door puts its errors into a list.
        is_listed = reply.status >= 400 and request.path.startswith(self.path) and reply.body.startswith(b"{")
        return replace(reply, body=b"[" + reply.body + b"]") if is_listed else reply

    def _plan(self, request: Request) -> None:
        if self._wrong and self._wrong[0] == "refused" and request.path.startswith(self.path):
            raise Refused(self.error(400, "The input token count exceeds the maximum number of tokens allowed."))
        super()._plan(request)

    def _list(self, request: Request) -> Reply:
        reply = super()._list(request)
        return replace(reply, body=reply.body.replace(b'"id":"', b'"id":"models/'))

    def _paint(self, prompt: str, size: tuple[int, int], shown: Sequence[Image.Image]) -> bytes:
        return pictures.make(prompt, size, seed=len(self.charges), references=shown, detail=self.detail)

    def _generate(self, request: Request) -> Reply:
        data, name = self.json_of(request), request.parameters["model"]
        model = self.known(name, paints=True)
        prompt, shown = self._parts(data)
        size, painted = self._size(data.get("generationConfig") or {})
        words, looked_at = tokens(prompt), _SHOWN_TOKENS * len(shown)
        is_refused, thought = request.wrong == "image_safety", THOUGHT_TOKENS if request.wrong == "thinking" else 0
        is_painted = request.wrong not in ("no_picture", "image_safety")
        picture = self._paint(prompt, size, shown) if is_painted else b""
        painted = painted if is_painted else 0
        said = 0 if is_refused else _SAID_TOKENS
        self.charge(
            name,
            words * model.prices.of("text_in")
            + looked_at * model.prices.of("images_in")
            + (said + thought) * model.prices.of("text_out")
            + painted * model.prices.of("images_out"),
        )
        usage = _usage(words, looked_at, said, painted, thought, request.wrong)
        reason = {"no_picture": "NO_IMAGE", "image_safety": "IMAGE_SAFETY"}.get(str(request.wrong), "STOP")
        parts: list[dict[str, Any]] = (
            [] if is_refused else [{"text": "Here it is:" if is_painted else "I would rather not."}]
        )
        parts += [{**part, "thought": True} for part in _inline(picture, None) if thought]
        parts += _inline(picture, request.wrong)
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}
        body = {"candidates": [candidate], "modelVersion": name, "responseId": "picture"}
        return Reply.of_json(body if request.wrong == "no_usage" else {**body, "usageMetadata": usage})

    def _parts(self, data: Mapping[str, Any]) -> tuple[str, list[Image.Image]]:
        """The prompt, and the pictures to begin with."""
        if unknown := sorted(data.keys() - {"contents", "generationConfig", "safetySettings", "systemInstruction"}):
            raise Refused(self.error(400, self.unknown_field(unknown[0])))
        try:
            parts = data["contents"][-1]["parts"]
            shown = [base64.b64decode(part["inlineData"]["data"]) for part in parts if "inlineData" in part]
            return "".join(part.get("text", "") for part in parts), [Image.open(io.BytesIO(each)) for each in shown]
        except (KeyError, IndexError, TypeError, ValueError, OSError):
            raise Refused(self.error(400, "Unable to process input image.")) from None

    def _size(self, config: Mapping[str, Any]) -> tuple[tuple[int, int], int]:
        """Pixels and tokens."""
        if "IMAGE" not in config.get("responseModalities", ()):
            raise Refused(self.error(400, "The model does not support the requested response modalities."))
        shape = config.get("imageConfig") or {}
        ratio, tier = shape.get("aspectRatio", "1:1"), shape.get("imageSize", "1K")
        if ratio not in RATIOS or tier not in _SIZES:
            raise Refused(self.error(400, "Request contains an invalid argument."))
        across, _, down = ratio.partition(":")
        side, painted = _SIZES[tier]
        return fit(float(across) / float(down), side), painted

    def refusals(self) -> Mapping[str, Reply]:
        wait = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}]
        blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 0}}
        return {
            "refused": Reply.of_json({**blocked, "usageMetadata": {"promptTokenCount": 0, "totalTokenCount": 0}}),
            "busy": self.error(503, "The model is overloaded. Please try again later."),
            "limited": self.error(429, "Quota exceeded for quota metric.", details=wait),
            "without_billing": self.error(
                429, "You exceeded your current quota. * Quota exceeded for metric: free_tier, limit: 0", details=wait
            ),
            "elsewhere": self.error(400, "User location is not supported for the API use.", word="FAILED_PRECONDITION"),
            "forbidden": self.error(403, "Requests from this referer are blocked."),
            "internal": self.error(500, "An internal error has occurred."),
            "timed_out": self.error(504, "Deadline expired before operation could complete."),
        }


def _inline(picture: bytes, wrong: str | None) -> list[dict[str, Any]]:
    if not picture:
        return []
    encoded = {"not_base64": "!!!", "not_a_picture": base64.b64encode(b"%PDF-1.7").decode()}.get(str(wrong))
    data = encoded or base64.b64encode(picture).decode()
    return [{"inlineData": {"mimeType": "image/png", "data": data}}]


def _usage(words: int, looked_at: int, said: int, painted: int, thought: int, wrong: str | None) -> dict[str, Any]:
    totals = {
        "promptTokenCount": words + looked_at,
        "candidatesTokenCount": said + painted,
        "totalTokenCount": words + looked_at + said + painted + thought,
        **({"thoughtsTokenCount": thought} if thought else {}),
    }
    if wrong == "no_details":
        return totals
    inward = [{"modality": "TEXT", "tokenCount": words}, {"modality": "IMAGE", "tokenCount": looked_at}]
    # Beside a picture, the words are in the count alone.
    outward = [{"modality": "IMAGE", "tokenCount": painted} if painted else {"modality": "TEXT", "tokenCount": said}]
    return {**totals, "promptTokensDetails": inward, "candidatesTokensDetails": outward}
