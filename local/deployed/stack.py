"""A deployed stack, in the account and region that AWS's own settings lead to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class NoSuchStack(Exception):
    """There is no such stack, or it is not Darkroom's; the message says which."""


@dataclass(frozen=True)
class Deployed:
    """Args: url: where it answers; empty for a stack whose template is from before it said so."""

    table: str
    url: str
    dynamodb: "DynamoDBClient"


def deployed(stack: str) -> Deployed:
    """
    Raises:
        NoSuchStack
        ClientError, BotoCoreError: AWS could not be asked.
    """
    session = boto3.Session()
    try:
        described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ValidationError":
            where = session.region_name
            raise NoSuchStack(f"There is no stack {stack} in {where}. `make deploy` makes one.") from error
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described[0].get("Outputs", [])}
    if "Table" not in outputs:
        raise NoSuchStack(f"The stack {stack} has no output Table, so it is not Darkroom's.")
    return Deployed(outputs["Table"], outputs.get("Url", ""), session.client("dynamodb"))
