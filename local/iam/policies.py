"""What statements of IAM policies allow. What is not understood is an error, never an Allow.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

Context = Mapping[str, tuple[str, ...]]
_MAX_REMEMBERED = 10_000
"""The values of each condition key that a call has. Keys are in lower case, for IAM tells no case apart in them."""

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}
# What `calls.py` tells of a call. Another is missing from every call here, which some operators take for a match.
_KEYS = re.compile(r"dynamodb:leadingkeys|kms:encryptioncontextkeys|kms:encryptioncontext:.+|s3:prefix")
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?")


class PolicyError(Exception):
    """A statement says something that is not understood here."""


class Decision(Enum):
    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    DENIED = "denied"


@cache
def _pattern(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """`*` is any text and `?` any character."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", text))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _equals(wanted: str, given: str) -> bool:
    return wanted == given


def _equals_in_any_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _like(wanted: str, given: str) -> bool:
    return _pattern(wanted).fullmatch(given) is not None


_COMPARED: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_in_any_case,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": _equals_in_any_case,
}
_NEGATED = {
    name.replace("Equals", "NotEquals").replace("Like", "NotLike"): name for name in _COMPARED if name != "Bool"
}


@dataclass(frozen=True)
class Condition:
    """One key under one operator."""

    quantifier: str
    operator: str
    if_exists: bool
    key: str
    values: tuple[str, ...]

    def holds(self, context: Context) -> bool:
        given = context.get(self.key)
        if self.operator == "Null":
            return (given is None) == (self.values == ("true",))
        if given is None:
            return self.if_exists or (
                self.quantifier == "ForAllValues" or (self.operator in _NEGATED and self.quantifier != "ForAnyValue")
            )
        is_negated = self.operator in _NEGATED
        matches = [self._matches(value) != is_negated for value in given]
        # One of several values is enough for a plain operator, and a negated one wants that none is like it.
        if self.quantifier == "ForAllValues" or (not self.quantifier and is_negated):
            return all(matches)
        return any(matches)

    def _matches(self, given: str) -> bool:
        compared = _COMPARED[_NEGATED.get(self.operator, self.operator)]
        return any(compared(wanted, given) for wanted in self.values)


@dataclass(frozen=True)
class Statement:
    effect: str
    actions: tuple[re.Pattern[str], ...]
    resources: tuple[re.Pattern[str], ...]
    conditions: tuple[Condition, ...]

    def names(self, action: str) -> bool:
        return any(pattern.fullmatch(action) for pattern in self.actions)

    def applies(self, resource: str, context: Context) -> bool:
        return any(pattern.fullmatch(resource) for pattern in self.resources) and all(
            condition.holds(context) for condition in self.conditions
        )


class Policies:
    """All policies of one identity.

    Args:
        statements: as in policy documents, with every name in them resolved.

    Raises:
        PolicyError
    """

    def __init__(self, statements: Iterable[Mapping[str, Any]]) -> None:
        self._statements = [_statement(each) for each in statements]
        self._by_action: dict[str, list[Statement]] = {}
        # By action, resource and context: a process asks for the same rows, of the same users, again and again.
        self._decided: dict[tuple[Any, ...], Decision] = {}

    def decide(self, action: str, resource: str, context: Context) -> Decision:
        """
        Args:
            action: such as `dynamodb:GetItem`.
            resource: its ARN.
            context: what conditions may ask for.
        """
        asked = (action, resource, *sorted(context.items()))
        if asked not in self._decided:
            if len(self._decided) >= _MAX_REMEMBERED:
                self._decided.clear()
            self._decided[asked] = self._decide(action, resource, context)
        return self._decided[asked]

    def _decide(self, action: str, resource: str, context: Context) -> Decision:
        if action not in self._by_action:
            self._by_action[action] = [each for each in self._statements if each.names(action)]
        effects = {each.effect for each in self._by_action[action] if each.applies(resource, context)}
        if "Deny" in effects:
            return Decision.DENIED
        return Decision.ALLOWED if effects else Decision.NOT_ALLOWED


def _statement(given: Mapping[str, Any]) -> Statement:
    unknown = set(given) - _ELEMENTS
    if unknown or not {"Effect", "Action", "Resource"} <= set(given):
        raise PolicyError(f"{given.get('Sid', 'A statement')} is to have {', '.join(sorted(_ELEMENTS))} alone")
    if given["Effect"] not in ("Allow", "Deny"):
        raise PolicyError(f"Effect cannot be {given['Effect']!r}")
    conditions = [
        _condition(operator, key, values)
        for operator, keys in given.get("Condition", {}).items()
        for key, values in keys.items()
    ]
    return Statement(
        effect=given["Effect"],
        actions=tuple(_pattern(each, ignore_case=True) for each in _listed(given["Action"])),
        resources=tuple(_pattern(each) for each in _listed(given["Resource"])),
        conditions=tuple(conditions),
    )


def _condition(operator: str, key: str, values: Any) -> Condition:
    match = _OPERATOR.fullmatch(operator)
    if match is None or match[2] not in {*_COMPARED, *_NEGATED, "Null"}:
        raise PolicyError(f"The condition operator {operator} is not understood")
    if not _KEYS.fullmatch(key.lower()):
        raise PolicyError(f"The condition key {key} is not told of calls")
    texts = tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in _listed(values))
    return Condition(match[1] or "", match[2], bool(match[3]), key.lower(), texts)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]
