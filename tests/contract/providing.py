"""How a provider is asked in the contract suite, and what it told meanwhile."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image

from darkroom.errors import DarkroomError
from darkroom.models.chat import ChatMessage, ChatRequest, ChatResult, CompletionRequest, CompletionResult
from darkroom.models.generation import Dispatch, GenerationResult, RawAnswer, Reference
from darkroom.ports import Provider
from local.providers import World, rates_of
from tests.paid_calls import paid_call

NOBODYS_KEY = "sk-nobodys-0123456789abcdef"


@dataclass
class Memory:
    """What a caller was told, in order."""

    told: list[Dispatch | str | RawAnswer] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    @property
    def callbacks(self) -> dict[str, Any]:
        told = dict.fromkeys(("on_dispatched", "on_generation_id", "on_answer"), self.told.append)
        return {**told, "on_event": self.events.append}

    @property
    def dispatches(self) -> list[Dispatch]:
        return [told for told in self.told if isinstance(told, Dispatch)]

    @property
    def kept(self) -> RawAnswer:
        """The last answer."""
        return [told for told in self.told if isinstance(told, RawAnswer)][-1]


@dataclass
class Asking:
    """A user of a provider, and its stand-in."""

    provider: Provider
    world: World
    memory: Memory = field(default_factory=Memory)

    def paint(self, *, key: str = "", **more: Any) -> GenerationResult:
        """The plainest picture there is to be had: of words, or where there is no other, made over."""
        callbacks = {**self.memory.callbacks, **more.pop("callbacks", {})}
        request = self.world.picture(**more)
        return self.provider.generate(request, paid_call(key or self.world.key, **callbacks))

    def chat_request(self, text: str = "Warmer?", **more: Any) -> ChatRequest:
        model = str(self.world.talker)
        messages = (
            ChatMessage(role="system", text="Be brief."),
            ChatMessage(role="user", text=text, images=more.pop("images", ())),
        )
        given = {
            "model": model,
            "messages": messages,
            "max_completion_tokens": 500,
            "rates": rates_of(self.world, model),
        }
        return ChatRequest(**{**given, **more})

    def talk(self, *, key: str = "", **more: Any) -> ChatResult:
        request = self.chat_request(**more)
        return self.provider.chat(request, paid_call(key or self.world.key, **self.memory.callbacks))

    def completion_request(self, **more: Any) -> CompletionRequest:
        model = str(self.world.talker)
        return CompletionRequest(
            model=model,
            body={"messages": [{"role": "user", "content": "Warmer?"}], **more},
            max_completion_tokens=500,
            rates=rates_of(self.world, model),
        )

    def complete(self, *, stream: bool = False, **more: Any) -> CompletionResult:
        request = self.completion_request(**more).model_copy(update={"stream": stream})
        return self.provider.complete(request, paid_call(self.world.key, **self.memory.callbacks))

    def first(self, *, key: str = "") -> GenerationResult | ChatResult:
        """Whatever it can do first: a picture, else a conversation."""
        return self.paint(key=key) if self.world.painter else self.talk(key=key)


def failure(ask: Callable[[], object]) -> DarkroomError:
    with pytest.raises(DarkroomError) as raised:
        ask()
    return raised.value


def dot(colour: str = "teal", form: str = "PNG") -> Reference:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(buffer, form)
    return Reference(data=buffer.getvalue())
