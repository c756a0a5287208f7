"""Versions are published where SnapStart is on, and of every change, those of parameters among them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.deployed.snap_start import ALIAS, digest_of, in_force, publish, published
from local.intrinsics import load_yaml
from tests.conftest import ROOT

TEMPLATE: dict[str, Any] = {
    "Parameters": {"SnapStart": {"Type": "String", "Default": "off"}, "MaxCostPerDay": {"Default": "5.00"}},
    "Resources": {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
        "Zip": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "Zip"}},
        "Image": {"Type": "AWS::Serverless::Function", "IgnoreGlobals": ["SnapStart"], "Properties": {}},
    },
}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(TEMPLATE))
    (tmp_path / "Zip").mkdir()
    (tmp_path / "Zip" / "app.py").write_text("answer = 7\n")
    return tmp_path


def _read(built: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((built / "template.yaml").read_text())
    return found


@pytest.mark.parametrize(
    ("given", "deployed", "is_on"),
    [
        ({}, {}, False),
        ({"SnapStart": "on"}, {}, True),
        ({}, {"SnapStart": "on"}, True),
        ({"SnapStart": "off"}, {"SnapStart": "on"}, False),
        ({"MaxCostPerDay": "1"}, {"SnapStart": "on", "Removed": "on"}, True),
    ],
)
def test_versions_are_published_where_the_stack_will_have_snap_start(
    built: Path, given: dict[str, str], deployed: dict[str, str], is_on: bool
) -> None:
    assert publish(built, given, deployed) is is_on
    resources = _read(built)["Resources"]
    assert ("AutoPublishAlias" in resources["Zip"]["Properties"]) is is_on
    if not is_on:
        assert _read(built) == TEMPLATE


def test_zip_functions_get_an_alias_and_nothing_else_does() -> None:
    changed = published(TEMPLATE, "digest")["Resources"]
    assert changed["Zip"]["Properties"] == {
        "CodeUri": "Zip",
        "AutoPublishAlias": ALIAS,
        "AutoPublishCodeSha256": "digest",
        "VersionDeletionPolicy": "Delete",
    }
    assert {name: changed[name] for name in ("Table", "Image")} == {
        name: TEMPLATE["Resources"][name] for name in ("Table", "Image")
    }


def test_the_digest_tells_parameters_and_code_apart(built: Path) -> None:
    before = digest_of(built, {"MaxCostPerDay": "5.00"})
    assert digest_of(built, {"MaxCostPerDay": "5.00"}) == before
    assert digest_of(built, {"MaxCostPerDay": "1.00"}) != before
    (built / "Zip" / "app.py").write_text("answer = 8\n")
    assert digest_of(built, {"MaxCostPerDay": "5.00"}) != before


def test_parameters_are_those_that_the_deployment_leaves() -> None:
    left = in_force({"MaxCostPerDay": "1"}, {"SnapStart": "on", "MaxCostPerDay": "2", "Removed": "3"}, TEMPLATE)
    assert left == {"SnapStart": "on", "MaxCostPerDay": "1"}


def test_the_template_has_it_off_and_for_zip_functions_alone() -> None:
    template = load_yaml(ROOT / "template.yaml")
    assert template["Parameters"]["SnapStart"]["Default"] == "off"
    assert "SnapStart" in template["Globals"]["Function"]
    assert "AutoPublishAlias" not in template["Globals"]["Function"]
    without = {name for name, each in template["Resources"].items() if "SnapStart" in each.get("IgnoreGlobals", ())}
    assert without == {"RemoveBackgroundFunction", "LiveFunction"}
