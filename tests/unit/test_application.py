"""The application on AWS, over moto: what each function loads and makes, and from where the stack's own key comes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from darkroom.application import Application, Handler
from darkroom.application.on_aws import AwsPorts, entry, on_aws
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


# Made where `Api` is made; not services.
OTHERWISE = {"callers", "load", "ports", "rates", "settings"}
ROUTES = ROOT / "layers/shared/darkroom/http/routes"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def test_there_is_no_service_that_cannot_be_made() -> None:
    """Of the image function's, the ports have their own tests: there is neither a model nor rembg in the layer."""
    app = on_aws(Settings.from_environ({**ENVIRON, "DARKROOM_SIGN_IN": "nobody"}))
    model: Any = None
    app.ports.__dict__.update(segmenter=model, matter=model)
    names = [name for each in type(app).__mro__ for name, value in vars(each).items() if hasattr(value, "attrname")]
    assert len(names) > 40
    app.load(*names)


@pytest.mark.parametrize(
    "module", sorted((ROOT / "layers/shared/darkroom/http/routes").glob("*.py")), ids=lambda p: p.stem
)
def test_the_services_of_each_route_are_made_in_the_init_phase(module: Path) -> None:
    """Those that a route names are named to `load`, in its file or where the file's routes are put together."""
    named = set(re.findall(r"(?<!\.)\bapp\.([a-z_]+)", module.read_text())) - OTHERWISE
    loaded = {
        name
        for each in module.parent.glob("*.py")
        for listed in re.findall(r"app\.load\(([^)]*)\)", each.read_text())
        for name in re.findall(r'"(\w+)"', listed)
    }
    assert named <= loaded


def test_an_alarm_is_a_line_that_the_metric_filter_counts() -> None:
    script = "from darkroom.observability import alarm; alarm('SETTLED_ABOVE_RESERVATION', job='job_1', actual=2)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    entry = json.loads(done.stdout)
    assert (entry["alarm"], entry["job"], entry["level"]) == ("SETTLED_ABOVE_RESERVATION", "job_1", "ERROR")


def test_a_site_under_another_name_says_so() -> None:
    app = on_aws(Settings.from_environ({**ENVIRON, "DARKROOM_PUBLIC_URL": "https://studio.example/"}))
    assert app.callers.public_url == "https://studio.example"


def test_the_stacks_own_key_comes_from_its_secret() -> None:
    secret = boto3.client("secretsmanager").create_secret(Name="operator", SecretString=" sk-or-v1-operator \n")
    settings = Settings.from_environ({**ENVIRON, "DARKROOM_OPERATOR_KEY_SECRET": secret["ARN"]})
    assert settings.has_operator_key
    assert AwsPorts(settings).operator_key("openrouter") == "sk-or-v1-operator"


@pytest.mark.parametrize("stored", ['{"OPENROUTER_API_KEY": "sk-or-v1-operator"}', "  "])
def test_a_secret_that_is_not_the_key_alone_is_refused(stored: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The console stores a key and a value as JSON, which would be sent to OpenRouter as the key."""
    secret = boto3.client("secretsmanager").create_secret(Name=f"not-the-key-{len(stored)}", SecretString=stored)
    settings = Settings.from_environ({**ENVIRON, "DARKROOM_OPERATOR_KEY_SECRET": secret["ARN"]})
    with pytest.raises(InternalError) as raised:
        AwsPorts(settings).operator_key("openrouter")
    assert "sk-or" not in f"{raised.value.detail}{raised.value.fix}{capsys.readouterr().out}"


def test_health_looks_at_the_stacks_key_unless_it_is_in_a_secret() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:operator"
    assert on_aws(Settings.from_environ(ENVIRON)).health.sees_stack_key
    stored = Settings.from_environ({**ENVIRON, "DARKROOM_OPERATOR_KEY_SECRET": arn})
    assert not on_aws(stored).health.sees_stack_key


def test_on_a_laptop_it_comes_from_the_environment_and_is_not_shown() -> None:
    settings = Settings.from_environ({**ENVIRON, "DARKROOM_OPENROUTER_API_KEY": "sk-or-v1-CANARY"})
    assert AwsPorts(settings).operator_key("openrouter") == "sk-or-v1-CANARY"
    assert "CANARY" not in repr(settings)


@pytest.mark.parametrize("key", ["", None])
def test_without_one_there_is_none(key: str | None) -> None:
    settings = Settings.from_environ({**ENVIRON, **({"DARKROOM_OPENROUTER_API_KEY": key} if key is not None else {})})
    assert not settings.has_operator_key
    assert AwsPorts(settings).operator_key("openrouter") is None


class TestEntry:
    @pytest.fixture(autouse=True)
    def deployed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in ENVIRON.items():
            monkeypatch.setenv(name, value)

    def test_outside_lambda_nothing_is_put_together_before_it_is_called(self) -> None:
        made: list[Application] = []

        def handler_of(app: Application) -> Handler:
            made.append(app)
            return lambda event, _context: event["n"]

        handler = entry(handler_of)
        assert made == []
        assert [handler({"n": n}, None) for n in (1, 2)] == [1, 2]
        assert [app.settings.table for app in made] == ["table"]

    def test_in_lambda_it_happens_in_the_init_phase(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
        made: list[Application] = []
        entry(lambda app: made.append(app) or (lambda event, _context: event))  # type: ignore[func-returns-value]
        assert [app.settings.table for app in made] == ["table"]
