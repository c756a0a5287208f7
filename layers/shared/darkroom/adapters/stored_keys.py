"""Rows of providers' keys, for those who read what is known of a key and not the key itself. See key_vault."""

from collections.abc import Mapping
from typing import Any, Final

from darkroom.models.key import KeyProvider, StoredKey

SEALED: Final = frozenset({"data_key", "ciphertext"})


def key_row_key(user: str, provider: KeyProvider) -> dict[str, str]:
    return {"pk": f"USER#{user}", "sk": f"KEY#{provider}"}


def described(row: Mapping[str, Any]) -> StoredKey:
    return StoredKey.model_validate({name: value for name, value in row.items() if name not in SEALED})
