"""Health over HTTP, on the whole stack."""

from importlib.metadata import version

import httpx

from local.stack import Stack


def test_that_it_answers_is_everybodys_to_know(stack: Stack) -> None:
    found = httpx.get(f"{stack.url}/healthz", timeout=60)
    told = {"object": "health", "status": "ok", "version": version("darkroom")}
    assert (found.status_code, found.json()) == (200, told)


def test_how_its_parts_are_is_for_its_users(stack: Stack) -> None:
    found = httpx.get(f"{stack.url}/healthz", params={"deep": "1"}, timeout=60)
    assert (found.status_code, found.json()["code"]) == (401, "UNAUTHENTICATED")
    assert "checks" not in found.text


def test_who_asks_again_at_once_asks_nobody_else(stack: Stack, client: httpx.Client) -> None:
    # One after the other, so that the same process answers; another one would begin its own ten seconds.
    answers = [client.get("/healthz", params={"deep": "1"}).json() for _ in range(5)]
    assert len({each["checked_at"] for each in answers}) < len(answers)
    assert all(0 <= each["age_seconds"] <= 10 for each in answers)


def test_all_its_parts_are_looked_at(client: httpx.Client) -> None:
    found = client.get("/healthz", params={"deep": "1"})
    assert found.status_code == 200, found.text
    checks = {each["name"]: each["status"] for each in found.json()["checks"]}
    assert found.json()["failed"] == []
    assert {
        *("table", "bucket:uploads", "bucket:outputs", "models", "key:openrouter"),
        *("queue:jobs and webhooks", "queue:pictures"),
    } <= {name for name, status in checks.items() if status == "ok"}
