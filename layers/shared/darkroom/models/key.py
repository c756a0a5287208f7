"""Keys of providers, kept for their users."""

from datetime import datetime

from pydantic import Field

from darkroom.models.value import Value

# Whose key it is: the name of one of `darkroom.providers`, which is the `purpose` in the KMS encryption context, too.
KeyProvider = str


class SealedSecret(Value):
    """A secret as it is stored: of no use without KMS."""

    data_key: bytes = Field(repr=False)
    ciphertext: bytes = Field(repr=False)


class StoredKey(Value):
    """What is known of a key without the key."""

    user: str
    provider: KeyProvider
    hint: str = Field(description="The key's last four characters, to tell keys apart by eye.")
    sha256: str = Field(description="Hex digest of the whole key; OpenRouter's own page for the key is named after it.")
    label: str = ""
    connected_at: datetime
    owner_sha256: str = Field("", description="Digest of the provider's id of the person whose key it is, if known.")
    sealed: SealedSecret | None = Field(
        None, exclude=True, repr=False, description="Only in an account, so that opening it reads no row again."
    )
