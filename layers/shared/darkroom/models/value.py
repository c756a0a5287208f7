"""What models are made of: values that never change once they are made."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class StrictValue(Value):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid")
