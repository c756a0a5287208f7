"""A client of the simulator that keeps what it was told, and does not wait between attempts."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from darkroom.errors import DarkroomError
from darkroom.models.chat import ChatMessage, ChatRequest, ChatResult
from darkroom.models.generation import Dispatch, GenerationRequest, GenerationResult, RawAnswer
from darkroom.ports import PaidCall
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from local.simulator import Simulator
from tests.paid_calls import paid_call
from tests.servers import LONGEST_SECONDS, Answer, Exchange, response, serving

PAINTER = "black-forest-labs/flux.2-klein-4b"
STREAMING_PAINTER = "openai/gpt-image-1-mini"
TALKER = "google/gemini-2.5-flash"
TALKING_PAINTER = "google/gemini-2.5-flash-image"

Result = GenerationResult | ChatResult


@dataclass
class Asking:
    """One user's client, and its memory."""

    simulator: Simulator
    key: str
    seconds: float = 20.0
    settings: dict[str, Any] = field(default_factory=dict)
    retries: dict[str, Any] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    answers: list[RawAnswer] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    @property
    def provider(self) -> OpenRouter:
        settings = ProviderSettings(**{"url": self.simulator.url, **self.settings})
        steady: dict[str, Any] = {"sleep": self.waits.append, "uniform": lambda _low, _high: 0.0}
        return OpenRouter(settings, retries=Retries(**{**steady, **self.retries}))

    @property
    def call(self) -> PaidCall:
        def keeping(name: str, kept: list[Any]) -> Callable[[Any], None]:
            def keep(told: Any) -> None:
                self.order.append(name)
                kept.append(told)

            return keep

        return paid_call(
            self.key,
            seconds=self.seconds,
            on_dispatched=keeping("dispatched", self.dispatches),
            on_generation_id=keeping("id", self.ids),
            on_answer=keeping("answer", self.answers),
            on_event=self.events.append,
        )

    def generate(self, model: str = PAINTER, prompt: str = "A flat red circle", **more: Any) -> GenerationResult:
        request = GenerationRequest(model=model, prompt=prompt, **more)
        return self.provider.generate(request, self.call)

    def chat(self, model: str = TALKER, text: str = "Make it warmer", **more: Any) -> ChatResult:
        messages = (ChatMessage(role="user", text=text, images=more.pop("images", ())),)
        more.setdefault("max_completion_tokens", 2000)
        request = ChatRequest(model=model, messages=messages, **more)
        return self.provider.chat(request, self.call)

    def through(self, door: str) -> Result:
        """The same call through one of the doors: `images`, `chat` and `painting` in a chat, each also streamed."""
        match door:
            case "images":
                return self.generate()
            case "images stream":
                return self.generate(STREAMING_PAINTER, stream=True)
            case "chat":
                return self.chat()
            case "chat stream":
                return self.chat(stream=True)
            case "painting":
                return self.chat(TALKING_PAINTER, paints="also", stream=False)
            case "painting stream":
                return self.chat(TALKING_PAINTER, paints="also")
        raise AssertionError(door)

    def failure(self, door: str = "images") -> DarkroomError:
        """The error of a call that is to fail."""
        try:
            result = self.through(door)
        except DarkroomError as error:
            return error
        raise AssertionError(f"It went well: {result!r}")

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The paid requests that arrived with this key."""
        return [entry for entry in self.simulator.world.log.entries() if entry["method"] == "POST"]

    @property
    def invoice(self) -> dict[str, int]:
        """Micro-dollars by generation."""
        return {charge["generation_id"]: charge["micro_usd"] for charge in self.simulator.state.invoice()}


def patiently(data: bytes, *, seconds: float = LONGEST_SECONDS) -> Answer:
    """Sends the data and stays until the client has gone, or for so long.

    A socket that is closed before the whole request was read resets the connection, and the answer may be lost.
    """

    def answer(exchange: Exchange) -> None:
        exchange.send(data)
        exchange.connection.settimeout(seconds)
        with suppress(OSError):
            while exchange.connection.recv(65536):
                pass

    return answer


def saying(value: Any, ask: Callable[[OpenRouter], Any], headers: dict[str, str] | None = None) -> Any:
    """What a question gives when the answer is this."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    with serving(patiently(response(body, headers=headers))) as server:
        settings = ProviderSettings(url=f"http://127.0.0.1:{server.port}", attempts=1)
        return ask(OpenRouter(settings, retries=Retries(attempts=1)))
