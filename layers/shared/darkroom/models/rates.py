"""What calls of providers are to be paid with, where their answers do not tell."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from darkroom.models.catalogue import PriceLine, TokenPrices
from darkroom.models.value import Value


class Rates(Value):
    """What a call of one model is to be paid with, as published when it was admitted. A provider that tells the cost
    needs none.

    Of several lines for the same thing the dearest counts.
    """

    lines: tuple[PriceLine, ...] = Field((), description="Of a model that makes pictures.")
    tokens: TokenPrices | None = Field(None, description="Of a model that makes text, beside pictures or without.")
    credit: Decimal | None = Field(None, description="Dollars for one of the provider's credits.")


def _readable(value: Any) -> Any:
    """Without what has another form, such as rates that are of no single model: what is not known is unknown."""
    if not isinstance(value, Mapping):
        return {}
    return {model: each for model, each in value.items() if _is_of_rates(each)}


def _is_of_rates(value: object) -> bool:
    return isinstance(value, Rates) or (isinstance(value, Mapping) and value.keys() <= Rates.model_fields.keys())


RatesByModel = Annotated[dict[str, Rates], BeforeValidator(_readable)]
"""By the catalogue's ids. What a call of a model costs that is not there is unknown."""
