"""What models are made of: values that never change once they are made.

`defer_build`, here and in the schemas of HTTP: a model's validator is made when it is first used. A function loads more
models than a request needs.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict

LATER: Final = ConfigDict(defer_build=True)
"""Of a TypeAdapter whose validator is made when it is first used."""


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class StrictValue(Value):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid")
