"""The kinds of paid calls a job can be: pictures, a planner's turn, plain chat. Each is carried out, and read again.

Whatever a provider's client raises comes out of here as an error of ours: what it had sent by then may have been paid
for, and a job whose answer cannot be read is over all the same.
"""

import json
from collections.abc import Callable
from typing import Protocol, TypeVar

from darkroom.errors import DarkroomError, InternalError, NotFound, UnusableAnswer, Upstream
from darkroom.models.chat import ChatMessage, ChatRequest, ChatResult, CompletionRequest, CompletionResult
from darkroom.models.deadline import Deadline
from darkroom.models.generation import Dispatch, GenerationRequest, GenerationResult, RawAnswer, Reference
from darkroom.models.job import Job, PaidWork, ProviderCall, StoredBody, StoredImage
from darkroom.ports import ImageStore, PaidCall, Provider, Watch

T = TypeVar("T")
R = TypeVar("R")

MOST_STORED_BYTES = 64 * 1024 * 1024

_WRITTEN_HERE = "inputs/"
_MAX_PAINTED = 64.0  # megapixels of a picture that was paid for


class NotOurs(Exception):
    """The job was canceled, or another worker has it: nothing may be sent."""


Result = GenerationResult | ChatResult | CompletionResult


def unheard(_data: str) -> bool:
    """Where no reader follows a call."""
    return False


class CarryOut(Protocol):
    """(the key, until when, whom to tell, which of the job's calls, if there are several) -> what came of it."""

    def __call__(self, key: str, deadline: Deadline, watch: Watch, call: ProviderCall | None = None, /) -> Result: ...


class _Noted:
    """What a provider is told to tell, noting how far it came and whether it was the one who was told that raised."""

    def __init__(self, watch: Watch) -> None:
        self.is_dispatched = False
        self.raised: Exception | None = None
        self._watch = watch

    def on_dispatched(self, dispatch: Dispatch) -> None:
        self._tell(self._watch.on_dispatched, dispatch)
        self.is_dispatched = True

    def on_generation_id(self, generation_id: str) -> None:
        self._tell(self._watch.on_generation_id, generation_id)

    def on_answer(self, answer: RawAnswer) -> None:
        self._tell(self._watch.on_answer, answer)

    def on_event(self, data: str) -> bool:
        return self._tell(self._watch.on_event, data)

    def _tell(self, listener: Callable[[T], R], told: T) -> R:
        try:
            return listener(told)
        except Exception as error:
            self.raised = error
            raise


def prepare(work: PaidWork, provider: Provider, images: ImageStore) -> CarryOut:
    """Reads what the call needs, which costs nothing, and gives the call."""
    rates = {"rates": work.rates.get(provider.name, {})}
    references = tuple(Reference(data=_reference(image, images)) for image in work.inputs)
    if work.request is not None:
        pictures = work.request.model_copy(update={"references": references, **rates})
        return _guarded(provider, lambda which, call: provider.generate(share(pictures, which, work.max_seed), call))
    if work.chat is not None:
        chat = _with_pictures(work.chat, references).model_copy(update=rates)
        return _guarded(provider, lambda _, call: provider.chat(chat, call))
    stored = _stored(work)
    text = stored.text
    body = json.loads(images.read_output(str(stored.key), max_bytes=MOST_STORED_BYTES) if text is None else text)
    completion = _completion(stored, body).model_copy(update=rates)
    return _guarded(provider, lambda _, call: provider.complete(completion, call))


def share(request: GenerationRequest, call: ProviderCall | None, max_seed: int | None = None) -> GenerationRequest:
    """What one of several calls asks for. Each has another seed, or all would make the same picture.

    Seeds count up from the one that was asked for; those that would lie above max_seed count down from it instead.
    """
    if call is None:
        return request
    seed = request.seed
    if seed is not None:
        above = 0 if max_seed is None else max(0, seed + call.index - max_seed)
        seed = seed - above if above else seed + call.index
    return request.model_copy(update={"n": call.n, "seed": seed})


def raw_names(job: Job) -> tuple[str, ...]:
    """By which names the provider's answers to a job are kept, as they came."""
    return tuple(raw_name(job, call) for call in job.calls) or (job.id,)


def raw_name(job: Job, call: ProviderCall) -> str:
    return f"{job.id}/{call.index}"


def as_picture(job: Job) -> str | None:
    """The secret by which the answer to a job is kept as its picture; None if it is not to be.

    That is where the one picture that the provider makes is the job's, as it is.
    """
    work = job.work
    is_as_made = work is not None and work.request is not None and work.mask is None and work.output_format is None
    return job.key_sha256 if is_as_made and not job.calls else None


def answer_gone() -> NotFound:
    return NotFound("The job's answer is gone.", fix="It is kept no longer than the job.")


def reread(work: PaidWork, provider: Provider, answer: RawAnswer, call: ProviderCall | None = None) -> Result:
    """What the call would have come to, from the answer that was kept. The provider is asked for nothing.

    Raises:
        DarkroomError: there is nothing in it; `charged` says whether that was paid for.
    """
    try:
        return _reread(work, provider, answer, call)
    except DarkroomError:
        raise
    except Exception as error:
        raise _unreadable(provider, error) from error


def _reread(work: PaidWork, provider: Provider, answer: RawAnswer, call: ProviderCall | None) -> Result:
    known = {"rates": work.rates.get(provider.name, {}), **({"model": answer.model} if answer.model else {})}
    if work.request is not None:
        return provider.reread(share(work.request.model_copy(update=known), call, work.max_seed), answer)
    if work.chat is not None:
        return provider.reread_chat(work.chat.model_copy(update=known), answer)
    return provider.reread_completion(_completion(_stored(work), {}).model_copy(update=known), answer)


def _reference(image: StoredImage, images: ImageStore) -> bytes:
    """What comes in is kept as a file written here; what a model painted may hold anything, and is written again.

    Raises:
        CallerError: it is no picture that can be sent.
    """
    data = images.read_output(image.key, max_bytes=MOST_STORED_BYTES)
    if image.key.startswith(_WRITTEN_HERE):
        return data
    # Here, for most functions that have to do with paid jobs decode no picture.
    from darkroom.images.normalise import normalise

    return normalise(data, max_megapixels=_MAX_PAINTED).data


def _guarded(provider: Provider, call: Callable[[ProviderCall | None, PaidCall], Result]) -> CarryOut:
    def carry_out(key: str, deadline: Deadline, watch: Watch, which: ProviderCall | None = None, /) -> Result:
        noted = _Noted(watch)
        try:
            told = Watch(noted.on_dispatched, noted.on_generation_id, noted.on_answer, noted.on_event)
            return call(which, PaidCall(key, deadline, told))
        except DarkroomError:
            raise
        except Exception as error:
            if error is noted.raised:
                raise
            if not noted.is_dispatched:
                raise InternalError(
                    f"{provider.title} could not be asked ({type(error).__name__}).",
                    fix="Choose another model or provider.",
                ) from error
            raise _unreadable(provider, error) from error

    return carry_out


def _unreadable(provider: Provider, error: Exception) -> UnusableAnswer:
    return UnusableAnswer(
        f"{provider.title} sent an answer that cannot be used. It could not be read ({type(error).__name__}).",
        fix="Do not send it again yet: whether it was charged is being found out.",
        charged="unknown",
        upstream=Upstream(provider=provider.name),
    )


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
        stream=stored.stream,
    )
