"""Sign-in attempts and sessions in DynamoDB.

pk=ATTEMPT#{sha256 of nonce}   sk=ATTEMPT   without its verifier as soon as it is used
pk=SESSION#{sha256 of cookie}  sk=SESSION
"""

from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.models.session import Session, SignInAttempt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoSessionStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def begin(self, attempt: SignInAttempt) -> None:
        self._put(_attempt_key(attempt.sha256), attempt)

    def use(self, sha256: str, browser_sha256: str) -> SignInAttempt | None:
        try:
            with conditional():
                taken = self._client.update_item(
                    TableName=self._table,
                    Key=to_item(_attempt_key(sha256)),
                    UpdateExpression="SET used = :true, code_verifier = :none",
                    ConditionExpression="browser_sha256 = :browser AND used = :false",
                    ExpressionAttributeValues=to_item(
                        {":browser": browser_sha256, ":true": True, ":false": False, ":none": ""}
                    ),
                    ReturnValues="ALL_OLD",
                )
        except ConditionFailed:
            return None
        return SignInAttempt.model_validate(_with_date(to_row(taken["Attributes"])))

    def attempt(self, sha256: str) -> SignInAttempt | None:
        row = self._get(_attempt_key(sha256))
        return SignInAttempt.model_validate(_with_date(row)) if row else None

    def open(self, session: Session) -> None:
        self._put(_session_key(session.sha256), session)

    def find(self, sha256: str) -> Session | None:
        row = self._get(_session_key(sha256))
        return Session.model_validate(_with_date(row)) if row else None

    def close(self, sha256: str) -> None:
        with translated():
            self._client.delete_item(TableName=self._table, Key=to_item(_session_key(sha256)))

    def _put(self, key: dict[str, str], what: SignInAttempt | Session) -> None:
        # The table's TTL attribute is epoch seconds; it shares its name with the models' field.
        row = {**key, **what.model_dump(mode="json"), "expires_at": int(what.expires_at.timestamp())}
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(row))

    def _get(self, key: dict[str, str]) -> dict[str, Any] | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return to_row(found["Item"]) if "Item" in found else None


def _attempt_key(sha256: str) -> dict[str, str]:
    return {"pk": f"ATTEMPT#{sha256}", "sk": "ATTEMPT"}


def _session_key(sha256: str) -> dict[str, str]:
    return {"pk": f"SESSION#{sha256}", "sk": "SESSION"}


def _with_date(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "expires_at": int(row["expires_at"])}
