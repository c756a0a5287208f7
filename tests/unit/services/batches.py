"""Batches that paint, as Alice has them: she asks, and message by message everybody does their part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from PIL import Image

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import PaintStep, Step
from darkroom.models.deadline import Deadline
from darkroom.models.image_input import edit_fields
from darkroom.models.job import Job
from darkroom.models.recipe import Recipe, RecipeApplication
from darkroom.models.user_settings import UserSettings
from darkroom.operations import ENGINE_VERSION
from darkroom.services.recipes.batch_notes import part_id, wall_id
from tests.application import LONG, Studio
from tests.photos import save

USER = "alice"
CALLER = Caller(user=USER)
_MOST_MESSAGES = 400


def flip() -> Step:
    return Step(operation={"op": "flip"})


def cut_out() -> Step:
    return Step(operation={"op": "remove_background"})


def paint(prompt: str = "as a watercolour", model: str | None = None) -> Step:
    return Step(paint=PaintStep(prompt=prompt, model=model))


def recipe(*steps: Step) -> Recipe:
    return Recipe(engine=ENGINE_VERSION, steps=steps)


PAINTED = recipe(flip(), paint(), cut_out())


def picture(number: int) -> bytes:
    return save(Image.new("RGB", (64, 48), (number % 256, 90, 200)), "PNG")


def choose(studio: Studio, **settings: Any) -> None:
    studio.settings.settings[USER] = UserSettings(**settings)


@dataclass
class Gallery:
    studio: Studio

    def upload(self, count: int, user: str = USER) -> list[str]:
        names = [f"upl_01HZZZZZZZZZZZZZZZZZZZZ{number:03}" for number in range(count)]
        for number, name in enumerate(names):
            self.studio.images.drop(f"uploads/{user}/{name}", picture(number))
        return names

    def apply(
        self,
        wanted: Recipe | str,
        pictures: int | Sequence[Any],
        most: float | None = 1.0,
        *,
        allow: bool = True,
        key: str | None = None,
        by: Caller = CALLER,
    ) -> Job:
        named = self.upload(pictures) if isinstance(pictures, int) else list(pictures)
        application = RecipeApplication(
            recipe=wanted,
            pictures=edit_fields({"images": named})["images"],
            allow_paid=allow,
            max_cost_usd=None if most is None else Decimal(str(most)),
        )
        terms = Terms(route="POST /v1/recipes/apply", idempotency_key=key)
        return self.studio.app.recipes.apply(by, application, terms).job

    def step(self) -> bool:
        """Delivers one message; False if there is none."""
        studio = self.studio
        if studio.job_queue.sent:
            user, job_id = studio.job_queue.sent.pop(0)
            studio.app.worker.run(user, job_id, Deadline(LONG))
        elif studio.render_queue.sent:
            user, job_id = studio.render_queue.sent.pop(0)
            assert studio.app.recipe_worker.run(user, job_id, Deadline(50))
        else:
            return False
        return True

    def run(self) -> None:
        for _ in range(_MOST_MESSAGES):
            if not self.step():
                return
        raise AssertionError("There is no end to it.")

    def sweep(self, after: timedelta = timedelta(minutes=5)) -> None:
        self.studio.clock.step(after)
        self.studio.app.sweep.run(Deadline(LONG))
        self.run()

    def cancel(self, job: Job) -> Job:
        return self.studio.app.jobs.cancel(job.user, job.id, self.studio.app.settlement.cancel)

    def now(self, job: Job) -> Job:
        return self.studio.job(job.user, job.id)

    def part(self, job: Job, index: int, number: int = 0) -> Job:
        return self.studio.job(job.user, part_id(job.id, index, number))

    def parts(self, job: Job) -> Mapping[str, Job]:
        return {each.id: each for each in self.studio.of(job.user).values() if each.parent_id == job.id}

    def posts(self) -> int:
        return len(self.studio.paid_requests())

    def errors(self, job: Job) -> list[tuple[int, str, Any]]:
        return [(each["index"], each["code"], each["charged"]) for each in self.now(job).result["errors"]]

    def wall(self, job: Job) -> tuple[int, int]:
        """What of the batch's budget is reserved, and what is spent."""
        found = self.studio.ledger.budgets(job.user, [wall_id(job.id)])
        budget = found.get(wall_id(job.id))
        return (budget.reserved, budget.spent) if budget else (0, 0)


def assert_books_agree(gallery: Gallery, *jobs: Job) -> None:
    """To the micro-dollar: batches, their paintings and receipts; every budget; the invoice; and the caps."""
    studio, total, unknown = gallery.studio, 0, 0
    receipts = {job_id: receipt for (user, job_id), receipt in studio.ledger.receipts_.items() if user == USER}
    for job in map(gallery.now, jobs):
        parts = gallery.parts(job)
        spent = sum(receipt.actual or 0 for job_id, receipt in receipts.items() if job_id in parts)
        assert all(part.cost.settled for part in parts.values())
        assert job.cost.actual == spent
        assert gallery.wall(job) == (0, spent)
        cap = next(ref.limit for ref in job.budgets if ref.name == "batch")
        assert spent <= cap
        total += spent
        unknown += sum(part.cost.reserved for part in parts.values() if part.cost.charged == "unknown")
    # What stays unknown is counted at its reservation, whether or not it is on the invoice.
    assert total - unknown <= sum(studio.charged(USER)) <= total
    for (_, name), account in studio.ledger.accounts.items():
        assert account.reserved == 0
        if not name.startswith("batch#"):
            assert account.spent == total


def assert_tidy(gallery: Gallery, *jobs: Job) -> None:
    """Nothing is left of the work but what the jobs show."""
    kept = {image.key for job in gallery.studio.of(USER).values() for image in job.images}
    for job in jobs:
        left = [key for key in gallery.studio.images.outputs if key.startswith(f"outputs/{USER}/{job.id}/")]
        assert set(left) <= kept, left
