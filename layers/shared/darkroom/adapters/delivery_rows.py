"""Webhook deliveries as rows.

pk=USER#{user}  sk=WEBHOOK#{delivery id}   `open`, `open_since` only while it is pending (see open_index)
"""

from collections.abc import Mapping
from typing import Any

from darkroom.adapters.dynamo import to_row
from darkroom.adapters.open_index import open_columns
from darkroom.models.webhook import Delivery

OPEN_DELIVERY = "webhook"


def delivery_key(user: str, delivery_id: str) -> dict[str, Any]:
    return {"pk": f"USER#{user}", "sk": f"WEBHOOK#{delivery_id}"}


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    row = {
        **delivery_key(delivery.user, delivery.id),
        "document": delivery.model_dump_json(),
        "expires_at": int(delivery.expires_at.timestamp()),
    }
    if delivery.status != "pending":
        return row
    return {**row, **open_columns(OPEN_DELIVERY, delivery.id, delivery.created_at)}


def to_delivery(item: Mapping[str, Any]) -> Delivery:
    return Delivery.model_validate_json(to_row(item)["document"])
