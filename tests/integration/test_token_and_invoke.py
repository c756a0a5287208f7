"""`make token` and `make invoke` beside a running stack, run as the Makefile runs them."""

import json
from pathlib import Path

import httpx
import pytest

from local.stack import Stack
from tests.integration.test_up import run


def test_a_token_for_another_user(stack: Stack) -> None:
    made = run("token", "ann", "--state", str(stack.folder))
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert token != stack.token
    headers = {"Authorization": f"Bearer {token}"}
    listed = httpx.get(f"{stack.url}/v1/tokens", headers=headers, trust_env=False, timeout=30).json()
    assert [item["name"] for item in listed["data"]] == ["make token"]


def test_a_token_without_a_stack_or_a_user_that_can_be(stack: Stack, tmp_path: Path) -> None:
    nowhere = run("token", "ann", "--state", str(tmp_path))
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert "Start it with `make up`" in nowhere.stderr
    nobody = run("token", "Ann/../bob", "--state", str(stack.folder))
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "Ann/../bob" in nobody.stderr


@pytest.mark.parametrize(
    ("name", "event", "status"),
    [("Jobs", "jobs_list", 200), ("JobsFunction", "jobs_show", 200), ("Account", "tokens_revoke", 200)],
)
def test_a_function_is_invoked_on_an_event(stack: Stack, name: str, event: str, status: int) -> None:
    done = run("invoke", name, f"events/{event}.json", "--no-docker", "--state", str(stack.folder))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statusCode"] == status
    filled = stack.folder / "events" / f"{event}.json"
    assert f"Bearer {stack.token}" in filled.read_text()
    assert filled.stat().st_mode & 0o777 == 0o600


def test_a_dropped_file_that_an_event_names_is_put_there_first(stack: Stack) -> None:
    event = "events/background_removals_dropped.json"
    done = run("invoke", "RemoveBackground", event, "--no-docker", "--state", str(stack.folder))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"batchItemFailures": []}
    assert "inbox/local/photo.jpg" in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("Nobody", "{}", "FUNCTION can be"),
        ("Jobs", "{", "is not JSON"),
        ("Jobs", '{"a": "${NOBODY}"}', "${NOBODY}"),
    ],
)
def test_what_cannot_be_invoked_is_said(stack: Stack, tmp_path: Path, name: str, text: str, complaint: str) -> None:
    event = tmp_path / "event.json"
    event.write_text(text)
    refused = run("invoke", name, str(event), "--no-docker", "--state", str(stack.folder))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert complaint in refused.stderr
