"""`POST /v1/images/generations` on the running stack: waiting, not waiting, and the names of models."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from darkroom.models.door import LIVE
from darkroom.services.paid.settlement import SIMULATED
from local.stack import FUNCTION_CAP
from tests.integration.users import ASYNC, KLEIN, STREAMING, People, User

PRICE = 14_000


@pytest.fixture
def user(people: People) -> User:
    return people.new("generate")


class TestWaiting:
    def test_who_does_not_wait_is_answered_while_the_provider_has_not_begun_to(self, user: User) -> None:
        user.scenario("slow_headers", seconds=4)
        answer = user.generate(ASYNC)
        assert answer.status_code == 202
        job = answer.json()
        assert job["status"] in ("queued", "running")
        assert answer.headers["preference-applied"] == "respond-async"
        assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
        # The provider sits on the request for longer than the answer took: it is not over now.
        assert user.job(job["id"])["status"] in ("queued", "running")
        done = user.until(job["id"], "succeeded")
        assert done["cost"]["actual_usd"] == 0.014
        assert len(user.paid_requests()) == 1

    def test_who_waits_a_while_is_told_what_was_made_of_the_wish(self, people: People, user: User) -> None:
        quick = people.new("generate")
        user.scenario("slow_headers", seconds=6)
        with ThreadPoolExecutor(2) as threads:
            late = threads.submit(user.generate, {"prefer": "wait=1"}).result()
            done = threads.submit(quick.generate, {"prefer": "foo, wait=9999"}).result()
        assert (late.status_code, late.headers["preference-applied"]) == (202, "wait=1")
        assert late.headers["retry-after"] == "2"
        assert (done.status_code, done.headers["preference-applied"]) == (200, f"wait={LIVE.max_wait:g}")
        user.until(late.json()["id"], "succeeded")

    def test_waiting_callers_cannot_keep_the_worker_from_working(self, people: People) -> None:
        """Every process of the function waits, and more callers than there are processes; the jobs get done."""
        users = [people.new("waiting") for _ in range(FUNCTION_CAP + 2)]
        with ThreadPoolExecutor(len(users)) as threads:
            answers = list(threads.map(lambda user: user.generate({"prefer": "wait=25"}), users))
        assert [answer.status_code for answer in answers] == [200] * len(users)
        assert [user.charges() for user in users] == [[PRICE]] * len(users)


# What five source documents call their models; and what is to become of it, by name or by refusal.
SEEDS: dict[str, bool] = {
    "openrouter/flux/kontext-max": True,
    "openrouter/stability-ai/stable-diffusion-xl": True,
    "janus-pro": True,
    "gpt-image-1": True,
    "dall-e-3": True,
    "sdxl": True,
    "midjourney-v6": True,
    "google/gemini-2.5-flash-image-preview": True,
    "google/gemini-3-flash-preview": False,
    "anthropic/claude-opus-4.6": False,
    "google/gemini-2.5-flash": False,
    "mistralai/pixtral-large-2411": False,
    "openai/gpt-oss-20b:free": False,
    "meta-llama/llama-3.2-3b-instruct:free": False,
    "google/gemma-2-9b-it:free": False,
    "mistralai/mistral-7b-instruct:free": False,
    "gpt-4o": False,
    "openai/gpt-4o": False,
    "gpt-3.5-turbo": False,
    "openai/gpt-3.5-turbo": False,
    "gpt-4": False,
    "claude-3-sonnet-20240229": False,
    "anthropic/claude-3-sonnet": False,
    "anthropic/claude-3-opus": False,
    "google/gemini-pro": False,
    "meta/llama-2": False,
    "llama-3.3-70b-versatile": False,
    "gemini-2.5-flash": False,
}


class TestModels:
    def test_each_name_of_the_source_documents_paints_or_is_refused_with_advice(self, people: People) -> None:
        users = {name: people.new("seed") for name in SEEDS}
        with ThreadPoolExecutor(6) as threads:
            answers = dict(zip(SEEDS, threads.map(_painted, users.items()), strict=True))
        for name, paints in SEEDS.items():
            body, charges = answers[name], users[name].charges()
            if paints:
                assert (body["status"], body["model_requested"]) == ("succeeded", name), body
                assert body["model_used"] != name
                assert [warning for warning in body["warnings"] if body["model_used"] in warning], body["warnings"]
                assert [round(body["cost"]["actual_usd"] * 1e6)] == charges
            else:
                assert (body["code"], body["charged"], charges) == ("UNSUPPORTED_MODEL", False, []), (name, body)
                assert body["suggestions"]
                assert body["param"] == "model"

    def test_a_live_name_is_used_as_it_is(self, user: User) -> None:
        for name in (KLEIN, "flux.2-klein-4b", f"openrouter/{KLEIN}"):
            job = user.until(user.order(model=name)["id"], "succeeded")
            assert (job["model_requested"], job["model_used"], job["warnings"]) == (name, KLEIN, [SIMULATED])

    def test_a_fallback_paints_where_the_first_cannot(self, user: User) -> None:
        user.scenario("provider_overloaded", model=KLEIN)
        job = user.until(user.order(fallback_models=[STREAMING])["id"])
        assert (job["status"], job["model_requested"], job["model_used"]) == ("succeeded", KLEIN, STREAMING), job
        assert len(user.charges()) == 1
        assert [round(job["cost"]["actual_usd"] * 1e6)] == user.charges()


def _painted(asked: tuple[str, User]) -> dict[str, Any]:
    name, user = asked
    answer = user.generate(ASYNC, model=name, max_cost_usd=0.1)
    body: dict[str, Any] = answer.json()
    if answer.status_code != 202:
        return body
    return user.until(body["id"])
