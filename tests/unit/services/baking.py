"""Recipes: those who ask, and the worker who takes them on pictures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import Step
from darkroom.models.deadline import Deadline
from darkroom.models.image_input import edit_fields
from darkroom.models.job import Job
from darkroom.models.recipe import Recipe, RecipeApplication
from darkroom.operations import ENGINE_VERSION, Operation, Rendered
from darkroom.services.inputs.sources import Sources
from darkroom.services.paid.admission import Submission
from darkroom.services.recipes.recipe_worker import RecipeWorker
from darkroom.services.recipes.recipes import Recipes
from darkroom.services.recipes.render import Render
from tests.application import offline
from tests.conftest import SteppingClock
from tests.fakes.recipes import MemoryRenderQueue
from tests.photos import save
from tests.unit.services.recipes.test_render import BoxSegmenter

LONG = 50.0


def recipe(*operations: Mapping[str, Any], engine: str = ENGINE_VERSION) -> Recipe:
    return Recipe(engine=engine, steps=tuple(Step(operation=dict(each)) for each in operations))


FLIP = recipe({"op": "flip"})


def picture(number: int = 0) -> bytes:
    """No two are the same, and none is its own mirror image."""
    image = Image.new("RGB", (4, 2), (number % 256, number // 256, 99))
    image.putpixel((0, 0), (255, 255, 255))
    return save(image, "PNG")


def upload_id(number: int) -> str:
    return f"upl_01HZZZZZZZZZZZZZZZZZZZZ{number:03}"


class Hooked(Render, frozen=True):
    """Calls `before` with each picture before it is worked on."""

    before: Callable[[bytes], object] = len

    def apply(self, user: str, data: bytes, operations: Sequence[Operation]) -> Rendered:
        self.before(data)
        return super().apply(user, data, operations)


class Bakery:
    """Args: queue: of those who work on pictures."""

    def __init__(self, clock: SteppingClock, queue: MemoryRenderQueue | None = None) -> None:
        self.segmenter = BoxSegmenter()
        self.queue = queue or MemoryRenderQueue()
        self.studio = studio = offline(clock, render_queue=self.queue, segmenter=self.segmenter)
        self.clock, self.images, self.jobs, self.alarms = clock, studio.images, studio.jobs, studio.alarms

    @property
    def recipes(self) -> Recipes:
        return self.studio.app.recipes

    def worker(self, *, before: Callable[[bytes], object] = len, sources: Sources | None = None) -> RecipeWorker:
        app = self.studio.app
        render = Hooked(self.images, app.sources, 25, self.segmenter, lambda _user: "box", before)
        return RecipeWorker(
            render=render,
            sources=sources or app.sources,
            notes=app.batch_notes,
            jobs=self.jobs,
            queue=self.queue,
            job_queue=app.ports.job_queue,
            clock=self.clock,
            alarm=self.studio.alarm,
            max_attempts=3,
        )

    def upload(self, count: int, user: str = "alice") -> list[str]:
        for number in range(count):
            self.images.drop(f"uploads/{user}/{upload_id(number)}", picture(number))
        return [upload_id(number) for number in range(count)]

    def apply(
        self, wanted: Recipe | str, pictures: Sequence[Any], user: str = "alice", key: str | None = None
    ) -> Submission:
        application = RecipeApplication(recipe=wanted, pictures=edit_fields({"images": list(pictures)})["images"])
        terms = Terms(route="POST /v1/recipes/apply", idempotency_key=key)
        return self.recipes.apply(Caller(user=user), application, terms)

    def work(self, worker: RecipeWorker | None = None, seconds: float = LONG, *, receives: int = 1) -> int:
        """Delivers what is in the queue until it is empty; how many messages there were."""
        count = 0
        while self.queue.sent:
            user, job_id = self.queue.sent.pop(0)
            assert (worker or self.worker()).run(user, job_id, Deadline(seconds), receives=receives)
            count += 1
        return count

    def job(self, submission: Submission) -> Job:
        found = self.jobs.find(submission.job.user, submission.job.id)
        assert found is not None
        return found
