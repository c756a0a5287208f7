"""OpenRouter: pictures through `/images`, conversations through `/chat/completions`, and sign-in by OAuth PKCE.

What each looks like on the wire stands at the top of `_images`, `_chat`, `_completions`, `_catalogue`,
`_openrouter_auth` and `_openrouter_errors`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from darkroom.errors import DarkroomError, InvalidParameter, UnsupportedModel
from darkroom.models.catalogue import ChatEndpoint, ChatModel, ImageEndpoint, ImageModel
from darkroom.models.chat import ChatRequest, ChatResult, CompletionRequest, CompletionResult
from darkroom.models.deadline import Deadline
from darkroom.models.generation import (
    Call,
    GenerationRecord,
    GenerationRequest,
    GenerationResult,
    RawAnswer,
    Usage,
)
from darkroom.models.key import KeyStatus
from darkroom.models.provider import Skill
from darkroom.ports import PaidCall, Provider
from darkroom.providers import _catalogue, _chat, _completions, _images, _wire
from darkroom.providers._calls import Calls, in_turn
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer, HttpClient
from darkroom.providers._openrouter_auth import OpenRouterAuth, inspect
from darkroom.providers._openrouter_calls import CONSOLE_URL, NAME, TITLE, calls
from darkroom.providers._retry import Retries
from darkroom.providers._settings import ProviderSettings

__all__ = ["OpenRouter", "OpenRouterAuth", "connect"]

_FREE_SECONDS = 20.0
_MODEL_ID = re.compile(r"~?[\w.-]+/[\w.:-]+", re.ASCII)


def connect(settings: ProviderSettings | None = None) -> Provider:
    return OpenRouter(settings)


class OpenRouter:
    """Implements ports.Provider, ports.KeyInspector and ports.CatalogueSource.

    Args:
        settings: where it is, and what it is told of this application.
        http, retries: how it is called; by default as the settings say.
    """

    name = NAME
    title = TITLE
    console_url = CONSOLE_URL
    skills: frozenset[Skill] = frozenset({"generate", "edit", "chat"})
    keeps_books = True
    makers: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        http: HttpClient | None = None,
        retries: Retries | None = None,
    ) -> None:
        self._calls: Calls = calls(settings, http=http, retries=retries)

    def serves(self, model: str) -> str | None:
        return model

    def generate(self, request: GenerationRequest, call: PaidCall) -> GenerationResult:
        models = (request.model, *request.fallback_models)
        return in_turn(models, call, lambda model: self._generate(request, model, call))

    def _generate(self, request: GenerationRequest, model: str, paid: PaidCall) -> GenerationResult:
        found, answer, asked = self._calls.paid(
            "/images",
            _images.body(request, model),
            lambda answer, asked: _images.read(answer, asked, most=request.n),
            paid,
        )
        call = _call(
            asked,
            answer,
            requested=request.model,
            used=model,
            source=_wire.label(answer.headers.get("x-provider-name")),
        )
        return GenerationResult(images=found.images, usage=found.usage, call=call, warnings=found.warnings)

    def reread(self, request: GenerationRequest, answer: RawAnswer) -> GenerationResult:
        kept, asked = self._calls.again(answer, request.model)
        found = _images.read(kept, asked, most=request.n)
        call = _call(asked, kept, requested=request.model, used=request.model, source=None)
        return GenerationResult(images=found.images, usage=found.usage, call=call, warnings=found.warnings)

    def chat(self, request: ChatRequest, call: PaidCall) -> ChatResult:
        reply, answer, asked = self._calls.paid(
            "/chat/completions",
            _chat.body(request),
            _chat_reader(request),
            call,
            headers=_chat.headers(request),
        )
        return _chat_result(request, reply, answer, asked)

    def reread_chat(self, request: ChatRequest, answer: RawAnswer) -> ChatResult:
        kept, asked = self._calls.again(answer, request.model)
        return _chat_result(request, _chat_reader(request)(kept, asked), kept, asked)

    def complete(self, request: CompletionRequest, call: PaidCall) -> CompletionResult:
        found, answer, asked = self._calls.paid(
            "/chat/completions",
            _completions.body(request),
            _completions.read,
            call,
            keeps_order=True,
        )
        return _completion_result(request, found, answer, asked)

    def reread_completion(self, request: CompletionRequest, answer: RawAnswer) -> CompletionResult:
        kept, asked = self._calls.again(answer, request.model)
        return _completion_result(request, _completions.read(kept, asked), kept, asked)

    def inspect(self, key: str) -> KeyStatus:
        return inspect(self._calls, key)

    def generation(self, generation_id: str, *, key: str) -> GenerationRecord | None:
        path = f"/generation?id={quote(generation_id, safe='')}"
        try:
            return _catalogue.generation(self._get(path, key=key), generation_id)
        except DarkroomError as error:
            if not _is_404(error):
                raise
            return None

    def models(self, key: str) -> tuple[str, ...]:
        # The list as this user's preferences leave it.
        return tuple(model.id for model in _catalogue.chat_models(self._get("/models/user", key=key)))

    def image_models(self) -> tuple[ImageModel, ...]:
        return _catalogue.image_models(self._get("/images/models"))

    def image_endpoints(self, model: str) -> tuple[ImageEndpoint, ...]:
        return _catalogue.image_endpoints(self._endpoints("/images/models", model, kind="image model"))

    def chat_models(self) -> tuple[ChatModel, ...]:
        # Without it, models that only paint are left out.
        return _catalogue.chat_models(self._get("/models?output_modalities=all"))

    def chat_endpoints(self, model: str) -> tuple[ChatEndpoint, ...]:
        return _catalogue.chat_endpoints(self._endpoints("/models", model, kind="model"))

    def private_models(self) -> tuple[str, ...]:
        return _catalogue.ids(self._get("/models?output_modalities=all&zdr=true"))

    def _endpoints(self, path: str, model: str, *, kind: str) -> Mapping[str, Any]:
        if not _MODEL_ID.fullmatch(model):
            raise InvalidParameter("A model is named author/slug.", fix="Choose a model from the list.", param="model")
        try:
            return self._get(f"{path}/{quote(model, safe='/')}/endpoints")
        except DarkroomError as error:
            if not _is_404(error):
                raise
            detail = f"OpenRouter has no {kind} {model}."
            raise UnsupportedModel(detail, fix="Choose a model from the list.", param="model") from None

    def _get(self, path: str, *, key: str = "") -> Mapping[str, Any]:
        return self._calls.free("GET", path, _images.whole_json, key=key, deadline=Deadline(_FREE_SECONDS))


def _is_404(error: DarkroomError) -> bool:
    return error.upstream is not None and error.upstream.status == 404


def _chat_reader(request: ChatRequest) -> Callable[[Answer, Asked], _chat.Reply]:
    return lambda answer, asked: _chat.read(answer, asked, paints=request.paints != "no")


def _chat_result(request: ChatRequest, reply: _chat.Reply, answer: Answer, asked: Asked) -> ChatResult:
    used = reply.model or request.model
    return ChatResult(
        text=reply.text[: _chat.MAX_TEXT],
        images=reply.images,
        finish_reason=reply.finish_reason,
        native_finish_reason=reply.native_finish_reason,
        from_cache=answer.headers.get("x-openrouter-cache-status", "").upper() == "HIT",
        usage=reply.usage or Usage(),
        call=_call(asked, answer, requested=request.model, used=used, source=reply.source),
        warnings=reply.warnings,
    )


def _completion_result(
    request: CompletionRequest, found: _completions.Completion, answer: Answer, asked: Asked
) -> CompletionResult:
    used = found.model or request.model
    call = _call(asked, answer, requested=request.model, used=used, source=found.source)
    return CompletionResult(body=found.body, usage=found.usage, call=call)


def _call(asked: Asked, answer: Answer, *, requested: str, used: str, source: str | None) -> Call:
    return Call(
        provider=NAME,
        model_requested=requested,
        model_used=used,
        source=source,
        generation_id=asked.generation_id,
        request_id=asked.request_id,
        attempts=asked.attempt,
        streamed=answer.is_events,
        is_simulated=asked.is_simulated,
    )
