"""Recipes: steps that were taken once, exported, kept by name, and taken again on other pictures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ulid import ULID

from darkroom.errors import (
    Conflict,
    DarkroomError,
    IdempotencyKeyReused,
    InternalError,
    InvalidParameter,
    NotFound,
    PayloadTooLarge,
)
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import Step
from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus
from darkroom.models.recipe import MOST_STEPS, NAME_PATTERN, Recipe, SavedRecipe
from darkroom.models.recipe_batch import MOST_PICTURES, Application, Batch
from darkroom.operations import ENGINE_VERSION, Operation, Rendered, dump, parse
from darkroom.ports import Alarm, Clock, ImageStore, JobStore, RecipeStore, RenderQueue
from darkroom.services.admission import Submission, request_sha256
from darkroom.services.render import Render

OPERATION = "recipe"
MOST_KEPT = 100
MOST_BYTES = 100_000
# A message is delivered within seconds; a job that nobody has looked at for so long has lost its own.
FORGOTTEN: Final = timedelta(minutes=3)


def export(steps: Sequence[Step], *, name: str = "") -> Recipe:
    """The steps as a recipe of this engine.

    Raises:
        Conflict: there is no step, or there are too many.
        InvalidParameter: a step is none that this engine knows.
    """
    if not steps:
        raise Conflict("There are no steps to export: the picture is as it was given.", fix="Change the picture first.")
    if len(steps) > MOST_STEPS:
        raise Conflict(
            f"The picture has {len(steps)} steps; a recipe has at most {MOST_STEPS}.",
            fix="Export an earlier version, and what came after it by itself.",
        )
    return canonical(Recipe(engine=ENGINE_VERSION, name=name[:64], steps=tuple(steps)))


def canonical(recipe: Recipe) -> Recipe:
    """The same recipe with every default written out.

    Raises:
        InvalidParameter: a step cannot be read; `param` is like `steps[2].operation.temperature`.
    """
    steps = tuple(
        step if step.paint else Step(operation=dump([_operation(step, index)])[0])
        for index, step in enumerate(recipe.steps)
        if _is_one(step, index)
    )
    return recipe.model_copy(update={"steps": steps})


def operations_of(recipe: Recipe) -> tuple[Operation, ...]:
    """A recipe that costs nothing, ready to be done.

    Raises:
        InvalidParameter: a step was painted by a model, or cannot be read.
    """
    painted = [index for index, step in enumerate(recipe.steps) if _is_one(step, index) and step.paint]
    if painted:
        raise InvalidParameter(
            f"Step {painted[0]} of the recipe was painted by a model: taking it again costs money, and gives another "
            "picture each time.",
            fix="Leave the painted steps out, or say in a conversation what you want on the other picture.",
            param=f"steps[{painted[0]}].paint",
            context={"painted_steps": painted},
        )
    return tuple(_operation(step, index) for index, step in enumerate(recipe.steps))


def _is_one(step: Step, index: int) -> bool:
    if (step.operation is None) == (step.paint is None):
        raise InvalidParameter(
            f"`steps[{index}]` is not one step.", fix="Give either `operation` or `paint`.", param=f"steps[{index}]"
        )
    return True


def _operation(step: Step, index: int) -> Operation:
    try:
        return parse([step.operation or {}], param="steps")[0]
    except InvalidParameter as error:
        at = f"steps[{index}].operation"
        raise InvalidParameter(
            error.detail.replace("steps[0]", at, 1),
            fix=error.fix,
            param=(error.param or "").replace("steps[0]", at, 1),
            context=error.context,
        ) from error


@dataclass(frozen=True, slots=True)
class Recipes:
    """Args: retention: how long the pictures and their job are kept."""

    store: RecipeStore
    images: ImageStore
    jobs: JobStore
    queue: RenderQueue
    clock: Clock
    retention: timedelta
    alarm: Alarm

    def save(self, user: str, name: str, recipe: Recipe) -> SavedRecipe:
        """Keeps the recipe under the name; one that was there is replaced.

        Raises:
            InvalidParameter: the name, or a step, is none.
            PayloadTooLarge: it has more than 100 kB.
            Conflict: the user keeps as many as there may be.
        """
        _check_name(name)
        written = canonical(recipe).model_copy(update={"name": name})
        if len(written.model_dump_json(exclude_none=True).encode()) > MOST_BYTES:
            raise PayloadTooLarge(
                f"The recipe has more than {MOST_BYTES // 1000} kB.", fix="Split it into several.", param="steps"
            )
        now, earlier = self.clock(), self.store.find(user, name)
        if earlier is None and len(self.store.of_user(user)) >= MOST_KEPT:
            raise Conflict(f"You keep {MOST_KEPT} recipes already.", fix="Remove one with DELETE /v1/recipes/{name}.")
        created = earlier.created_at if earlier else now
        saved = SavedRecipe(user=user, name=name, recipe=written, created_at=created, updated_at=now)
        self.store.save(saved)
        return saved

    def find(self, user: str, name: str) -> SavedRecipe:
        """Raises NotFound."""
        return _found(self.store, user, name)

    def of_user(self, user: str) -> Sequence[SavedRecipe]:
        """By name."""
        return self.store.of_user(user)

    def remove(self, user: str, name: str) -> None:
        """Raises NotFound."""
        if not re.fullmatch(NAME_PATTERN, name) or not self.store.remove(user, name):
            raise _no_such(name)

    def apply(self, caller: Caller, request: Application, terms: Terms) -> Submission:
        """The job that takes the recipe on the pictures. It costs nothing, and the pictures are not read yet.

        Raises:
            InvalidParameter: no pictures or too many, one that was sent instead of named, or a painted step.
            NotFound: no such recipe is kept.
            IdempotencyKeyReused: the key stands for another request.
        """
        _check(request)
        sha256 = request_sha256(terms.route, request.model_dump(mode="json"))
        recipe = request.recipe
        name = recipe if isinstance(recipe, str) else recipe.name
        if isinstance(recipe, str):
            recipe = self.find(caller.user, recipe).recipe
        operations_of(recipe)
        job = self._job(caller, recipe, name, len(request.pictures)).model_copy(update={"request_sha256": sha256})
        batch = Batch(recipe=recipe, pictures=request.pictures)
        self.images.write_output(
            batch_key(job),
            batch.model_dump_json(exclude_none=True).encode(),
            media_type="application/json",
            metadata={"job": job.id},
        )
        stands = self.jobs.add(job, source=_source(caller.user, terms))
        if stands is None or stands.id != job.id:
            self.images.remove_outputs([batch_key(job)])
            return self._replayed(stands, sha256)
        self._tell(job)
        return Submission(job)

    def resume(self, job: Job) -> bool:
        """Has a job gone on with that nobody works on any more; for the sweep. Whether there was a need to."""
        now = self.clock()
        is_held = job.lease_expires_at is not None and job.lease_expires_at > now
        if not is_batch(job) or job.status.is_final or is_held:
            return False
        if (job.started_at or job.created_at) + FORGOTTEN > now:
            return False
        self.queue.send(job.user, job.id)
        return True

    def _job(self, caller: Caller, recipe: Recipe, name: str, pictures: int) -> Job:
        now = self.clock()
        warnings: tuple[str, ...] = ()
        if recipe.engine != ENGINE_VERSION:
            warnings = (
                f"The recipe was made with engine {recipe.engine[:20]} and is taken with {ENGINE_VERSION}; "
                "the pictures may differ a little.",
            )
        return Job(
            id=f"job_{ULID.from_datetime(now)}",
            user=caller.user,
            op=OPERATION,
            created_at=now,
            expires_at=now + self.retention,
            input={"recipe": name or None, "steps": len(recipe.steps), "pictures": pictures},
            result={"progress": {"done": 0, "failed": 0, "total": pictures}, "engine": ENGINE_VERSION},
            warnings=warnings,
            token_id=caller.token.id if caller.token else None,
        )

    def _replayed(self, job: Job | None, sha256: str) -> Submission:
        if job is None:
            raise NotFound(
                "The job that this Idempotency-Key stands for was removed.",
                fix="Use a new key to have it done again.",
                param="Idempotency-Key",
            )
        if job.request_sha256 != sha256:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was sent with another request.",
                fix="Use a new key for a new request; the same key repeats the same request alone.",
                param="Idempotency-Key",
            )
        if job.status is JobStatus.QUEUED:
            # Its message may never have been sent; two of them do no harm.
            self._tell(job)
        return Submission(job, is_replayed=True)

    def _tell(self, job: Job) -> None:
        try:
            self.queue.send(job.user, job.id)
        except DarkroomError as error:
            # The job is stored and will be found by the sweep.
            self.alarm("JOB_NOT_QUEUED", job=job.id, detail=error.detail)


@dataclass(frozen=True, slots=True)
class FolderRecipes:
    """Recipes for files dropped into a folder of the inbox that has a kept recipe's name."""

    store: RecipeStore
    render: Render

    def has(self, user: str, folder: str) -> bool:
        return bool(re.fullmatch(NAME_PATTERN, folder)) and self.store.find(user, folder) is not None

    def apply(self, user: str, name: str, data: bytes) -> Rendered:
        """The file after the recipe as it is kept now; raises what Render.apply and operations_of raise, NotFound."""
        return self.render.apply(user, data, operations_of(_found(self.store, user, name).recipe))


