"""What the variables do: to the models that are taken, to the client of the providers, to the log."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from ulid import ULID

from darkroom.adapters.clients import session
from darkroom.application.on_aws import AwsPorts, on_aws
from darkroom.errors import ServiceUnavailable
from darkroom.models.image_request import ImageRequest
from darkroom.models.quote import InputShape
from darkroom.settings import Settings
from local.simulator import Simulator
from tests.conftest import ROOT

GIVEN = {"DARKROOM_TABLE": "table", "DARKROOM_UPLOADS_BUCKET": "uploads", "DARKROOM_OUTPUTS_BUCKET": "outputs"}
MINI = "openai/gpt-image-1-mini"
SEEDREAM = "bytedance-seed/seedream-4.5"
TALKER = "openai/gpt-4o-mini"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """In moto; whatever else runs in this process may have one there, too."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name, keys = f"table-{ULID()}", {"pk": "HASH", "sk": "RANGE"}
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in keys.items()],  # type: ignore[typeddict-item]
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in keys],
        )
        yield name


@pytest.fixture
def simulator(studio_simulator: Simulator) -> Simulator:
    studio_simulator.reset()
    return studio_simulator


def settings(simulator: Simulator, **environ: str) -> Settings:
    return Settings.from_environ({**GIVEN, "DARKROOM_OPENROUTER_URL": str(simulator.url), **environ})


def test_the_stacks_models_are_those_of_its_variables(simulator: Simulator, table: str) -> None:
    made = settings(
        simulator,
        DARKROOM_TABLE=table,
        IMAGE_GENERATION_MODEL=MINI,
        IMAGE_EDIT_MODEL=SEEDREAM,
        OPENROUTER_DEFAULT_MODEL=TALKER,
    )
    app = on_aws(made)
    quoting = app.quotes
    new = quoting.quote(ImageRequest(prompt="a fox"))
    edited = quoting.quote(ImageRequest(prompt="a fox"), inputs=[InputShape(width=64, height=64)])
    assert (new.request.model, edited.request.model) == (MINI, SEEDREAM)
    assert app.chat_models.choose().first.id == TALKER


def test_all_of_the_chat_function_looks_at_one_catalogue(simulator: Simulator, table: str) -> None:
    calls: list[str] = []

    def called(**facts: Any) -> None:
        calls.append(facts["model"].name)

    session().register("before-call.dynamodb", called)
    made = on_aws(settings(simulator, DARKROOM_TABLE=table))
    made.load("complete", "turns", "recipes")
    session().unregister("before-call.dynamodb", called)
    request, pictures = ImageRequest(prompt="a fox", model=MINI), [InputShape(width=64, height=64)]
    made.complete.models.choose(TALKER)
    made.turns.painting.quotes.quote(request, inputs=pictures)
    assert calls, "what one has learned is kept for other functions"
    calls.clear()
    simulator.world.log.clear()
    assert made.recipes.pricing is not None
    made.turns.planning.models.choose(TALKER)
    made.recipes.pricing.quotes.quote(request, inputs=pictures)
    assert (calls, simulator.world.log.entries()) == ([], [])


def test_the_patience_is_the_variables() -> None:
    made = Settings.from_environ({**GIVEN, "OPENROUTER_TIMEOUT_MS": "60000"})
    for name in ("openrouter", "openai"):
        assert AwsPorts(made).provider_settings(name).read_seconds == 60


@pytest.mark.parametrize("retries", [0, 1])
def test_so_are_the_attempts(simulator: Simulator, retries: int) -> None:
    made = settings(simulator, OPENROUTER_MAX_RETRIES=str(retries))
    simulator.scenario("overloaded", path="/images/models", times=9)
    with pytest.raises(ServiceUnavailable):
        AwsPorts(made).published.image_models()
    assert len(simulator.world.log.entries()) == retries + 1


def test_openrouter_is_told_who_calls(simulator: Simulator) -> None:
    named = {"OPENROUTER_HTTP_REFERER": "https://studio.example", "OPENROUTER_APP_NAME": "Alice’s studio"}
    AwsPorts(settings(simulator, **named)).published.image_models()
    (entry,) = simulator.world.log.entries()
    assert entry["headers"]["http-referer"] == "https://studio.example"
    assert entry["headers"]["x-openrouter-title"] == "Alices studio"


_SCRIPT = """
import os
from darkroom.application.on_aws import on_aws
from darkroom.models.chat import ChatMessage, ChatRequest
from darkroom.models.deadline import Deadline
from darkroom.models.generation import GenerationRequest, Reference
from darkroom.ports import PaidCall, Watch
from darkroom.settings import Settings

settings = Settings.from_environ(os.environ)
ask = on_aws(settings).ports.published
key = os.environ["KEY"]
watch = Watch(id, id, id, id)
picture = Reference(data=open("events/photo.jpg", "rb").read())
request = GenerationRequest(model="black-forest-labs/flux.2-klein-4b", prompt="CANARYPROMPT", references=(picture,))
made = ask.generate(request, PaidCall(key, Deadline(60), watch))
words = (ChatMessage(role="user", text="CANARYPROMPT", images=(picture,)),)
ask.chat(
    ChatRequest(model="google/gemini-2.5-flash", messages=words, max_completion_tokens=9),
    PaidCall(key, Deadline(60), watch),
)
ask.inspect(key)
print("LENGTH", len(made.images[0].data))
"""


@pytest.mark.parametrize("debug", ["true", "false"])
def test_the_log_tells_of_every_call_if_it_is_to_but_never_of_a_key_a_prompt_or_a_picture(
    simulator: Simulator, debug: str
) -> None:
    key = simulator.state.mint("canary")
    environ = {
        **GIVEN,
        "DARKROOM_OPENROUTER_URL": str(simulator.url),
        "OPENROUTER_DEBUG": debug,
        "OPENROUTER_API_KEY": key,
        "KEY": key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "CANARYSECRET",
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False, cwd=ROOT, env=environ
    )
    assert done.returncode == 0, done.stderr
    log = done.stdout + done.stderr
    assert ("HTTP Request: POST" in log, "Connected to 127.0.0.1" in log) == (debug == "true", debug == "true")
    for secret in (key, key[9:], "CANARY", "base64,", "/9j/", "iVBOR", r"\xff\xd8"):
        assert secret not in log
    # No line holds more than a request's or an answer's head.
    assert max(map(len, log.splitlines())) < 2500
