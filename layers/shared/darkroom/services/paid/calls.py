"""The kinds of paid calls a job can be: pictures, a planner's turn, plain chat. Each is carried out, and read again."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from darkroom.errors import InternalError
from darkroom.images.normalise import normalise
from darkroom.models.chat import ChatMessage, ChatRequest, ChatResult
from darkroom.models.completion import CompletionRequest, CompletionResult
from darkroom.models.deadline import Deadline
from darkroom.models.generation import GenerationResult, RawAnswer, Reference
from darkroom.models.job import PaidWork, StoredBody, StoredImage
from darkroom.ports import ImageStore, OnAnswer, OnDispatched, OnGenerationId, Provider

MOST_STORED_BYTES = 64 * 1024 * 1024

_WRITTEN_HERE = "inputs/"
_MAX_PAINTED = 64.0  # megapixels of a picture that was paid for

Result = GenerationResult | ChatResult | CompletionResult


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom a provider tells what; see ports."""

    on_dispatched: OnDispatched
    on_generation_id: OnGenerationId
    on_answer: OnAnswer


CarryOut = Callable[[str, Deadline, Watch], Result]
"""(the key, until when, whom to tell) -> what came of it."""


def prepare(work: PaidWork, provider: Provider, images: ImageStore) -> CarryOut:
    """Reads what the call needs, which costs nothing, and gives the call."""
    rates = {"rates": work.rates.get(provider.name, {})}
    references = tuple(Reference(data=_reference(image, images)) for image in work.inputs)
    if work.request is not None:
        pictures = work.request.model_copy(update={"references": references, **rates})
        return lambda key, deadline, watch: provider.generate(pictures, key=key, deadline=deadline, **_told(watch))
    if work.chat is not None:
        chat = _with_pictures(work.chat, references).model_copy(update=rates)
        return lambda key, deadline, watch: provider.chat(chat, key=key, deadline=deadline, **_told(watch))
    stored = _stored(work)
    body = json.loads(images.read_output(stored.key, max_bytes=MOST_STORED_BYTES))
    completion = _completion(stored, body).model_copy(update=rates)
    return lambda key, deadline, watch: provider.complete(completion, key=key, deadline=deadline, **_told(watch))


def reread(work: PaidWork, provider: Provider, answer: RawAnswer) -> Result:
    """What the call would have come to, from the answer that was kept. Asks nobody."""
    known = {"rates": work.rates.get(provider.name, {}), **({"model": answer.model} if answer.model else {})}
    if work.request is not None:
        return provider.reread(work.request.model_copy(update=known), answer)
    if work.chat is not None:
        return provider.reread_chat(work.chat.model_copy(update=known), answer)
    return provider.reread_completion(_completion(_stored(work), {}).model_copy(update=known), answer)


def _reference(image: StoredImage, images: ImageStore) -> bytes:
    """What comes in is kept as a file written here; what a model painted may hold anything, and is written again.

    Raises:
        CallerError: it is no picture that can be sent.
    """
    data = images.read_output(image.key, max_bytes=MOST_STORED_BYTES)
    return data if image.key.startswith(_WRITTEN_HERE) else normalise(data, max_megapixels=_MAX_PAINTED).data


def _told(watch: Watch) -> "dict[str, Callable[..., None]]":
    return {
        "on_dispatched": watch.on_dispatched,
        "on_generation_id": watch.on_generation_id,
        "on_answer": watch.on_answer,
    }


def _with_pictures(chat: ChatRequest, references: tuple[Reference, ...]) -> ChatRequest:
    if not references:
        return chat
    last: ChatMessage = chat.messages[-1].model_copy(update={"images": references})
    return chat.model_copy(update={"messages": (*chat.messages[:-1], last)})


def _stored(work: PaidWork) -> StoredBody:
    if work.completion is None:
        raise InternalError("The job does not say what is to be done.")
    return work.completion


def _completion(stored: StoredBody, body: dict[str, object]) -> CompletionRequest:
    return CompletionRequest(
        model=stored.model,
        fallback_models=stored.fallback_models,
        body=body,
        max_completion_tokens=stored.max_completion_tokens,
        zdr=stored.zdr,
    )
