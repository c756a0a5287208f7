"""Users' settings in DynamoDB.

pk=USER#{user}  sk=SETTINGS   a document; `version` decides conditions
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import ConditionFailed, conditional, to_item, to_row
from darkroom.models.user_settings import UserSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoSettingsStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def load(self, user: str) -> UserSettings:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(settings_key(user)), ConsistentRead=True)
        return to_settings(to_row(found["Item"])) if "Item" in found else UserSettings()

    def save(self, user: str, settings: UserSettings) -> bool:
        saved = settings.model_copy(update={"version": settings.version + 1})
        row = {**settings_key(user), "document": saved.model_dump_json(), "version": saved.version}
        try:
            with conditional():
                self._client.put_item(TableName=self._table, Item=to_item(row), **_if_stored(settings.version))
        except ConditionFailed:
            return False
        return True


def settings_key(user: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": "SETTINGS"}


def to_settings(row: Mapping[str, Any]) -> UserSettings:
    return UserSettings.model_validate_json(row["document"])


def _if_stored(version: int) -> dict[str, Any]:
    """Version 0 is that of settings which were never stored."""
    if version == 0:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": to_item({":version": version}),
    }
