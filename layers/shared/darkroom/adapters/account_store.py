"""Accounts in DynamoDB: a user's settings and keys, by their rows' names, in one consistent BatchGetItem.

Not a query: in the order of sort keys, receipts, recipes and reports lie between `KEY#…` and `SETTINGS`, and a query
that began with the one and ended with the other would read a user's whole history.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import Patience, to_item, to_row
from darkroom.adapters.key_rows import charges_key, to_charges
from darkroom.adapters.settings_store import settings_key, to_settings
from darkroom.adapters.stored_keys import described, key_row_key
from darkroom.errors import ServiceUnavailable
from darkroom.models.account import Account
from darkroom.models.key import KeyProvider, SealedSecret, StoredKey
from darkroom.models.receipt import KeyCharges
from darkroom.models.user_settings import UserSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoAccountStore:
    """Args:
    providers: the names of those whose keys there may be.
    patience: how long DynamoDB may leave some of the rows out.
    """

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient",
        *,
        providers: Callable[[], Sequence[KeyProvider]],
        patience: Patience | None = None,
    ) -> None:
        self._table = table
        self._client = client
        self._providers = providers
        self._patience = patience or Patience()

    def load(self, user: str, *, charges_of: Collection[str] = ()) -> Account:
        names = {key_row_key(user, provider)["sk"]: provider for provider in self._providers()}
        asked = {charges_key(digest)["pk"]: digest for digest in charges_of}
        items = self._items(
            [
                settings_key(user),
                *(key_row_key(user, provider) for provider in names.values()),
                *(charges_key(digest) for digest in asked.values()),
            ]
        )
        charged = {item["pk"]["S"]: to_charges(item) for item in items if item["pk"]["S"] in asked}
        rows = [to_row(item) for item in items if item["pk"]["S"] not in charged]
        settings = next((to_settings(row) for row in rows if row["sk"] not in names), UserSettings())
        keys = [_key(user, names[row["sk"]], row) for row in rows if row["sk"] in names]
        return Account(
            user=user,
            settings=settings,
            keys=tuple(sorted(keys, key=lambda key: key.provider)),
            charges={digest: charged.get(pk, KeyCharges()) for pk, digest in asked.items()},
        )

    def _items(self, keys: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        wanted = [to_item(key) for key in keys]
        found: list[Mapping[str, Any]] = []
        for _ in self._patience.tries():
            with translated():
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}}
                )
            found += answer["Responses"].get(self._table, ())
            wanted = [dict(key) for key in answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"]]
            if not wanted:
                return found
        raise ServiceUnavailable("The account could not be read.", fix="Try again in a second.", retry_after=1)


def _key(user: str, provider: KeyProvider, row: Mapping[str, Any]) -> StoredKey:
    """Of whom and of what it is, the row's name says: a row that was copied to another user is not opened as theirs."""
    sealed = SealedSecret(data_key=bytes(row["data_key"]), ciphertext=bytes(row["ciphertext"]))
    return described(row).model_copy(update={"user": user, "provider": provider, "sealed": sealed})
