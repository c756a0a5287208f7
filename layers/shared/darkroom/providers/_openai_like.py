"""What providers have in common that speak OpenAI's language. Each is a file with a class over `OpenAiLike`, or where
it makes pictures over `Painter`, that says where it is, which models of the catalogue are its own, and how its dialect
differs; docs/providers.md has a whole example.

None of them keeps books that can be asked for a call, nor says what one cost: that is counted from its tokens.
"""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from darkroom.errors import InvalidParameter, PayloadTooLarge, UnsupportedModel
from darkroom.models.chat import ChatRequest, ChatResult, CompletionRequest, CompletionResult
from darkroom.models.deadline import Deadline
from darkroom.models.generation import Call, GenerationRecord, GenerationRequest, GenerationResult, RawAnswer, Usage
from darkroom.models.key import KeyStatus
from darkroom.models.provider import Skill
from darkroom.ports import PaidCall
from darkroom.providers import _openai_like_chat as wire
from darkroom.providers import _wire
from darkroom.providers._calls import Calls, Content, answered_by, in_turn
from darkroom.providers._chat import MAX_TEXT, Reply
from darkroom.providers._completions import Completion
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer, HttpClient, Timeouts
from darkroom.providers._images import Pictures, whole_json
from darkroom.providers._openai_like_chat import Dialect
from darkroom.providers._openai_like_errors import refused
from darkroom.providers._retry import Retries
from darkroom.providers._settings import ProviderSettings
from darkroom.providers._unable import WithoutPictures, unable

_FREE_SECONDS = 20.0
# Of a shorter key the last four characters would tell too much.
_LONG_ENOUGH = 20


class OpenAiLike(WithoutPictures):
    """Implements ports.Provider and ports.KeyInspector, for conversations.

    Args:
        settings: where it is, and how patient to be.
        http, retries: how it is called; by default as the settings say.
    """

    name: str
    title: str
    console_url: str
    origin: str
    path = "/v1"
    skills: frozenset[Skill] = frozenset({"chat"})
    keeps_books = False
    makers: frozenset[str]
    sources: frozenset[str]
    dialect = Dialect()
    most_bytes: int | None = None
    """Of a request's body; None where nobody says."""

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        http: HttpClient | None = None,
        retries: Retries | None = None,
    ) -> None:
        settings = settings or ProviderSettings()
        self._origin = settings.url or self.origin
        self._fetcher = settings.fetcher
        self._http = http or HttpClient(Timeouts(settings.connect_seconds, settings.read_seconds))
        self._retries = retries or Retries(attempts=settings.attempts)

    @abstractmethod
    def serves(self, model: str) -> str | None:
        """As ports.Provider.serves."""

    def _calls_at(self, path: str, **more: Any) -> Calls:
        return Calls(
            provider=self.name,
            title=self.title,
            base_url=f"{self._origin}{path}",
            headers={},
            refused=refused,
            http=self._http,
            retries=self._retries,
            fetcher=self._fetcher,
            **more,
        )

    @cached_property
    def _calls(self) -> Calls:
        return self._calls_at(self.path)

    @cached_property
    def _lists(self) -> Calls:
        """How the models are asked for."""
        return self._calls

    def chat(self, request: ChatRequest, call: PaidCall) -> ChatResult:
        self._check_promises(zdr=request.zdr)
        if request.paints != "no":
            raise unable(self.title, "paint in a conversation")

        def ask(model: str) -> ChatResult:
            body = self._adapted(wire.body(request, self._own(model), self.dialect))
            self._check_size(body)
            reply, _, asked = self._calls.paid(
                "/chat/completions",
                body,
                lambda answer, asked: wire.read(answer, asked, request),
                call,
                model=model,
            )
            return self._chat_result(request, reply, answered_by(asked, request.model, model))

        return in_turn((request.model, *request.fallback_models), call, ask)

    def reread_chat(self, request: ChatRequest, answer: RawAnswer) -> ChatResult:
        kept, asked = self._calls.again(answer, request.model)
        return self._chat_result(
            request, wire.read(kept, asked, request), answered_by(asked, request.model, asked.model)
        )

    def complete(self, request: CompletionRequest, call: PaidCall) -> CompletionResult:
        self._check_promises(zdr=request.zdr or _wire.mapping(request.body.get("provider")).get("zdr") is True)

        def ask(model: str) -> CompletionResult:
            body = wire.completion_body(request, self._own(model), self.dialect)
            self._check_size(body)
            found, _, asked = self._calls.paid(
                "/chat/completions",
                body,
                lambda answer, asked: wire.read_completion(answer, asked, request.rates.get(model)),
                call,
                model=model,
                keeps_order=True,
            )
            return self._completion_result(request, found, answered_by(asked, request.model, model))

        return in_turn((request.model, *request.fallback_models), call, ask)

    def reread_completion(self, request: CompletionRequest, answer: RawAnswer) -> CompletionResult:
        kept, asked = self._calls.again(answer, request.model)
        found = wire.read_completion(kept, asked, request.rates.get(asked.model or request.model))
        return self._completion_result(request, found, answered_by(asked, request.model, asked.model))

    def inspect(self, key: str) -> KeyStatus:
        # That the list of models is given is all that it tells of a key.
        self.models(key)
        shown = key[-4:] if len(key) >= _LONG_ENOUGH else ""
        return KeyStatus(label=f"{self.title} key …{shown}")

    def generation(self, generation_id: str, *, key: str) -> GenerationRecord | None:  # noqa: ARG002
        return None

    def models(self, key: str) -> tuple[str, ...]:
        found = self._lists.free("GET", self._models_path, whole_json, key=key, deadline=Deadline(_FREE_SECONDS))
        ids = (_wire.text(_wire.mapping(each).get("id")) for each in _wire.sequence(found.get("data")))
        return tuple(model.removeprefix("models/") for model in ids if model)

    _models_path = "/models"

    def _adapted(self, body: dict[str, Any]) -> Mapping[str, Any]:
        """The body of our own conversations as this model takes it."""
        return body

    def _own(self, model: str) -> str:
        name = self.serves(model)
        if name is None:
            detail = f"{self.title} does not offer {model}."
            raise UnsupportedModel(detail, fix="Choose one of its models, or another provider.", param="model")
        return name

    def _check_promises(self, *, zdr: bool) -> None:
        if zdr:
            raise InvalidParameter(
                f"{self.title} does not promise for a request that nothing of it is kept.",
                fix="Use OpenRouter, or do without it.",
                param="zdr",
            )

    def _check_size(self, body: Mapping[str, Any]) -> None:
        if self.most_bytes is not None and (size := len(_wire.to_json(body))) > self.most_bytes:
            raise PayloadTooLarge(
                f"{self.title} takes requests of up to {self.most_bytes} bytes; this one has {size}.",
                fix="Send fewer or smaller pictures.",
                context={"max_bytes": self.most_bytes},
            )

    def _chat_result(self, request: ChatRequest, reply: Reply, call: Call) -> ChatResult:
        left_out = self.dialect.left_out(request)
        return ChatResult(
            text=reply.text[:MAX_TEXT],
            finish_reason=reply.finish_reason,
            native_finish_reason=reply.native_finish_reason,
            usage=reply.usage or Usage(),
            call=call,
            warnings=(f"{self.title} knows no {', '.join(left_out)}: left out.",) if left_out else (),
        )

    def _completion_result(self, request: CompletionRequest, found: Completion, call: Call) -> CompletionResult:
        left_out = wire.left_out(request)
        warnings = (f"{self.title} knows no {', '.join(left_out)}: left out.",) if left_out else ()
        return CompletionResult(body=found.body, usage=found.usage, call=call, warnings=warnings)


