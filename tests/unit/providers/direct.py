"""Users of the providers that are asked directly, each with its simulator; nobody waits between attempts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from darkroom.errors import DarkroomError
from darkroom.models.generation import GenerationResult
from darkroom.providers import ProviderSettings
from darkroom.providers._openai_like import OpenAiLike
from darkroom.providers._retry import Retries
from darkroom.providers.anthropic import Anthropic
from darkroom.providers.gemini import Gemini
from darkroom.providers.groq import Groq
from darkroom.providers.openai import OpenAi
from local import providers as simulators
from local.providers import Simulator
from tests.contract.providing import Asking
from tests.paid_calls import paid_call

CLASSES: dict[str, type[OpenAiLike]] = {"anthropic": Anthropic, "gemini": Gemini, "groq": Groq, "openai": OpenAi}


@dataclass
class Direct(Asking):
    """Args: waits: seconds that were waited between attempts."""

    waits: list[float] = field(default_factory=list)

    @property
    def simulator(self) -> Simulator:
        assert isinstance(self.world, Simulator)
        return self.world

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.simulator.log if request.method == "POST"]

    def through(self, door: str) -> object:
        asks: dict[str, Callable[[], object]] = {
            "pictures": self.paint,
            "chat": self.talk,
            "completions": self.complete,
        }
        return asks[door]()

    def failure(self, door: str) -> DarkroomError:
        try:
            result = self.through(door)
        except DarkroomError as error:
            return error
        raise AssertionError(f"It went well: {result!r}")

    def edit(self, **more: Any) -> GenerationResult:
        request = self.world.picture(**more)
        return self.provider.generate(request, paid_call(self.world.key, **self.memory.callbacks))


@contextmanager
def simulating(*names: str, key: str | None = None) -> Iterator[dict[str, Direct]]:
    """A user of each."""
    running: dict[str, Direct] = {}
    try:
        for name in names:
            world = simulators.load(name)(key=key).__enter__()
            waits: list[float] = []
            retries = Retries(sleep=waits.append, uniform=lambda _low, _high: 0.0)
            provider = CLASSES[name](ProviderSettings(url=world.url), retries=retries)
            running[name] = Direct(provider, world, waits=waits)
        yield running
    finally:
        for direct in running.values():
            direct.world.__exit__(None, None, None)
