"""The simulator of OpenRouter (`local/simulator`) as the contract suite sees a provider."""

from types import TracebackType
from typing import Any, Self

from darkroom.models.generation import GenerationRequest
from darkroom.models.rates import Rates
from local import simulator
from local.journal import Journal
from local.simulator.pictures import SKETCH

_NAMES = {"refused": "moderation", "busy": "overloaded", "cut": "cut_body", "no_picture": "no_image"}


class Simulator:
    """Implements World."""

    painter: str | None = "black-forest-labs/flux.2-klein-4b"
    talker: str | None = "google/gemini-2.5-flash"

    def __init__(self, port: int = 0, *, key: str | None = None, detail: int = SKETCH) -> None:
        self._simulator = simulator.Simulator(port, key=key, detail=detail)
        self.key = self._simulator.key

    @property
    def url(self) -> str:
        return self._simulator.url

    def picture(self, **more: Any) -> GenerationRequest:
        return GenerationRequest(**{"model": self.painter, "prompt": "A flat red circle", **more})

    def rates(self, _model: str) -> Rates | None:
        """None: its answers tell the cost."""
        return None

    def go_wrong(self, what: str, /, **options: object) -> None:
        self._simulator.scenario(_NAMES.get(what, what), parameters=options)
        if what == "cut":
            self._simulator.scenario("cut_stream", parameters={"after": 3})

    def requests(self) -> int:
        return sum(entry["method"] == "POST" for entry in self._simulator.world.log.entries())

    def invoice(self) -> int:
        return sum(charge["micro_usd"] for charge in self._simulator.state.invoice())

    def reset(self) -> None:
        self._simulator.reset()

    def keep(self, journal: Journal) -> None:
        self._simulator.state.keep(journal)

    def __enter__(self) -> Self:
        self._simulator.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._simulator.__exit__(kind, error, trace)
