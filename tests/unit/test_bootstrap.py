"""The composition root over moto: what it puts together, and from where the stack's own key comes."""

import json
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from darkroom import bootstrap
from darkroom.errors import InternalError
from darkroom.settings import Settings
from tests.conftest import ROOT

QUEUES = "https://sqs.us-east-1.amazonaws.com/123456789012"
ENVIRON = {
    "DARKROOM_TABLE": "table",
    "DARKROOM_UPLOADS_BUCKET": "uploads",
    "DARKROOM_OUTPUTS_BUCKET": "outputs",
    "DARKROOM_VAULT_KEY": "alias/vault",
    "DARKROOM_JOB_QUEUE": f"{QUEUES}/jobs",
    "DARKROOM_JOB_DEAD_LETTERS": "https://sqs.us-east-1.amazonaws.com/123456789012/dead",
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def test_each_function_gets_what_it_needs() -> None:
    assert bootstrap.account(ENVIRON).keys
    assert bootstrap.jobs(ENVIRON).uploads
    assert bootstrap.oauth({**ENVIRON, "DARKROOM_SIGN_IN": "nobody"}).connect
    assert bootstrap.generate(ENVIRON).generate
    assert bootstrap.edit(ENVIRON).edit
    assert bootstrap.models(ENVIRON).estimates
    assert bootstrap.webhooks(ENVIRON).webhooks
    worker = bootstrap.worker(ENVIRON)
    assert worker.sweep


def test_nothing_else_is_there() -> None:
    for name in bootstrap.__all__:
        assert getattr(bootstrap, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        bootstrap.nothing  # noqa: B018 - that it raises is the point


@pytest.mark.parametrize("function", ["generate", "edit", "jobs", "worker", "account", "oauth", "webhooks", "models"])
def test_a_function_of_the_layer_loads_no_more_than_the_layer_has(function: str) -> None:
    script = (
        f"import sys; from darkroom import bootstrap; bootstrap.{function}; import functions.{function}.app;"
        "print(*sorted({'numpy', 'onnxruntime', 'rembg', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_an_alarm_is_a_line_that_the_metric_filter_counts() -> None:
    script = "from darkroom import bootstrap; bootstrap.alarm('SETTLED_ABOVE_RESERVATION', job='job_1', actual=2)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    entry = json.loads(done.stdout)
    assert (entry["alarm"], entry["job"], entry["level"]) == ("SETTLED_ABOVE_RESERVATION", "job_1", "ERROR")


def test_a_site_under_another_name_says_so() -> None:
    services = bootstrap.jobs({**ENVIRON, "DARKROOM_PUBLIC_URL": "https://studio.example/"})
    assert services.callers.public_url == "https://studio.example"


def test_the_stacks_own_key_comes_from_its_secret() -> None:
    secret = boto3.client("secretsmanager").create_secret(Name="operator", SecretString=" sk-or-v1-operator \n")
    settings = Settings.from_environ({**ENVIRON, "DARKROOM_OPERATOR_KEY_SECRET": secret["ARN"]})
    assert settings.has_operator_key
    assert bootstrap.operator_key(settings)("openrouter") == "sk-or-v1-operator"


@pytest.mark.parametrize("stored", ['{"OPENROUTER_API_KEY": "sk-or-v1-operator"}', "  "])
def test_a_secret_that_is_not_the_key_alone_is_refused(stored: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The console stores a key and a value as JSON, which would be sent to OpenRouter as the key."""
    secret = boto3.client("secretsmanager").create_secret(Name=f"not-the-key-{len(stored)}", SecretString=stored)
    settings = Settings.from_environ({**ENVIRON, "DARKROOM_OPERATOR_KEY_SECRET": secret["ARN"]})
    with pytest.raises(InternalError) as raised:
        bootstrap.operator_key(settings)("openrouter")
    assert "sk-or" not in f"{raised.value.detail}{raised.value.fix}{capsys.readouterr().out}"


def test_health_looks_at_the_stacks_key_unless_it_is_in_a_secret() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:operator"
    assert bootstrap.account(ENVIRON).health.sees_stack_key
    assert not bootstrap.account({**ENVIRON, "DARKROOM_OPERATOR_KEY_SECRET": arn}).health.sees_stack_key


def test_on_a_laptop_it_comes_from_the_environment_and_is_not_shown() -> None:
    settings = Settings.from_environ({**ENVIRON, "DARKROOM_OPENROUTER_API_KEY": "sk-or-v1-CANARY"})
    assert bootstrap.operator_key(settings)("openrouter") == "sk-or-v1-CANARY"
    assert "CANARY" not in repr(settings)


@pytest.mark.parametrize("key", ["", None])
def test_without_one_there_is_none(key: str | None) -> None:
    settings = Settings.from_environ({**ENVIRON, **({"DARKROOM_OPENROUTER_API_KEY": key} if key is not None else {})})
    assert not settings.has_operator_key
    assert bootstrap.operator_key(settings)("openrouter") is None


class TestEntry:
    def test_outside_lambda_nothing_is_put_together_before_it_is_called(self) -> None:
        made: list[str] = []

        def compose(_environ: object) -> bootstrap.Handler:
            made.append("made")
            return lambda event, _context: event["n"]

        handler = bootstrap.entry(compose)
        assert made == []
        assert [handler({"n": n}, None) for n in (1, 2)] == [1, 2]
        assert made == ["made"]

    def test_in_lambda_it_happens_in_the_init_phase(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
        made: list[str] = []
        bootstrap.entry(lambda _environ: made.append("made") or (lambda event, _context: event))  # type: ignore[func-returns-value]
        assert made == ["made"]
