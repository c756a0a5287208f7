"""Which account a person of a provider (an OpenRouter user) signs in to."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Identity(BaseModel):
    """One OpenRouter user and the account that they belong to."""

    model_config = ConfigDict(frozen=True)

    sha256: str = Field(description="Digest of the OpenRouter user's id; the id is not kept.")
    hint: str = Field(description="The id's last four characters, to tell several apart by eye.")
    user: str
    verified: bool = Field(
        description="The OpenRouter user consented at OpenRouter itself. False: the account holds a pasted key of "
        "theirs, which proves no consent to sign in there."
    )
    linked_at: datetime
