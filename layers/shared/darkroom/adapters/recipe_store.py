"""Kept recipes in DynamoDB.

pk=USER#{user}  sk=RECIPE#{name}
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import translated
from darkroom.adapters.dynamo import to_item, to_row
from darkroom.models.recipe import SavedRecipe

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PREFIX = "RECIPE#"


class DynamoRecipeStore:
    def __init__(self, table: str, client: "DynamoDBClient") -> None:
        self._table = table
        self._client = client

    def find(self, user: str, name: str) -> SavedRecipe | None:
        with translated():
            found = self._client.get_item(TableName=self._table, Key=to_item(_key(user, name)), ConsistentRead=True)
        return _to_recipe(found["Item"]) if "Item" in found else None

    def save(self, recipe: SavedRecipe) -> None:
        row = {**_key(recipe.user, recipe.name), "document": recipe.model_dump_json(exclude_none=True)}
        with translated():
            self._client.put_item(TableName=self._table, Item=to_item(row))

    def of_user(self, user: str) -> Sequence[SavedRecipe]:
        recipes: list[SavedRecipe] = []
        start: dict[str, Any] = {}
        while True:
            with translated():
                found = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND begins_with(sk, :recipe)",
                    ExpressionAttributeValues=to_item({":pk": f"USER#{user}", ":recipe": _PREFIX}),
                    ConsistentRead=True,
                    **start,
                )
            recipes += map(_to_recipe, found["Items"])
            if "LastEvaluatedKey" not in found:
                return recipes
            start = {"ExclusiveStartKey": found["LastEvaluatedKey"]}

    def remove(self, user: str, name: str) -> bool:
        with translated():
            done = self._client.delete_item(
                TableName=self._table, Key=to_item(_key(user, name)), ReturnValues="ALL_OLD"
            )
        return "Attributes" in done


def _key(user: str, name: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"{_PREFIX}{name}"}


def _to_recipe(item: Mapping[str, Any]) -> SavedRecipe:
    return SavedRecipe.model_validate_json(to_row(item)["document"])
