"""What providers do, and what they take for it where their answers do not tell."""

from decimal import Decimal
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.models.catalogue import PriceLine, TokenPrices

Skill = Literal["generate", "edit", "chat", "cutout"]
"""`generate`: pictures from words. `edit`: from pictures. `chat`: text, from text and pictures. `cutout`: a picture
without its background.
"""

AUTO: Final = "auto"


class Rates(BaseModel):
    """What a call is to be paid with, as published when it was admitted. A provider that tells the cost needs none.

    Of several lines for the same thing the dearest counts.
    """

    model_config = ConfigDict(frozen=True)

    lines: tuple[PriceLine, ...] = Field((), description="Of a model that makes pictures.")
    tokens: TokenPrices | None = Field(None, description="Of a model that makes text, beside pictures or without.")
    credit: Decimal | None = Field(None, description="Dollars for one of the provider's credits.")
