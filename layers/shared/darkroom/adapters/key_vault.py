"""Providers' keys in DynamoDB, sealed for their users. The provider's name is the purpose in KMS's encryption context.

pk=USER#{user}  sk=KEY#{provider}   data_key (encrypted by KMS), ciphertext, and what is known of the key
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.adapters.sealing import KmsSealer, Sealed
from darkroom.adapters.stored_keys import described, key_row_key
from darkroom.errors import KeyUnreadable
from darkroom.models.key import KeyProvider, StoredKey
from darkroom.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient


class KmsKeyVault:
    """Args:
    key_id: of the KMS key; any form that KMS takes.
    clock: decides when a decrypted key is forgotten.
    """

    def __init__(self, *, table: str, dynamodb: "DynamoDBClient", kms: "KMSClient", key_id: str, clock: Clock) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._sealer = KmsSealer(kms=kms, key_id=key_id, clock=clock, fix="Connect again.")

    def store(self, key: StoredKey, secret: str) -> None:
        sealed = self._sealer.seal(secret, user=key.user, purpose=key.provider)
        row = {**key_row_key(key.user, key.provider), **key.model_dump(mode="json"), **sealed.columns}
        with translated():
            self._dynamodb.put_item(TableName=self._table, Item=to_item(row))

    def reveal(self, user: str, provider: KeyProvider) -> str | None:
        # The row is read every time, so a key that was removed or replaced is never used again.
        row = self._row(user, provider)
        return self._sealer.open(Sealed.of(row), user=user, purpose=provider) if row else None

    def open(self, key: StoredKey) -> str:
        if key.sealed is None:
            raise KeyUnreadable("What is stored was not read with its account.", fix="Try again.")
        sealed = Sealed(key.sealed.data_key, key.sealed.ciphertext)
        return self._sealer.open(sealed, user=key.user, purpose=key.provider)

    def describe(self, user: str) -> Sequence[StoredKey]:
        with translated():
            found = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :key)",
                ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":key": "KEY#"}),
                ConsistentRead=True,
            )
        return [described(to_row(item)) for item in found["Items"]]

    def remove(self, user: str, provider: KeyProvider) -> StoredKey | None:
        with translated():
            removed = self._dynamodb.delete_item(
                TableName=self._table, Key=to_item(key_row_key(user, provider)), ReturnValues="ALL_OLD"
            )
        return described(to_row(removed["Attributes"])) if "Attributes" in removed else None

    def _row(self, user: str, provider: KeyProvider) -> dict[str, Any] | None:
        with translated():
            found = self._dynamodb.get_item(
                TableName=self._table, Key=to_item(key_row_key(user, provider)), ConsistentRead=True
            )
        return to_row(found["Item"]) if "Item" in found else None
