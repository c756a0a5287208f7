"""How much of what prices are for a request takes, at most or probably: pictures made, pictures shown, words."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

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
_UNLISTED_REFERENCE: Final = Decimal("0.1")
_LIKELY_REFERENCE: Final = Decimal("0.07")
_DEFAULT_TIER: Final = "1K"


class Work(Struct, frozen=True):
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
    def tier(self) -> str | None:
        """The resolution whose prices hold; None where it may be any."""
        return self.request.resolution

    @property
    def quality(self) -> str | None:
        """The quality whose prices hold; None or `auto` where it may be any."""
        return self.request.quality

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
                each = self.painted_tokens() + token_counts.PREVIEW * self.impressions
            case _:
                return None
        return Decimal(each * self.request.n)

    @property
    def impressions(self) -> int:
        return _impressions(self.request)

    def painted_tokens(self) -> int:
        """Of one picture that is made."""
        # What OpenAI's models make of their own accord is within the figures.
        pixels = self.pixels if self.request.size or not self.model.startswith("openai/") else MEGAPIXEL
        return token_counts.picture(self.model, pixels=pixels, tier=self.request.resolution, qualities=self.qualities)

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
                count = sum(map(self.shown_tokens, self.inputs))
            case _:
                return None
        return Decimal(count * self.times)

    def shown_tokens(self, shape: InputShape) -> int:
        """Of one picture to work from."""
        return token_counts.reference(self.model, shape)

    def said(self, unit: str) -> Decimal | None:
        """The words, in a unit."""
        if unit == "token":
            return Decimal(self.said_tokens() * self.times)
        return Decimal(self.times) if unit == "request" else None

    def said_tokens(self) -> int:
        return token_counts.text(self.request.prompt)

    def unlisted_references(self, *, by_pixels: bool) -> Decimal:
        """Which share of the pictures made the pictures shown cost where no price is published for them.

        Args:
            by_pixels: whether what is made is priced by the megapixel.
        """
        shares = [min(megapixels(each.pixels), MOST_MEGAPIXELS) if by_pixels else 1 for each in self.inputs]
        return sum(shares) * _UNLISTED_REFERENCE

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


class LikelyWork(Work, frozen=True):
    """The same request as it will probably be done: fields that are missing get the providers' defaults."""

    @property
    def times(self) -> int:
        """No recorded provider charges again for pictures that are sent once."""
        return 1

    @property
    def tier(self) -> str | None:
        if self.request.resolution is not None:
            return self.request.resolution
        listed = [each for each in self.candidate.values("resolution") if each in TIERS]
        return _DEFAULT_TIER if _DEFAULT_TIER in listed or not listed else min(listed, key=TIERS.__getitem__)

    @property
    def quality(self) -> str | None:
        """As asked for, else medium, else the lowest that there is."""
        if self.request.quality not in (None, AUTO):
            return self.request.quality
        listed = [each for each in QUALITIES if each in self.candidate.values("quality")]
        return "medium" if "medium" in listed else next(iter(listed), None)

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height in pixels. Of no shape in particular a square is made, or one like the first input."""
        if self.request.size:
            width, _, height = self.request.size.partition("x")
            return int(width), int(height)
        longest = TIERS.get(self.tier or _DEFAULT_TIER, TIERS[_DEFAULT_TIER])
        across, _, down = (self.request.aspect_ratio or AUTO).partition(":")
        if down:
            shape = float(across) / float(down)
        else:
            # OpenAI's are squares unless another shape is asked for.
            first = self.inputs[0] if self.inputs and not self.model.startswith("openai/") else None
            shape = first.width / first.height if first else 1.0
        return (longest, max(1, round(longest / shape))) if shape >= 1 else (max(1, round(longest * shape)), longest)

    @property
    def pixels(self) -> int:
        width, height = self.sides
        return width * height

    @property
    def impressions(self) -> int:
        return _impressions(self.request)

    def painted_tokens(self) -> int:
        width, height = self.sides
        return token_counts.likely_picture(self.model, width=width, height=height, tier=self.tier, quality=self.quality)

    def shown_tokens(self, shape: InputShape) -> int:
        return token_counts.likely_reference(self.model, shape)

    def said_tokens(self) -> int:
        return token_counts.likely_text(self.request.prompt)

    def unlisted_references(self, *, by_pixels: bool) -> Decimal:
        """As observed: 7 % for each where pixels are priced, and nothing elsewhere."""
        return len(self.inputs) * _LIKELY_REFERENCE if by_pixels else Decimal(0)


def megapixels(pixels: int) -> int:
    """Begun ones count."""
    return max(1, -(-pixels // MEGAPIXEL))


def _impressions(request: GenerationRequest) -> int:
    """Counts the partial pictures to pay for: OpenRouter sends one with a stream, OpenAI as many as are asked for."""
    return max(int(request.stream), request.partial_images)
