"""What functions may do to rows, decided as IAM decides it."""

import json

import pytest

from local.iam.policies import Decision, Policies
from tests.template.test_template import FUNCTIONS, TEMPLATE

CALLED = {route.function for route in TEMPLATE.routes}
# All that users call or that write what users order, but for the two by which people sign in and make tokens.
MAKES_NO_SIGN_INS = (
    *("ChatFunction", "EditFunction", "GenerateFunction", "JobsFunction", "ModelsFunction"),
    *("LiveFunction", "RemoveBackgroundFunction", "WebhooksFunction", "WorkerFunction"),
)


@pytest.mark.parametrize("name", MAKES_NO_SIGN_INS)
@pytest.mark.parametrize("action", ["PutItem", "UpdateItem", "DeleteItem"])
def test_sign_ins_are_made_and_ended_by_the_functions_for_them_alone(name: str, action: str) -> None:
    rights = json.loads(FUNCTIONS[name].rights)
    policies, table = Policies(rights["statements"]), TEMPLATE.scope.attribute("Table", "Arn")

    def decided(pk: str) -> Decision:
        return policies.decide(f"dynamodb:{action}", table, {"dynamodb:leadingkeys": (pk,)})

    for pk in ("SESSION#1", "ATTEMPT#1", "LINK#1", "IDENTITY#openrouter#1", "ADDRESS#1"):
        assert decided(pk) is Decision.DENIED
    # When a token was used last is written down by all.
    assert decided("TOKEN#1") is (Decision.ALLOWED if action == "UpdateItem" else Decision.DENIED)
    assert decided("USER#ann") is not Decision.DENIED


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_may_read_through_the_table(name: str) -> None:
    """However much of a table is wanted, all of it is paid for; and it would be everybody's."""
    policies, table = (
        Policies(json.loads(FUNCTIONS[name].rights)["statements"]),
        TEMPLATE.scope.attribute("Table", "Arn"),
    )
    for action in ("Scan", "PartiQLSelect"):
        for resource in (table, f"{table}/index/open-work"):
            assert policies.decide(f"dynamodb:{action}", resource, {}) is not Decision.ALLOWED


def test_the_sweep_reads_the_keys_of_open_work_and_then_its_rows() -> None:
    """And nobody else asks for what is open of all users."""
    table = TEMPLATE.scope.attribute("Table", "Arn")
    for name in FUNCTIONS:
        policies = Policies(json.loads(FUNCTIONS[name].rights)["statements"])
        found = policies.decide("dynamodb:Query", f"{table}/index/open-work", {})
        assert (found is Decision.ALLOWED) == (name == "WorkerFunction"), name
    worker = Policies(json.loads(FUNCTIONS["WorkerFunction"].rights)["statements"])
    context = {"dynamodb:leadingkeys": ("USER#ann",)}
    assert worker.decide("dynamodb:BatchGetItem", table, context) is Decision.ALLOWED


@pytest.mark.parametrize("name", sorted(CALLED - {"StudioFunction"} | {"LiveFunction"}))
def test_each_function_that_answers_counts_requests(name: str) -> None:
    policies = Policies(json.loads(FUNCTIONS[name].rights)["statements"])
    table = TEMPLATE.scope.attribute("Table", "Arn")
    owners = ("USER#ann", "ADDRESS#1") if name == "OAuthFunction" else ("USER#ann",)
    for owner in owners:
        assert policies.decide("dynamodb:UpdateItem", table, {"dynamodb:leadingkeys": (owner,)}) is Decision.ALLOWED


def test_sign_ins_are_made_by_those_who_sign_in() -> None:
    for name in ("AccountFunction", "OAuthFunction"):
        policies = Policies(json.loads(FUNCTIONS[name].rights)["statements"])
        context = {"dynamodb:leadingkeys": ("SESSION#1",)}
        table = TEMPLATE.scope.attribute("Table", "Arn")
        assert policies.decide("dynamodb:PutItem", table, context) is Decision.ALLOWED
