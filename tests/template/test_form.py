"""How template.yaml is written: SAM's linter, checkov and plain parsers can read it, and nothing costs unused."""

import re
from collections import Counter
from typing import Any

import yaml

from darkroom.settings import PREFIX
from local.intrinsics import load_yaml
from tests.conftest import ROOT

PATH = ROOT / "template.yaml"
DOCUMENT = load_yaml(PATH)
# Keys of a laptop, and where the stack's own key is: told only to those that call providers.
OF_KEYS = {f"{PREFIX}{name}" for name in ("OPENROUTER_API_KEY", "PROVIDER_KEYS", "OPERATOR_KEY_SECRET")}


def _variables(function: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = function["Properties"].get("Environment", {}).get("Variables", {})
    return found


def test_has_no_anchors_aliases_or_merge_keys() -> None:
    """cfn-lint warns of merge keys (W1100), checkov stops at them, and CloudFormation itself takes neither."""
    tokens = list(yaml.scan(PATH.read_text(encoding="utf-8")))
    assert len(tokens) > 1000
    assert not [str(each.start_mark) for each in tokens if isinstance(each, yaml.AnchorToken | yaml.AliasToken)]
    assert "<<:" not in PATH.read_text(encoding="utf-8")


def test_what_most_functions_are_told_is_told_once() -> None:
    functions = [each for each in DOCUMENT["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
    told = Counter((name, repr(value)) for each in functions for name, value in _variables(each).items())
    # Who does not open keys is not told where they are.
    own = {f"{PREFIX}JOB_QUEUE", f"{PREFIX}VAULT_KEY", *OF_KEYS}
    assert not [name for (name, _), times in told.items() if times > len(functions) / 2 and name not in own]
    shared = DOCUMENT["Globals"]["Function"]["Environment"]["Variables"]
    assert not [name for (name, value) in told if value == repr(shared.get(name))]
    assert not OF_KEYS & shared.keys()


def test_stays_short() -> None:
    assert len(PATH.read_text(encoding="utf-8").splitlines()) < 1827


def test_every_parameter_says_what_it_is_for() -> None:
    assert len(DOCUMENT["Parameters"]) > 5
    assert not [name for name, each in DOCUMENT["Parameters"].items() if not each.get("Description")]


def test_nothing_costs_while_it_waits() -> None:
    """No provisioned capacity, no always-on network, no provisioned concurrency."""
    text = PATH.read_text(encoding="utf-8")
    assert not re.search(
        r"ProvisionedConcurrency|ProvisionedThroughput|NatGateway|AWS::(EC2|ECS|RDS|ElastiCache)", text
    )
    assert DOCUMENT["Resources"]["Table"]["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
