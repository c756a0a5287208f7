"""Which account a person of a provider (an OpenRouter user) signs in to."""

from datetime import datetime

from pydantic import Field

from darkroom.models.value import Value


class Identity(Value):
    """One OpenRouter user and the account that they belong to."""

    sha256: str = Field(description="Digest of the OpenRouter user's id; the id is not kept.")
    hint: str = Field(description="The id's last four characters, to tell several apart by eye.")
    user: str
    verified: bool = Field(
        description="The OpenRouter user consented at OpenRouter itself. False: the account holds a pasted key of "
        "theirs, which proves no consent to sign in there."
    )
    linked_at: datetime

    @property
    def is_own(self) -> bool:
        """Whether the account is the one that signing in made for this OpenRouter user, and would lead to again."""
        return self.user == account_of(self.sha256)


def account_of(sha256: str) -> str:
    """The account that signing in makes for an OpenRouter user, from the digest of the user's id."""
    return f"or-{sha256[:32]}"
