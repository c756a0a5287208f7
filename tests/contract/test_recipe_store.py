"""What every RecipeStore and RenderQueue does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from darkroom.adapters.recipe_store import DynamoRecipeStore
from darkroom.adapters.sqs_queue import SqsJobQueue
from darkroom.models.conversation import PaintStep, Step
from darkroom.models.recipe import Recipe, SavedRecipe
from darkroom.ports import RecipeStore, RenderQueue
from tests.contract.conftest import Cloud
from tests.fakes.recipes import MemoryRecipeStore, MemoryRenderQueue

NOON = datetime(2099, 3, 1, 12, 0, tzinfo=UTC)
STEPS = (
    Step(operation={"op": "crop", "width": 12.5, "colour": "ü 漢字", "point": [0.25, 1], "deep": {"on": True}}),
    Step(paint=PaintStep(prompt="a red fox", model="black-forest-labs/flux.2-klein-4b")),
)

Sent = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def recipe_store(cloud: Cloud | None) -> RecipeStore:
    return DynamoRecipeStore(cloud.table, cloud.aws.dynamodb) if cloud else MemoryRecipeStore()


@pytest.fixture
def render_queue_and_sent(cloud: Cloud | None, user: str) -> tuple[RenderQueue, Sent]:
    if cloud is None:
        memory = MemoryRenderQueue()
        return memory, lambda: [sent for sent, delay in zip(memory.sent, memory.delays, strict=True) if not delay]
    sqs = cloud.aws.sqs
    url = sqs.create_queue(QueueName=f"render-{user}")["QueueUrl"]

    def sent() -> list[tuple[str, str]]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in found]
        assert all(set(body) == {"user", "job_id"} for body in bodies)
        return [(body["user"], body["job_id"]) for body in bodies]

    return SqsJobQueue(url, sqs), sent


def saved(user: str, name: str, steps: tuple[Step, ...] = STEPS, *, later: int = 0) -> SavedRecipe:
    recipe = Recipe(engine="1", name=name, steps=steps)
    moment = NOON + timedelta(seconds=later)
    return SavedRecipe(user=user, name=name, recipe=recipe, created_at=NOON, updated_at=moment)


def test_a_recipe_is_found_as_it_was_kept(recipe_store: RecipeStore, user: str) -> None:
    recipe_store.save(saved(user, "shop"))
    assert recipe_store.find(user, "shop") == saved(user, "shop")
    assert recipe_store.find(user, "sho") is None
    assert recipe_store.find(f"{user}x", "shop") is None


def test_the_last_of_a_name_counts(recipe_store: RecipeStore, user: str) -> None:
    recipe_store.save(saved(user, "shop"))
    recipe_store.save(saved(user, "shop", STEPS[:1], later=9))
    assert recipe_store.find(user, "shop") == saved(user, "shop", STEPS[:1], later=9)
    assert len(recipe_store.of_user(user)) == 1


def test_a_users_recipes_come_by_name_and_are_nobody_elses(recipe_store: RecipeStore, user: str) -> None:
    for name in ("shop", "a-b", "a_b", "0"):
        recipe_store.save(saved(user, name))
    recipe_store.save(saved(f"{user}x", "other"))
    assert [found.name for found in recipe_store.of_user(user)] == ["0", "a-b", "a_b", "shop"]


def test_as_many_as_fit_no_page_are_all_there(recipe_store: RecipeStore, user: str) -> None:
    long = tuple(Step(paint=PaintStep(prompt="x" * 4000)) for _ in range(24))
    for number in range(15):
        recipe_store.save(saved(user, f"r{number:03}", long))
    assert [found.name for found in recipe_store.of_user(user)] == [f"r{number:03}" for number in range(15)]


def test_what_was_removed_is_gone_and_cannot_be_removed_again(recipe_store: RecipeStore, user: str) -> None:
    recipe_store.save(saved(user, "shop"))
    assert not recipe_store.remove(f"{user}x", "shop")
    assert recipe_store.remove(user, "shop")
    assert recipe_store.find(user, "shop") is None
    assert not recipe_store.remove(user, "shop")


def test_each_job_to_render_is_a_message(render_queue_and_sent: tuple[RenderQueue, Sent], user: str) -> None:
    queue, sent = render_queue_and_sent
    for job in ("job_A", "job_B", "job_A"):
        queue.send(user, job)
    queue.send(user, "job_that_comes_later", delay_seconds=900)
    assert sorted(sent()) == [(user, "job_A"), (user, "job_A"), (user, "job_B")]
