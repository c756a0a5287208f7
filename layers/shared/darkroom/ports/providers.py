"""Model providers, and what a caller is told while a paid call runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from darkroom.models.catalogue import ChatEndpoint, ChatModel, ImageEndpoint, ImageModel
    from darkroom.models.chat import ChatRequest, ChatResult, CompletionRequest, CompletionResult
    from darkroom.models.deadline import Deadline
    from darkroom.models.generation import Dispatch, GenerationRecord, GenerationRequest, GenerationResult, RawAnswer
    from darkroom.models.key import KeyStatus
    from darkroom.models.provider import Skill


OnEvent = Callable[[str], bool]
"""The data of one event of a streamed answer, as soon as it has come and before `on_answer`. The result says whether
any of the answer has been passed on to a reader: no other attempt may follow then, for its answer would be another."""


class Watch(Struct, frozen=True):
    """What a caller is told while a paid call runs, in this order and again for each attempt.

    What one of them raises ends the call, so after `on_dispatched` they had better not.
    """

    on_dispatched: Callable[[Dispatch], None]
    """The request is about to be sent: write down that money may be spent. Earlier attempts were proven unbilled."""
    on_generation_id: Callable[[str], None]
    """The headers have come: the id by which the provider's books know what the last dispatch became."""
    on_answer: Callable[[RawAnswer], None]
    """The bytes have come and nobody has tried to understand them: keep them, they may have been paid for."""
    on_event: OnEvent


@dataclass(slots=True)
class PaidCall:
    """With which key a call is made that may cost money, until when, and who is told of it.

    Args:
        attempts: how often it was tried so far, over all its models.
    """

    key: str = field(repr=False)
    deadline: Deadline
    watch: Watch
    attempts: int = 0


class CatalogueSource(Protocol):
    """Who publishes models and their prices, for whichever provider serves them. Free of charge, and without a key.

    Raises:
        ProviderError, ServiceUnavailable: from every method; see each class.
    """

    def image_models(self) -> Sequence[ImageModel]: ...

    def image_endpoints(self, model: str) -> Sequence[ImageEndpoint]:
        """Who serves an image model, with what limits and prices; may be empty.

        Raises:
            UnsupportedModel: there is no such model.
        """

    def chat_models(self) -> Sequence[ChatModel]:
        """All models but those for `generate` alone have text among their outputs."""

    def chat_endpoints(self, model: str) -> Sequence[ChatEndpoint]:
        """Who serves one of `chat_models`, with what prices; may be empty.

        Raises:
            UnsupportedModel: there is no such model.
        """

    def private_models(self) -> Sequence[str]:
        """The ids of those that have a source which keeps nothing of what it is sent."""


class Provider(Protocol):
    """A company's models, called with a user's own key.

    `generate` and `chat` may cost money. They are tried again, and go on to fallback models, only after an attempt that
    is proven to be unbilled, and never past the deadline. Their errors say in `charged` whether money was spent, and
    carry `upstream`; with "unknown" the caller finds out by `generation`, and does not call again before.

    Raises:
        CallerError, ProviderError, ServiceUnavailable: from every method; see each class.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str:
        """As people write it."""

    @property
    def console_url(self) -> str:
        """Where its users look after their keys: revoking one is done there alone."""

    @property
    def skills(self) -> frozenset[Skill]:
        """What it can be asked for. Without `generate` and `edit` nobody calls `generate`, and so on."""

    @property
    def keeps_books(self) -> bool:
        """Whether `generation`, or what `inspect` says was used, tells what a call cost whose answer did not."""

    @property
    def makers(self) -> frozenset[str]:
        """The authors, in the catalogue's ids, whose published prices are this provider's own; none if it makes none.

        `google` for Gemini; nobody for one that serves the models of others, and for an intermediary.
        """

    @property
    def sources(self) -> frozenset[str]:
        """What the catalogue calls it where it is one of a model's sources: names and slugs, in lower case."""

    def serves(self, model: str) -> str | None:
        """Its own name for a model of the catalogue; None for one that it has not. Asks nobody."""

    def generate(self, request: GenerationRequest, call: PaidCall) -> GenerationResult:
        """Makes pictures, or with references makes them over. There is at least one, or it is an error."""

    def chat(self, request: ChatRequest, call: PaidCall) -> ChatResult:
        """The model's next turn. Where pictures were asked for there is at least one, or it is an error."""

    def reread(self, request: GenerationRequest, answer: RawAnswer) -> GenerationResult:
        """What `generate` would have made of an answer that it got and that was kept. Asks nobody."""

    def complete(self, request: CompletionRequest, call: PaidCall) -> CompletionResult:
        """Plain chat: the body is passed on as it is, with model, fallbacks and the token limit put in."""

    def reread_chat(self, request: ChatRequest, answer: RawAnswer) -> ChatResult:
        """As reread, of `chat`."""

    def reread_completion(self, request: CompletionRequest, answer: RawAnswer) -> CompletionResult:
        """As reread, of `complete`."""

    def inspect(self, key: str) -> KeyStatus:
        """As KeyInspector.inspect."""

    def generation(self, generation_id: str, *, key: str) -> GenerationRecord | None:
        """What the provider's books say of a call; None while they do not know it, which may last minutes."""

    def models(self, key: str) -> Sequence[str]:
        """The names of the models that the key can call now, as the provider has them; free of charge."""
