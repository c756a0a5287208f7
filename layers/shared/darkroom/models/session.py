"""Signing in with a browser: the attempt, and the session it ends in."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class SignInAttempt(BaseModel):
    """One way to OpenRouter and back, good once and for ten minutes, for the browser that began it."""

    model_config = ConfigDict(frozen=True)

    sha256: str = Field(repr=False, description="Digest of the nonce in the callback's address.")
    browser_sha256: str = Field(repr=False, description="Digest of the browser's cookie.")
    code_verifier: str = Field(repr=False)
    return_to: str = Field(description="Path to go back to, on this origin.")
    expires_at: datetime
    used: bool = False


class Session(BaseModel):
    model_config = ConfigDict(frozen=True)

    sha256: str = Field(repr=False, description="Digest of the cookie's value.")
    user: str
    created_at: datetime
    expires_at: datetime
