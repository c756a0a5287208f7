"""What is known of the charges on providers' keys, in DynamoDB. See key_rows."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from darkroom.adapters import key_rows
from darkroom.adapters.aws import code_of, translated
from darkroom.adapters.ledger_books import Books, busy
from darkroom.models.receipt import KeyCharges, Share

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef


class KeyBooks(Books):
    def charges_with(self, key_sha256: str) -> KeyCharges:
        item = self._get(key_rows.charges_key(key_sha256))
        return KeyCharges() if item is None else key_rows.to_charges(item)

    def strike(self, key_sha256: str, jobs: Collection[str]) -> None:
        if jobs:
            self._is_written(key_rows.striking(self._table, key_sha256, jobs, self._clock()))

    def share_out(self, key_sha256: str, shares: Mapping[str, Share], *, seen: KeyCharges) -> bool:
        if seen.shares:
            return False
        if self._is_written(key_rows.sharing(self._table, key_sha256, shares, seen.version, self._clock())):
            return True
        # Sent again after a lost answer, it is refused by its own effect; these very shares are as good as written.
        return self.charges_with(key_sha256).shares == shares

    def _is_written(self, update: "UpdateTypeDef") -> bool:
        """False if its condition does not hold. While a transaction has the row, it is tried again."""
        for _ in self._tries():
            with translated():
                try:
                    self._client.update_item(**update)
                except ClientError as error:
                    if code_of(error) == "ConditionalCheckFailedException":
                        return False
                    if code_of(error) != "TransactionConflictException":
                        raise
                else:
                    return True
        raise busy("Nothing was sent.")
