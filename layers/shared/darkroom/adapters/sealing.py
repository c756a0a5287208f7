"""Secrets under KMS: a data key for each, Fernet under it.

KMS gives a data key back only in the encryption context that it was made in, `{tenant, purpose}`. So a row that is
copied to another user, or used for another purpose, is of no use, and IAM can tell purposes apart. `tenant` is a
digest: contexts are written to CloudTrail, user names need not be.
"""

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from darkroom.adapters.aws import code_of, translated
from darkroom.errors import KeyUnreadable
from darkroom.ports import Clock

if TYPE_CHECKING:
    from cryptography.fernet import Fernet
    from mypy_boto3_kms import KMSClient

CACHE_LIFETIME = timedelta(minutes=5)
MOST_CACHED = 100

_CacheKey = tuple[str, str, bytes]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is kept: worth nothing without KMS."""

    data_key: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        return cls(bytes(row["data_key"]), bytes(row["ciphertext"]))

    @property
    def columns(self) -> dict[str, bytes]:
        return {"data_key": self.data_key, "ciphertext": self.ciphertext}


class KmsSealer:
    """Args:
    key_id: of the KMS key; any form that KMS takes.
    clock: decides when an opened secret is forgotten.
    fix: what the owner of a secret that cannot be opened is told to do.
    """

    def __init__(self, *, kms: "KMSClient", key_id: str, clock: Clock, fix: str) -> None:
        self._kms = kms
        self._key_id = key_id
        self._fix = fix
        self._cache = _Cache(clock)

    def seal(self, secret: str, *, user: str, purpose: str) -> Sealed:
        with translated():
            made = self._kms.generate_data_key(
                KeyId=self._key_id, NumberOfBytes=32, EncryptionContext=_context(user, purpose)
            )
        return Sealed(made["CiphertextBlob"], _fernet(made["Plaintext"]).encrypt(secret.encode()))

    def open(self, sealed: Sealed, *, user: str, purpose: str) -> str:
        """The secret. KMS is asked once in a while for the same one.

        Raises:
            KeyUnreadable: it was not sealed for this user and purpose.
        """
        place = (user, purpose, sealed.ciphertext)
        secret = self._cache.get(place)
        if secret is None:
            secret = self._decrypt(sealed, _context(user, purpose))
            self._cache.put(place, secret)
        return secret

    def _decrypt(self, sealed: Sealed, context: Mapping[str, str]) -> str:
        with translated():
            try:
                opened = self._kms.decrypt(
                    CiphertextBlob=sealed.data_key, KeyId=self._key_id, EncryptionContext=context
                )
            except ClientError as error:
                if code_of(error) not in ("InvalidCiphertextException", "IncorrectKeyException"):
                    raise
                raise KeyUnreadable("What is stored cannot be opened.", fix=self._fix) from error
        # Here and below: most functions only see that there is a secret.
        from cryptography.fernet import InvalidToken

        try:
            return _fernet(opened["Plaintext"]).decrypt(sealed.ciphertext).decode()
        except InvalidToken:
            raise KeyUnreadable("What is stored does not match its seal.", fix=self._fix) from None


class _Cache:
    """Opened secrets, in this container's memory alone, for a short while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[_CacheKey, tuple[datetime, str]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: _CacheKey) -> str | None:
        with self._lock:
            until, secret = self._kept.get(key, (None, None))
            if until is None or until <= self._clock():
                self._kept.pop(key, None)
                return None
            return secret

    def put(self, key: _CacheKey, secret: str) -> None:
        with self._lock:
            self._kept[key] = (self._clock() + CACHE_LIFETIME, secret)
            while len(self._kept) > MOST_CACHED:
                self._kept.popitem(last=False)


def tenant_of(user: str) -> str:
    return hashlib.sha256(f"darkroom:{user}".encode()).hexdigest()[:32]


def _context(user: str, purpose: str) -> dict[str, str]:
    return {"tenant": tenant_of(user), "purpose": purpose}


def _fernet(data_key: bytes) -> "Fernet":
    from cryptography.fernet import Fernet

    return Fernet(base64.urlsafe_b64encode(data_key))
