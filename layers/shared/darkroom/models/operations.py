"""An operation as plain data. What it may hold is decided by `darkroom.operations`, which reads it."""

from typing import Any

OperationStep = dict[str, Any]
