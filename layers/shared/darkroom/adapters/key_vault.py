"""Keys under KMS: a data key for each secret, Fernet under it.

    pk=USER#{user}  sk=KEY#{provider}   data_key (encrypted by KMS), ciphertext, and what is known of the key

KMS gives the data key back only in the same encryption context, `{tenant, purpose}`. So a row that is copied to another
user, or used for another purpose, is of no use, and IAM can tell purposes apart. `tenant` is a digest: contexts are
written to CloudTrail, user names need not be.
"""

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from cryptography.fernet import Fernet, InvalidToken

from darkroom.adapters.aws import code_of, translated
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.errors import KeyUnreadable
from darkroom.models.key import KeyProvider, StoredKey
from darkroom.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

CACHE_LIFETIME = timedelta(minutes=5)
_MOST_CACHED = 100
_SEALED = ("data_key", "ciphertext")


class KmsKeyVault:
    """Args:
    key_id: of the KMS key; any form that KMS takes.
    clock: decides when a decrypted key is forgotten.
    """

    def __init__(self, *, table: str, dynamodb: "DynamoDBClient", kms: "KMSClient", key_id: str, clock: Clock) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._kms = kms
        self._key_id = key_id
        self._cache = _Cache(clock)

    def store(self, key: StoredKey, secret: str) -> None:
        with translated():
            made = self._kms.generate_data_key(
                KeyId=self._key_id, NumberOfBytes=32, EncryptionContext=_context(key.user, key.provider)
            )
        row = {
            **_row_key(key.user, key.provider),
            **key.model_dump(mode="json"),
            "data_key": made["CiphertextBlob"],
            "ciphertext": _fernet(made["Plaintext"]).encrypt(secret.encode()),
        }
        with translated():
            self._dynamodb.put_item(TableName=self._table, Item=to_item(row))

    def reveal(self, user: str, provider: KeyProvider) -> str | None:
        row = self._row(user, provider)
        if row is None:
            return None
        # The row is read every time, so a key that was removed or replaced is never used again; KMS is asked once.
        ciphertext = bytes(row["ciphertext"])
        cached = self._cache.get((user, provider, ciphertext))
        if cached is not None:
            return cached
        secret = self._decrypt(user, provider, bytes(row["data_key"]), ciphertext)
        self._cache.put((user, provider, ciphertext), secret)
        return secret

    def describe(self, user: str) -> Sequence[StoredKey]:
        with translated():
            found = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :key)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":key": "KEY#"}),
                ConsistentRead=True,
            )
        return [_described(to_row(item)) for item in found["Items"]]

    def remove(self, user: str, provider: KeyProvider) -> StoredKey | None:
        with translated():
            removed = self._dynamodb.delete_item(
                TableName=self._table, Key=to_item(_row_key(user, provider)), ReturnValues="ALL_OLD"
            )
        return _described(to_row(removed["Attributes"])) if "Attributes" in removed else None

    def _row(self, user: str, provider: KeyProvider) -> dict[str, Any] | None:
        with translated():
            found = self._dynamodb.get_item(
                TableName=self._table, Key=to_item(_row_key(user, provider)), ConsistentRead=True
            )
        return to_row(found["Item"]) if "Item" in found else None

    def _decrypt(self, user: str, provider: KeyProvider, data_key: bytes, ciphertext: bytes) -> str:
        try:
            with translated():
                opened = self._kms.decrypt(
                    CiphertextBlob=data_key, KeyId=self._key_id, EncryptionContext=_context(user, provider)
                )
            return _fernet(opened["Plaintext"]).decrypt(ciphertext).decode()
        except InvalidToken:
            raise KeyUnreadable("The stored key does not match its seal.", fix="Connect again.") from None
        except ClientError as error:
            if code_of(error) not in ("InvalidCiphertextException", "IncorrectKeyException"):
                raise
            raise KeyUnreadable("The stored key cannot be opened.", fix="Connect again.") from error


class _Cache:
    """Decrypted keys, in this container's memory alone, for a short while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str, bytes], tuple[datetime, str]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, str, bytes]) -> str | None:
        with self._lock:
            until, secret = self._kept.get(key, (None, None))
            if until is None or until <= self._clock():
                self._kept.pop(key, None)
                return None
            return secret

    def put(self, key: tuple[str, str, bytes], secret: str) -> None:
        with self._lock:
            self._kept[key] = (self._clock() + CACHE_LIFETIME, secret)
            while len(self._kept) > _MOST_CACHED:
                self._kept.popitem(last=False)


def tenant_of(user: str) -> str:
    return hashlib.sha256(f"darkroom:{user}".encode()).hexdigest()[:32]


def _context(user: str, provider: KeyProvider) -> dict[str, str]:
    return {"tenant": tenant_of(user), "purpose": provider}


def _fernet(data_key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(data_key))


def _row_key(user: str, provider: KeyProvider) -> dict[str, str]:
    return {"pk": f"USER#{user}", "sk": f"KEY#{provider}"}


def _described(row: dict[str, Any]) -> StoredKey:
    return StoredKey.model_validate({name: value for name, value in row.items() if name not in _SEALED})
