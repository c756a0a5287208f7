"""Statements of policies mean what they mean on AWS; what is not understood is an error."""

from typing import Any

import pytest

from local.iam.policies import Decision, Policies, PolicyError

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/t"
OBJECTS = "arn:aws:s3:::b/outputs/*"
ALLOWED, NOT_ALLOWED, DENIED = Decision.ALLOWED, Decision.NOT_ALLOWED, Decision.DENIED


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


@pytest.mark.parametrize(
    ("statements", "action", "resource", "decision"),
    [
        ([], "s3:GetObject", "arn:aws:s3:::b/k", NOT_ALLOWED),
        ([allow("s3:GetObject")], "s3:GetObject", "arn:aws:s3:::b/k", ALLOWED),
        ([allow("s3:getobject")], "s3:GetObject", "arn:aws:s3:::b/k", ALLOWED),
        ([allow("s3:GetObject")], "s3:GetObjectVersion", "arn:aws:s3:::b/k", NOT_ALLOWED),
        ([allow("s3:Get*")], "s3:GetObjectVersion", "arn:aws:s3:::b/k", ALLOWED),
        ([allow("s3:GetObject?ersion")], "s3:GetObjectVersion", "arn:aws:s3:::b/k", ALLOWED),
        ([allow(["s3:PutObject", "s3:GetObject"])], "s3:GetObject", "arn:aws:s3:::b/k", ALLOWED),
        ([allow("s3:GetObject", OBJECTS)], "s3:GetObject", "arn:aws:s3:::b/outputs/u/j/a.png", ALLOWED),
        ([allow("s3:GetObject", OBJECTS)], "s3:GetObject", "arn:aws:s3:::b/raw/u/j", NOT_ALLOWED),
        # Of ARNs, unlike actions, case counts; and a dot is a dot.
        ([allow("s3:GetObject", OBJECTS)], "s3:GetObject", "arn:aws:s3:::B/outputs/u", NOT_ALLOWED),
        ([allow("s3:GetObject", "arn:aws:s3:::a.b/*")], "s3:GetObject", "arn:aws:s3:::a-b/k", NOT_ALLOWED),
        ([allow("s3:GetObject", ["x", OBJECTS])], "s3:GetObject", "arn:aws:s3:::b/outputs/u", ALLOWED),
        ([allow("s3:*"), {**allow("s3:GetObject"), "Effect": "Deny"}], "s3:GetObject", "arn:aws:s3:::b/k", DENIED),
        ([{**allow("s3:GetObject"), "Effect": "Deny"}], "s3:PutObject", "arn:aws:s3:::b/k", NOT_ALLOWED),
        ([allow("dynamodb:Query", TABLE)], "dynamodb:Query", f"{TABLE}/index/open-jobs", NOT_ALLOWED),
    ],
)
def test_what_is_not_allowed_is_refused(
    statements: list[dict[str, Any]], action: str, resource: str, decision: Decision
) -> None:
    assert Policies(statements).decide(action, resource, {}) is decision


KEY = "dynamodb:LeadingKeys"
PURPOSE = "kms:EncryptionContext:purpose"


@pytest.mark.parametrize(
    ("condition", "context", "is_allowed"),
    [
        ({"StringEquals": {PURPOSE: "webhooks"}}, {PURPOSE: ("webhooks",)}, True),
        ({"StringEquals": {PURPOSE: ["a", "webhooks"]}}, {PURPOSE: ("webhooks",)}, True),
        ({"StringEquals": {PURPOSE: "webhooks"}}, {PURPOSE: ("openai",)}, False),
        ({"StringEquals": {PURPOSE: "webhooks"}}, {}, False),
        ({"StringEquals": {PURPOSE: "web*"}}, {PURPOSE: ("webhooks",)}, False),
        ({"StringEqualsIgnoreCase": {PURPOSE: "WebHooks"}}, {PURPOSE: ("webhooks",)}, True),
        ({"StringEqualsIfExists": {PURPOSE: "webhooks"}}, {}, True),
        ({"StringNotEquals": {PURPOSE: ["webhooks"]}}, {PURPOSE: ("openai",)}, True),
        ({"StringNotEquals": {PURPOSE: ["openai", "webhooks"]}}, {PURPOSE: ("webhooks",)}, False),
        # What is missing is unlike everything, so that a statement by what it is not wants a second condition.
        ({"StringNotEquals": {PURPOSE: ["webhooks"]}}, {}, True),
        ({"StringNotEquals": {PURPOSE: ["webhooks"]}, "Null": {PURPOSE: "false"}}, {}, False),
        ({"StringNotEquals": {PURPOSE: ["webhooks"]}, "Null": {PURPOSE: False}}, {PURPOSE: ("openai",)}, True),
        ({"Null": {PURPOSE: "true"}}, {}, True),
        ({"StringLike": {"s3:prefix": "outputs/*"}}, {"s3:prefix": ("outputs/u/",)}, True),
        ({"StringNotLike": {"s3:prefix": "outputs/*"}}, {"s3:prefix": ("outputs/u/",)}, False),
        ({"ForAllValues:StringLike": {KEY: ["USER#*", "MODEL#*"]}}, {KEY: ("USER#a", "MODEL#b")}, True),
        ({"ForAllValues:StringLike": {KEY: ["USER#*"]}}, {KEY: ("USER#a", "TOKEN#b")}, False),
        # AWS's trap: no key is "all keys". A Scan has none.
        ({"ForAllValues:StringLike": {KEY: ["USER#*"]}}, {}, True),
        ({"ForAllValues:StringNotLike": {KEY: ["TOKEN#*"]}}, {KEY: ("USER#a", "TOKEN#b")}, False),
        ({"ForAnyValue:StringLike": {KEY: ["USER#*"]}}, {KEY: ("USER#a", "TOKEN#b")}, True),
        ({"ForAnyValue:StringLike": {KEY: ["USER#*"]}}, {}, False),
        ({"ForAnyValue:StringNotEquals": {KEY: ["USER#a"]}}, {KEY: ("USER#a",)}, False),
        ({"ForAnyValue:StringNotEquals": {KEY: ["USER#a"]}}, {}, False),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, tuple[str, ...]], is_allowed: bool) -> None:
    policies = Policies([allow("a:B", Condition=condition)])
    lowered = {key.lower(): values for key, values in context.items()}
    assert (policies.decide("a:B", "arn", lowered) is ALLOWED) is is_allowed


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, "alone"),
        ({"Effect": "Allow", "Action": "s3:*"}, "alone"),
        ({"Effect": "allow", "Action": "s3:*", "Resource": "*"}, "Effect"),
        (allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), "IpAddress"),
        (allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "x"}}), "aws:PrincipalTag/team"),
    ],
)
def test_what_is_not_understood_is_an_error(statement: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        Policies([statement])