class Painter(OpenAiLike):
    """One that makes pictures, too."""

    skills: frozenset[Skill] = frozenset({"generate", "edit", "chat"})
    not_taken: tuple[str, ...] = ()
    """Fields of a request for pictures that this provider has nothing like."""

    @abstractmethod
    def _picture_call(self, request: GenerationRequest, name: str) -> tuple[str, Mapping[str, Any] | Content]:
        """Path and body.

        Raises:
            InvalidParameter: it cannot be asked for.
        """

    @abstractmethod
    def _read_pictures(self, answer: Answer, asked: Asked, request: GenerationRequest) -> Pictures:
        """The pictures in a 200.

        Raises:
            DarkroomError: there are none; `charged` says whether that was paid for.
        """

    @cached_property
    def _painting(self) -> Calls:
        """How pictures are asked for."""
        return self._calls

    def generate(self, request: GenerationRequest, call: PaidCall) -> GenerationResult:
        self._check_promises(zdr=request.zdr)

        def ask(model: str) -> GenerationResult:
            path, body = self._picture_call(request, self._own(model))
            found, _, asked = self._painting.paid(
                path,
                body,
                lambda answer, asked: self._read_pictures(answer, asked, request),
                call,
                model=model,
            )
            return self._picture_result(request, found, answered_by(asked, request.model, model))

        return in_turn((request.model, *request.fallback_models), call, ask)

    def reread(self, request: GenerationRequest, answer: RawAnswer) -> GenerationResult:
        kept, asked = self._calls.again(answer, request.model)
        found = self._read_pictures(kept, asked, request)
        return self._picture_result(request, found, answered_by(asked, request.model, asked.model))

    def _picture_result(self, request: GenerationRequest, found: Pictures, call: Call) -> GenerationResult:
        left_out = [name for name in self.not_taken if getattr(request, name) is not None]
        warnings = (f"{self.title} knows no {', '.join(left_out)}: left out.",) if left_out else ()
        return GenerationResult(
            images=found.images, usage=found.usage, call=call, warnings=(*found.warnings, *warnings)
        )
