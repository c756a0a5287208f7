"""Signing in with a browser: the attempt or the link, the session it ends in, and who of a provider signs in where."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from darkroom.models.key import NO_TERMS, KeyTerms
from darkroom.models.token import USER_PATTERN
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


SignedInWith = Literal["openrouter", "link", "token", "guest"]
GUEST: Final = "guest-"
"""How users begin that are guests; each session of a guest is a user by itself."""


class SignInAttempt(Value):
    """One way to OpenRouter and back, good once and for ten minutes, for the browser that began it."""

    sha256: str = Field(repr=False, description="Digest of the nonce in the callback's address.")
    browser_sha256: str = Field(repr=False, description="Digest of the browser's cookie.")
    code_verifier: str = Field(repr=False)
    return_to: str = Field(description="Path to go back to, on this origin.")
    expires_at: datetime
    used: bool = False
    user: str = Field("", description="The account that the key is for; empty: the OpenRouter user's own.")
    session_sha256: str = Field("", description="The session that began it, which has to be there at its end.")
    new_account: bool = Field(False, description="The person said that no account here is theirs yet.")
    move: bool = Field(False, description="The person agreed to move the OpenRouter user from another account.")
    terms: KeyTerms = NO_TERMS


class SignInLink(Value):
    """A link that signs one browser in to an account, once."""

    sha256: str = Field(repr=False, description="Digest of the secret in the link.")
    user: str = Field(pattern=USER_PATTERN)
    created_at: datetime
    expires_at: datetime
    used: bool = False


class Session(Value):
    sha256: str = Field(repr=False, description="Digest of the cookie's value.")
    user: str
    created_at: datetime
    expires_at: datetime
    signed_in_with: SignedInWith = "openrouter"
    token_sha256: str = Field(
        "", repr=False, description="Of the API token that it was opened with, which it ends and is limited with."
    )
