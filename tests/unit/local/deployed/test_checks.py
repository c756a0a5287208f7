"""What `make deploy` looks at first, against an emulator that answers as an account does."""

from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from local.aws import ACCOUNT, REGION
from local.deployed.checks import Check
from local.deployed.target import Account, NoTarget, Target, parser, target_of
from local.findings import BAD, NOTE
from tests.conftest import ROOT
from tests.unit.local.deployed.conftest import account_at, create

# Nobody tells the handle, so a second after the queue is made the stack is taken back.
FAILING = """
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle, DependsOn: Queue}
  Wait: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: "1"}}
"""


def _bad(account: Account, target: Target) -> list[str]:
    return [found.text for found in Check(account, target).findings() if found.mark == BAD]


class _Told(Account):
    """An account one service of which answers what botocore's own stub is told; the rest is the emulator's."""

    def __init__(self, behind: Account, service: str) -> None:
        self.session, self.region, self._behind, self._service = behind.session, behind.region, behind, service
        self._stubbed: Any = behind.session.client(service)  # type: ignore[call-overload]
        self.stub = Stubber(self._stubbed)
        self.stub.activate()

    def client(self, service: str) -> Any:
        return self._stubbed if service == self._service else self._behind.client(service)


def _with_limit(account: Account, limit: int, free: int) -> Account:
    told = _Told(account, "lambda")
    limits = {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": free}
    told.stub.add_response("get_account_settings", {"AccountLimit": limits})
    return told


def _template_of(status_outputs: dict[str, str]) -> str:
    """A stack of one queue with outputs."""
    lines = [f"  {name}: {{Value: {value}}}" for name, value in status_outputs.items()]
    return "\n".join(["Resources: {Queue: {Type: AWS::SQS::Queue}}", "Outputs:", *lines])


def test_a_first_deployment_with_the_defaults_has_nothing_in_its_way(account: Account) -> None:
    found = list(Check(account, Target("darkroom-dev")).findings())
    assert [each for each in found if each.mark != "ok  "] == []
    texts = "\n".join(each.text for each in found)
    for part in (ACCOUNT, REGION, "first deployment", "concurrent executions", "free"):
        assert part in texts


@pytest.mark.parametrize("name", ["Darkroom", "d", "x" * 128, "A-1-b"])
def test_a_stack_may_have_any_name_that_cloudformation_takes(account: Account, name: str) -> None:
    assert _bad(account, Target(name)) == []


@pytest.mark.parametrize("name", ["", "1st", "dark_room", "-dark", "dark.room", "x" * 129, "dunkelkämmer"])
def test_a_name_that_it_does_not_take_is_told_in_a_sentence(account: Account, name: str) -> None:
    (said,) = _bad(account, Target(name))
    assert "letters, digits and hyphens" in said
    assert "128" in said
    assert "STACK=" in said


def test_without_a_region_nothing_else_is_asked() -> None:
    (said,) = _bad(account_at("http://127.0.0.1:9", None), Target("darkroom"))
    assert "AWS_REGION" in said


def test_who_is_not_known_to_aws_is_told_how_to_be(account: Account) -> None:
    told = _Told(account, "sts")
    told.stub.add_client_error("get_caller_identity", "ExpiredToken", "The security token is expired")
    (said,) = _bad(told, Target("darkroom"))
    assert "ExpiredToken: The security token is expired" in said
    assert "aws configure" in said


def test_what_may_not_be_looked_at_is_no_fault(account: Account) -> None:
    told = _Told(account, "lambda")
    told.stub.add_client_error("get_account_settings", "AccessDeniedException", "no")
    found = [each for each in Check(told, Target("darkroom")).findings() if each.mark != "ok  "]
    assert [(each.mark, "concurrency" in each.text) for each in found] == [(NOTE, True)]


@pytest.mark.parametrize(
    ("limit", "free", "reserved", "mark"),
    [
        (10, 10, "0", NOTE),
        (10, 10, "1", BAD),
        (1000, 1000, "12", None),
        (1000, 1000, "900", None),
        (1000, 1000, "901", BAD),
        (1000, 105, "12", BAD),
    ],
)
def test_a_reservation_that_lambda_would_refuse_is_told_before(
    account: Account, limit: int, free: int, reserved: str, mark: str | None
) -> None:
    target = Target("darkroom", parameters={"WorkerReservedConcurrency": reserved})
    found = [each for each in Check(_with_limit(account, limit, free), target).findings() if each.mark != "ok  "]
    assert [each.mark for each in found] == ([mark] if mark else [])
    if mark == BAD:
        assert f"WorkerReservedConcurrency={reserved}" in found[0].text


def test_a_parameter_that_there_is_not_is_named(account: Account) -> None:
    (said,) = _bad(account, Target("darkroom", parameters={"MaxMegapixel": "40"}))
    assert "MaxMegapixel" in said


class TestBuckets:
    def test_named_after_the_stack_they_have_to_be_free(self, account: Account) -> None:
        target = Target("kept", parameters={"BucketNaming": "stack"})
        assert _bad(account, target) == []
        account.client("s3").create_bucket(Bucket=f"kept-uploads-{ACCOUNT}-{REGION}")
        (said,) = _bad(account, target)
        assert f"kept-uploads-{ACCOUNT}-{REGION}" in said
        assert _bad(account, Target("kept")) == []

    @pytest.mark.parametrize("name", ["Kept", "x" * 40])
    def test_named_after_the_stack_they_have_to_be_names_of_buckets(self, account: Account, name: str) -> None:
        said = _bad(account, Target(name, parameters={"BucketNaming": "stack"}))
        assert len(said) == 2
        assert all("63 characters, and no capitals" in each for each in said)

    def test_of_a_stack_of_the_first_version_are_not_left_for_new_ones(self, account: Account) -> None:
        outputs = {
            "UploadsBucket": f"first-uploads-{ACCOUNT}-{REGION}",
            "OutputsBucket": f"first-outputs-{ACCOUNT}-{REGION}",
        }
        create(account, "first", _template_of(outputs))
        (said,) = _bad(account, Target("first"))
        assert "BucketNaming=stack" in said
        assert _bad(account, Target("first", parameters={"BucketNaming": "stack"})) == []


class TestStacks:
    def test_one_of_somebody_else_is_not_written_over(self, account: Account) -> None:
        create(account, "other", _template_of({"Something": "else"}))
        (said,) = _bad(account, Target("other"))
        assert "not Darkroom's" in said

    def test_one_whose_first_deployment_failed_has_to_go_first(self, account: Account) -> None:
        create(account, "failed", FAILING)
        found = account.stack("failed")
        assert found is not None
        assert found["StackStatus"] == "ROLLBACK_COMPLETE"
        (said,) = _bad(account, Target("failed"))
        assert "make destroy STACK=failed" in said


class TestIndexes:
    """DynamoDB makes or removes one index of a table in an update."""

    @pytest.mark.parametrize(
        ("there", "former", "said"),
        [
            (("open-jobs",), "none", "Make the new one first: PARAMETERS='FormerIndex=kept'"),
            (("open-jobs",), "kept", None),
            (("open-jobs", "open-work"), "none", None),
            (("open-work",), "none", None),
            (("open-work",), "kept", "no index open-jobs to be kept"),
        ],
    )
    def test_what_one_update_cannot_do_is_told_before(
        self, account: Account, there: tuple[str, ...], former: str, said: str | None
    ) -> None:
        told = self._with_indexes(account, there)
        bad = _bad(told, Target("studio", parameters={"FormerIndex": former}))
        assert [said in each for each in bad] == [True] if said else bad == []

    def test_the_former_one_is_to_go_in_the_end(self, account: Account) -> None:
        told = self._with_indexes(account, ("open-jobs", "open-work"))
        found = Check(told, Target("studio", parameters={"FormerIndex": "kept"})).findings()
        assert any("FormerIndex=none" in each.text for each in found)

    @staticmethod
    def _with_indexes(account: Account, names: tuple[str, ...]) -> Account:
        if account.stack("studio") is None:
            create(
                account, "studio", _template_of({"UploadsBucket": "u-1", "OutputsBucket": "o-1", "Table": "studio-t"})
            )
        told = _Told(account, "dynamodb")
        table = {"GlobalSecondaryIndexes": [{"IndexName": name} for name in names]}
        told.stub.add_response("describe_table", {"Table": table}, {"TableName": "studio-t"})
        return told


class TestTarget:
    def _target(self, *arguments: str, root: Path = ROOT) -> Target:
        return target_of(parser("test", "").parse_args(arguments), root)

    def test_is_what_sam_deploys_by_itself(self) -> None:
        assert self._target() == Target("darkroom-dev")
        production = self._target("--env", "prod")
        assert production.stack == "darkroom"
        assert production.parameters == {"OutputRetentionDays": "365", "LogRetentionDays": "90"}

    def test_is_what_is_said_by_hand(self) -> None:
        said = self._target("--stack", "mine", "--parameters", "MaxMegapixels=40 AlarmEmail='me@example.com'")
        assert said == Target("mine", None, {"MaxMegapixels": "40", "AlarmEmail": "me@example.com"})

    def test_reads_the_region_and_lists_of_samconfig(self, tmp_path: Path) -> None:
        (tmp_path / "samconfig.toml").write_text(
            '[eu.deploy.parameters]\nstack_name = "s"\nregion = "eu-west-1"\nparameter_overrides = ["SignIn=anyone"]\n'
        )
        assert self._target("--env", "eu", root=tmp_path) == Target("s", "eu-west-1", {"SignIn": "anyone"})

    @pytest.mark.parametrize(
        ("arguments", "said"), [(("--env", "none"), "ENV can be default, prod"), (("--parameters", "A"), "Name=value")]
    )
    def test_that_cannot_be_found_is_told(self, arguments: tuple[str, ...], said: str) -> None:
        with pytest.raises(NoTarget, match=said):
            self._target(*arguments)
