"""Clients of OpenAI and OpenRouter for JavaScript, unmodified, under Node.js, through the gateway.

Each call costs what the invoice says, once, and the client understands the answer.
"""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from darkroom.models.webhook import WebhookSecrets
from darkroom.services.paid.webhooks import new_secret, signed
from tests.conftest import ROOT
from tests.integration.users import People, User

FOLDER = Path(__file__).parent / "javascript"
pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules").is_dir(),
    reason="SKIPPED FOR WANT OF NODE.JS: the JavaScript clients are not installed; `make test` does it where npm is",
)


@pytest.fixture
def user(people: People) -> User:
    return people.new("javascript")


def called(user: User, name: str, **more: str) -> dict[str, Any]:
    """What the call of `javascript/calls.mjs` printed. Args: more: variables of its environment."""
    environment = {
        "PATH": os.environ["PATH"],
        "BASE_URL": user.stack.url,
        "API_KEY": user.token,
        "PHOTO": str(ROOT / "events" / "photo.jpg"),
        **more,
    }
    done = subprocess.run(
        ["node", str(FOLDER / "calls.mjs"), name],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def paid_once(user: User, times: int = 1) -> None:
    assert len(user.charges()) == times
    assert sorted(user.charges()) == sorted(receipt["actual_micro_usd"] for receipt in user.receipts())


class TestOpenAI:
    def test_pictures_as_bytes(self, user: User) -> None:
        found = called(user, "openai_generate")
        assert len(found["sizes"]) == 2
        assert min(found["sizes"]) > 10_000
        assert all("b64_json" in keys and "url" not in keys for keys in found["keys"])
        paid_once(user)

    def test_a_link_where_openai_gives_one(self, user: User) -> None:
        (keys,) = called(user, "openai_link")["keys"]
        assert "url" in keys
        assert "b64_json" not in keys
        paid_once(user)

    def test_an_edit(self, user: User) -> None:
        assert min(called(user, "openai_edit")["sizes"]) > 10_000
        paid_once(user)

    def test_a_picture_as_a_stream(self, user: User) -> None:
        found = called(user, "openai_image_stream")
        assert found["types"] == ["image_generation.partial_image", "image_generation.completed"]
        assert min(found["sizes"]) > 1_000
        paid_once(user)

    def test_a_chat_as_a_stream(self, user: User) -> None:
        assert "Hello there" in called(user, "openai_chat_stream")["text"]
        paid_once(user)

    def test_responses_and_a_picture_in_one(self, user: User) -> None:
        found = called(user, "openai_responses")
        assert "Hello there" in found["text"]
        assert min(found["sizes"]) > 10_000
        paid_once(user, 3)

    def test_a_response_as_a_stream(self, user: User) -> None:
        found = called(user, "openai_responses_stream")
        assert "Hello there" in found["text"]
        assert (found["types"][0], found["types"][-1]) == ("response.created", "response.completed")
        paid_once(user)

    def test_azures_client(self, user: User) -> None:
        found = called(user, "openai_azure")
        assert "Hello there" in found["text"]
        assert min(found["sizes"]) > 10_000
        paid_once(user, 2)

    def test_what_is_refused_has_its_class_and_code(self, user: User) -> None:
        missing, wrong = ["NotFoundError", "NO_SUCH_ROUTE"], "BadRequestError"
        assert called(user, "openai_refused")["codes"] == [
            missing,
            missing,
            [wrong, "INVALID_PARAMETER"],
            [wrong, "UNSUPPORTED_MODEL"],
        ]
        paid_once(user, 0)


class TestVercel:
    def test_four_pictures_in_one_call(self, user: User) -> None:
        sizes = called(user, "vercel_four_images")["sizes"]
        assert len(sizes) == 4
        assert min(sizes) > 10_000
        paid_once(user)

    def test_a_chat_by_its_default_the_responses_api(self, user: User) -> None:
        found = called(user, "vercel_default_text")
        assert "Hello there" in found["text"]
        assert found["used"] == "I looked it up: 4 degrees"
        assert found["tokens"] > 0
        paid_once(user, 3)

    def test_a_stream_and_an_object_by_its_default(self, user: User) -> None:
        assert "Hello there" in called(user, "vercel_default_stream")["text"]
        assert called(user, "vercel_default_object")["object"]["city"]
        paid_once(user, 2)

    def test_a_picture_by_its_tool(self, user: User) -> None:
        (size,) = called(user, "vercel_image_tool")["sizes"]
        assert size > 10_000
        paid_once(user, 2)

    def test_its_provider_for_what_is_compatible_with_openai(self, user: User) -> None:
        found = called(user, "compatible_all")
        assert "Hello there" in found["text"]
        assert "Hello there" in found["streamed"]
        assert len(found["sizes"]) == 2
        assert min(found["sizes"]) > 10_000
        assert len(user.charges()) <= 4
        assert sum(user.charges()) == sum(receipt["actual_micro_usd"] for receipt in user.receipts())

    @pytest.mark.parametrize("name", ["vercel_text", "vercel_stream"])
    def test_a_chat(self, user: User, name: str) -> None:
        assert "Hello there" in called(user, name)["text"]
        paid_once(user)


def test_remove_bg(user: User, tmp_path: Path) -> None:
    """Unmodified but for the one constant that holds its host."""
    package = FOLDER / "node_modules" / "remove.bg" / "dist" / "index.js"
    code = package.read_text(encoding="utf-8")
    assert code.count("https://api.remove.bg") == 1
    pointed = package.with_name(f"{tmp_path.name}.cjs")
    pointed.write_text(code.replace("https://api.remove.bg", user.stack.url), encoding="utf-8")
    try:
        found = called(user, "removebg", MODULE=str(pointed))
    finally:
        pointed.unlink()
    assert min(found["sizes"]) > 10_000
    assert found["charged"] == [0, 0]
    paid_once(user, 0)


def test_standardwebhooks(user: User) -> None:
    secret, body, at = new_secret(), '{"type":"job.succeeded"}', datetime.now(UTC)
    headers = signed("msg_1", at, body.encode(), WebhookSecrets(current=secret, created_at=at))
    given = json.dumps({"secret": secret, "body": body, "headers": headers})
    assert called(user, "webhook", GIVEN=given) == {"verified": {"type": "job.succeeded"}, "refused": True}


class TestOpenRouter:
    @pytest.mark.parametrize("name", ["openrouter_chat", "openrouter_chat_stream"])
    def test_a_chat(self, user: User, name: str) -> None:
        assert "Hello there" in called(user, name)["text"]
        paid_once(user)

    def test_pictures_models_and_the_account(self, user: User) -> None:
        found = called(user, "openrouter_door")
        assert min(found["sizes"]) > 10_000
        assert found["models"] > 10
        assert [found["used"], found["total"]] == [sum(user.charges()) / 1_000_000] * 2
        paid_once(user)

    def test_pictures_in_a_chat(self, user: User) -> None:
        assert min(called(user, "openrouter_painted_chat")["sizes"]) > 1_000
        paid_once(user)

    def test_vercels_provider(self, user: User) -> None:
        found = called(user, "openrouter_vercel")
        assert "Hello there" in found["text"]
        assert min(found["sizes"]) > 1_000
        paid_once(user, 2)
