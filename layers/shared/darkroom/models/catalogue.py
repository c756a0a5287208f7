"""What a provider offers, and its prices, as it publishes them."""

from datetime import datetime
from decimal import Decimal

from pydantic import Field

from darkroom.models.value import Value


class ParameterRange(Value):
    """What a parameter accepts: `enum` with values, `range` with bounds, `boolean`; other kinds may come."""

    type: str
    values: tuple[str, ...] = ()
    min: Decimal | None = None
    max: Decimal | None = None

    def accepts(self, value: object) -> bool:
        """Whether the value may be sent; of what is not understood, everything may."""
        if self.type == "enum":
            return str(value) in self.values
        if self.type == "range" and isinstance(value, int | Decimal):
            return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)
        return True


class PriceLine(Value):
    """One line of a price list. When a line applies is free text (`variant`); reserve by the dearest that may."""

    billable: str = Field(description="`output_image`, `input_image`, `input_text`, `input_reference`, …")
    unit: str = Field(description="`image`, `megapixel`, `token`, `request`, …")
    usd: Decimal | None = Field(description="Dollars per unit; None if unknown.")
    variant: str | None = None


class ImageModel(Value):
    """A model that makes pictures. Its parameters are the union over its endpoints."""

    id: str
    name: str
    description: str = ""
    created: datetime | None = None
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    parameters: dict[str, ParameterRange] = Field(default_factory=dict)
    supports_streaming: bool = False

    @property
    def max_references(self) -> int:
        found = self.parameters.get("input_references")
        return int(found.max) if found and found.max is not None else 0


class ImageEndpoint(Value):
    """One source of an image model: what it takes, and what it takes for it."""

    source: str
    slug: str
    parameters: dict[str, ParameterRange] = Field(default_factory=dict)
    passthrough: tuple[str, ...] = ()
    supports_streaming: bool = False
    prices: tuple[PriceLine, ...] = ()


class TokenPrices(Value):
    """Dollars per token, picture or request: a source's, or a model's cheapest one's. None is unknown, never free."""

    prompt: Decimal | None = None
    completion: Decimal | None = None
    request: Decimal | None = None
    image: Decimal | None = None
    image_output: Decimal | None = None
    internal_reasoning: Decimal | None = None


class ChatEndpoint(Value):
    """One source of a chat model, and what it takes."""

    source: str
    slug: str
    prices: TokenPrices = TokenPrices()
    max_completion_tokens: int | None = None


class ChatModel(Value):
    id: str
    name: str
    description: str = ""
    created: datetime | None = None
    context_length: int | None = None
    max_completion_tokens: int | None = None
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    prices: TokenPrices = TokenPrices()
    expires_at: datetime | None = None
    weights: str | None = Field(None, description="Where its weights are published, if they are.")
    reasons: bool = Field(False, description="Whether it can think before it answers.")

    @property
    def is_free(self) -> bool:
        """Prices of "0" do not say so: models that only paint have them, too."""
        return self.id.endswith(":free") or self.id == "openrouter/free"