def is_batch(job: Job) -> bool:
    """Whether it is a recipe on pictures that a request named, not on one that was dropped."""
    return job.op == OPERATION and "progress" in job.result


def batch_key(job: Job) -> str:
    """Where what is to be done is kept, in the outputs bucket; no link leads there."""
    return f"outputs/{job.user}/{job.id}/batch.json"


def batch_of(job: Job, data: bytes) -> Batch:
    try:
        return Batch.model_validate_json(data)
    except ValueError as error:
        raise InternalError(f"What job {job.id} is to do cannot be read.") from error


def _found(store: RecipeStore, user: str, name: str) -> SavedRecipe:
    found = store.find(user, name) if re.fullmatch(NAME_PATTERN, name) else None
    if found is None:
        raise _no_such(name)
    return found


def _no_such(name: str) -> NotFound:
    return NotFound(f"There is no recipe {name[:64]!r}.", fix="GET /v1/recipes lists yours.", param="recipe")


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidParameter(
            f"{name[:80]!r} cannot be a recipe's name.",
            fix="Use 1 to 64 small letters, digits, - and _, and begin with a letter or digit.",
            param="name",
        )


def _check(request: Application) -> None:
    if request.allow_paid:
        raise InvalidParameter(
            "`allow_paid` is not accepted here: this route takes steps that cost nothing.",
            fix="A recipe with painted steps is taken again by a conversation; leave `allow_paid` out.",
            param="allow_paid",
        )
    if not 1 <= len(request.pictures) <= MOST_PICTURES:
        raise InvalidParameter(
            f"{len(request.pictures)} pictures were named.",
            fix=f"Name 1 to {MOST_PICTURES}; send more in several requests.",
            param="images",
        )
    for picture in request.pictures:
        if picture.data is not None or picture.b64 is not None:
            raise InvalidParameter(
                f"`{picture.name}` is a picture itself; here pictures are named.",
                fix="Upload it first (POST /v1/uploads), and give its `upl_…`.",
                param=picture.name,
            )


def _source(user: str, terms: Terms) -> str | None:
    """What a job stands for once and for all: the Idempotency-Key, if there is one."""
    return digest(f"{user}\n{terms.route}\n{terms.idempotency_key}") if terms.idempotency_key is not None else None
