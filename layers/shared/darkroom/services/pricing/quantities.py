"""How much of what prices are for a request takes at most: pictures made, pictures shown, words."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from darkroom.models.catalogue import ImageEndpoint
from darkroom.models.generation import GenerationRequest
from darkroom.models.quote import InputShape
from darkroom.services.catalogue.capabilities import Candidate
from darkroom.services.pricing import token_counts
from darkroom.services.pricing.dimensions import AUTO, TIERS
from darkroom.services.pricing.token_counts import MEGAPIXEL

QUALITIES: Final = ("low", "medium", "high", "xhigh", "max")
# Models that are priced by pixels make no more of them, and look at no more of them.
MOST_MEGAPIXELS: Final = 4
# Options for a source that cost extra.
_FONTS: Final = "font_inputs"
_COSTLY: Final = (_FONTS, "super_resolution_references")


@dataclass(frozen=True)
class Work:
    """A request as one of the models would do it, in the units that prices are for."""

    request: GenerationRequest
    candidate: Candidate
    inputs: tuple[InputShape, ...]

    @property
    def model(self) -> str:
        return self.candidate.model.id

    @property
    def times(self) -> int:
        """How often what is sent may be paid for: OpenAI makes all pictures of one request, others perhaps not."""
        return 1 if self.model.startswith("openai/") else self.request.n

    @property
    def pixels(self) -> int:
        """The most that one picture has."""
        if self.request.size:
            width, _, height = self.request.size.partition("x")
            return int(width) * int(height)
        if self.request.resolution:
            return TIERS.get(self.request.resolution, max(TIERS.values())) ** 2
        unsaid = [TIERS.get(each, 0) ** 2 for each in self.candidate.values("resolution")]
        if self.request.aspect_ratio in (None, AUTO):
            # It may well be made as large as what it is made from.
            unsaid += [min(each.pixels, MOST_MEGAPIXELS * MEGAPIXEL) for each in self.inputs]
        return max(MEGAPIXEL, *unsaid, 0)

    @property
    def qualities(self) -> tuple[str, ...]:
        """What one picture may turn out as."""
        if self.request.quality not in (None, AUTO):
            return (str(self.request.quality),)
        return tuple(each for each in self.candidate.values("quality") if each != AUTO) or QUALITIES[:3]

    def made(self, unit: str) -> Decimal | None:
        """All the pictures that are made, in a unit; None for one that is not known here."""
        match unit:
            case "image" | "request":
                each = 1
            case "megapixel":
                each = megapixels(self.pixels)
            case "token":
                # What OpenAI's models make of their own accord is within the figures.
                pixels = self.pixels if self.request.size or not self.model.startswith("openai/") else MEGAPIXEL
                each = token_counts.picture(
                    self.model, pixels=pixels, tier=self.request.resolution, qualities=self.qualities
                )
                each += token_counts.PREVIEW if self.request.stream else 0
            case _:
                return None
        return Decimal(each * self.request.n)

    def shown(self, unit: str) -> Decimal | None:
        """All the pictures to work from, in a unit."""
        match unit:
            case "image":
                count = len(self.inputs)
            case "request":
                count = 1
            case "megapixel":
                count = sum(megapixels(each.pixels) for each in self.inputs)
            case "token":
                count = sum(token_counts.reference(self.model, each) for each in self.inputs)
            case _:
                return None
        return Decimal(count * self.times)

    def said(self, unit: str) -> Decimal | None:
        """The words, in a unit."""
        if unit == "token":
            return Decimal(token_counts.text(self.request.prompt) * self.times)
        return Decimal(self.times) if unit == "request" else None

    def fonts(self, endpoint: ImageEndpoint) -> int:
        given = self._options(endpoint).get(_FONTS, ())
        return len(given) if isinstance(given, list | tuple) else 1

    def has_unpriced_option(self, endpoint: ImageEndpoint) -> bool:
        priced = {line.billable for line in endpoint.prices}
        return any(
            name in self._options(endpoint) and not (name == _FONTS and "input_font" in priced) for name in _COSTLY
        )

    def _options(self, endpoint: ImageEndpoint) -> dict[str, object]:
        routing = self.request.routing
        return dict(routing.options.get(endpoint.slug, {})) if routing else {}


def megapixels(pixels: int) -> int:
    """Begun ones count."""
    return max(1, -(-pixels // MEGAPIXEL))
