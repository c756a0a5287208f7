"""Values as DynamoDB types them (`{"N": "7"}`), and back.

As `boto3.dynamodb.types` does it, which a test compares with; but importing that loads all of boto3. Bytes come back as
bytes.
"""

from collections.abc import Callable, Mapping, Set
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any, Final

AttributeValue = dict[str, Any]

# DynamoDB's numbers have 38 digits; another number is refused rather than rounded.
_NUMBERS: Final = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])


def to_attribute(value: Any) -> AttributeValue:
    """Raises TypeError for what DynamoDB has no type for, floats among it, and ArithmeticError for too long numbers."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | Decimal):
        return {"N": _number(value)}
    if isinstance(value, bytes | bytearray):
        return {"B": value}
    if isinstance(value, Mapping):
        return {"M": {name: to_attribute(each) for name, each in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [to_attribute(each) for each in value]}
    if isinstance(value, Set):
        return _set(value)
    raise TypeError(f"DynamoDB has no type for a {type(value).__name__}")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    return _READERS[kind](value)


def _number(value: Decimal | int) -> str:
    number = _NUMBERS.create_decimal(value)
    if not number.is_finite():
        raise TypeError("DynamoDB has no number that is not finite")
    return str(number)


def _set(values: Set[Any]) -> AttributeValue:
    if all(isinstance(each, int | Decimal) for each in values):
        return {"NS": [_number(each) for each in values]}
    if all(isinstance(each, str) for each in values):
        return {"SS": list(values)}
    if all(isinstance(each, bytes | bytearray) for each in values):
        return {"BS": list(values)}
    raise TypeError("The members of a set are all numbers, all strings or all bytes")


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "NULL": lambda _: None,
    "BOOL": bool,
    "S": str,
    "N": _NUMBERS.create_decimal,
    "B": bytes,
    "M": lambda value: {name: from_attribute(each) for name, each in value.items()},
    "L": lambda value: [from_attribute(each) for each in value],
    "NS": lambda value: {_NUMBERS.create_decimal(each) for each in value},
    "SS": set,
    "BS": set,
}
