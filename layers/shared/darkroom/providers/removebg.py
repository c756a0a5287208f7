"""remove.bg: one picture without its background, for credits. The wire stands at the top of `_removebg_wire`.

A cut-out is asked for as a picture made over: `generate` with one reference, and the service's own options (`size`,
`type`, `format`, …) among the routing's under `removebg`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from darkroom.models.deadline import Deadline
from darkroom.models.generation import GenerationRecord, GenerationRequest, GenerationResult, RawAnswer
from darkroom.models.key import KeyStatus
from darkroom.models.provider import Skill
from darkroom.ports import PaidCall, Provider
from darkroom.providers import _removebg_wire as wire
from darkroom.providers._calls import Calls, answered_by
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer, HttpClient, Timeouts
from darkroom.providers._images import unusable, whole_json
from darkroom.providers._removebg_errors import NAME, TITLE, refused
from darkroom.providers._retry import Retries
from darkroom.providers._settings import ProviderSettings
from darkroom.providers._unable import WithoutChat

_URL: Final = "https://api.remove.bg"
_FREE_SECONDS: Final = 20.0
MODEL: Final = "removebg"


def connect(settings: ProviderSettings | None = None) -> Provider:
    return RemoveBg(settings)


class RemoveBg(WithoutChat):
    """Implements ports.Provider and ports.KeyInspector.

    Args:
        settings: where it is, and what a credit costs its owner: without that no cost is known.
        http, retries: how it is called; by default as the settings say.
    """

    name = NAME
    title = TITLE
    console_url = "https://www.remove.bg/dashboard#api-key"
    skills: frozenset[Skill] = frozenset({"cutout"})
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
        settings = settings or ProviderSettings()
        self._credit = settings.credit_usd
        self._calls: Calls = Calls(
            provider=NAME,
            title=TITLE,
            base_url=f"{settings.url or _URL}/v1.0",
            headers={},
            refused=refused,
            http=http or HttpClient(Timeouts(settings.connect_seconds, settings.read_seconds)),
            retries=retries or Retries(attempts=settings.attempts),
            # As a bearer token it would be taken for one of OAuth.
            authorise=lambda key: {"X-Api-Key": key},
            kept=wire.kept,
        )

    def serves(self, model: str) -> str | None:
        return MODEL if model == MODEL else None

    def generate(self, request: GenerationRequest, call: PaidCall) -> GenerationResult:
        """The picture without its background. Nothing is sent that would be refused for its size or its options."""
        result, _, _ = self._calls.paid(
            "/removebg",
            wire.form(request),
            lambda answer, asked: self._result(request, answer, asked),
            call,
            # The picture itself; with JSON asked for, it would come as base64.
            headers={"Accept": "*/*"},
            model=MODEL,
        )
        return result

    def reread(self, request: GenerationRequest, answer: RawAnswer) -> GenerationResult:
        whole = wire.unkept(answer)
        asked = Asked(NAME, TITLE, paid=True, model=MODEL).answered(200, whole.headers)
        return self._result(request, whole, asked)

    def _result(self, request: GenerationRequest, answer: Answer, asked: Asked) -> GenerationResult:
        image, usage = wire.read(answer, asked, self._price(request))
        return GenerationResult(images=(image,), usage=usage, call=answered_by(asked, request.model, MODEL))

    def _price(self, request: GenerationRequest) -> Decimal | None:
        """Of a credit: what it was when the job was admitted."""
        rates = request.rates.get(MODEL)
        return rates.credit if rates and rates.credit is not None else self._credit

    def inspect(self, key: str) -> KeyStatus:
        """The credits that the key's account has left; see `_removebg_wire.key_status`."""
        return self._calls.free("GET", "/account", self._status, key=key, deadline=Deadline(_FREE_SECONDS))

    def _status(self, answer: Answer, asked: Asked) -> KeyStatus:
        value: Mapping[str, Any] = whole_json(answer, asked)
        try:
            return wire.key_status(value, self._credit)
        except ValueError as error:
            raise unusable(asked, "It does not say how many credits there are.") from error

    def generation(self, _generation_id: str, *, key: str) -> GenerationRecord | None:  # noqa: ARG002
        """Nothing: calls have no ids there."""
        return None

    def models(self, key: str) -> tuple[str, ...]:
        self.inspect(key)
        return (MODEL,)
