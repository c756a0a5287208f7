"""Recipes: steps that were taken once, exported, kept by name, and taken again on other pictures."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from msgspec import Struct
from ulid import ULID

from darkroom.errors import (
    CallerError,
    Conflict,
    DarkroomError,
    DarkroomFault,
    IdempotencyKeyReused,
    InvalidParameter,
    InvalidPrompt,
    NotFound,
    OutcomeUnknown,
    PayloadTooLarge,
    ServiceUnavailable,
)
from darkroom.images.decode import decode
from darkroom.images.workload import Workload
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import PaintStep, Step
from darkroom.models.digest import digest
from darkroom.models.job import Job, JobStatus
from darkroom.models.recipe import (
    MOST_PICTURES,
    MOST_STEPS,
    NAME_PATTERN,
    Batch,
    Recipe,
    RecipeApplication,
    SavedRecipe,
)
from darkroom.models.source import ImageSource
from darkroom.models.user_settings import UserSettings
from darkroom.operations import ENGINE_VERSION, Operation, Rendered, dump, parse
from darkroom.ports import Alarm, Clock, ImageStore, JobStore, RecipeStore, RenderQueue
from darkroom.services.paid.admission import Submission, kept_for, request_sha256
from darkroom.services.paid.answers import reference, unanswered
from darkroom.services.recipes.batch_notes import OPERATION, TOO_OLD, Notes, batch_key, is_batch, wall_of
from darkroom.services.recipes.batch_pricing import BatchPricing
from darkroom.services.recipes.built_in import built_in
from darkroom.services.recipes.render import Render

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
        InvalidParameter, InvalidPrompt: a step cannot be read; `param` is like `steps[2].operation.temperature`.
    """
    steps = tuple(
        step if _paint(step, index) else Step(operation=dump([operation_at(step, index)])[0])
        for index, step in enumerate(recipe.steps)
    )
    return recipe.model_copy(update={"steps": steps})


def operations_of(recipe: Recipe) -> tuple[Operation, ...]:
    """A recipe that costs nothing, ready to be done.

    Raises:
        InvalidParameter: a step was painted by a model, or cannot be read.
    """
    painted = [index for index, step in enumerate(recipe.steps) if _paint(step, index)]
    if painted:
        raise InvalidParameter(
            f"Step {painted[0]} of the recipe was painted by a model: taking it again costs money, and gives another "
            "picture each time.",
            fix="Leave the painted steps out; or send `allow_paid` with `max_cost_usd`, the most that all pictures "
            "together may cost, to POST /v1/recipes/apply.",
            param=f"steps[{painted[0]}].paint",
            context={"painted_steps": painted},
        )
    return tuple(operation_at(step, index) for index, step in enumerate(recipe.steps))


def paintings_of(recipe: Recipe) -> tuple[PaintStep, ...]:
    """Raises InvalidParameter: a step cannot be read."""
    return tuple(step.paint for step in canonical(recipe).steps if step.paint)


def _paint(step: Step, index: int) -> PaintStep | None:
    if (step.operation is None) == (step.paint is None):
        raise InvalidParameter(
            f"`steps[{index}]` is not one step.", fix="Give either `operation` or `paint`.", param=f"steps[{index}]"
        )
    if step.paint and not step.paint.prompt.strip():
        raise InvalidPrompt(
            f"The prompt of `steps[{index}]` is blank.",
            fix="Say what is to be painted.",
            param=f"steps[{index}].paint.prompt",
        )
    return step.paint


def operation_at(step: Step, index: int) -> Operation:
    """Raises InvalidParameter, whose `param` says which of the recipe's steps it is."""
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


class Recipes(Struct, frozen=True):
    """Args:
    retention: how long the pictures and their job are kept.
    pricing: of painted steps.
    max_megapixels: of a picture that a request brings along.
    settings: a user's own, who may want theirs gone sooner.
    """

    store: RecipeStore
    images: ImageStore
    jobs: JobStore
    queue: RenderQueue
    clock: Clock
    retention: timedelta
    alarm: Alarm
    max_megapixels: float
    pricing: BatchPricing
    settings: Callable[[str], UserSettings]

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

    def kept_by(self, user: str, name: str) -> SavedRecipe | None:
        return self.store.find(user, name) if re.fullmatch(NAME_PATTERN, name) else None

    def of_user(self, user: str) -> Sequence[SavedRecipe]:
        """By name."""
        return self.store.of_user(user)

    def remove(self, user: str, name: str) -> None:
        """Raises NotFound."""
        if not re.fullmatch(NAME_PATTERN, name) or not self.store.remove(user, name):
            raise _no_such(name)

    def apply(self, caller: Caller, request: RecipeApplication, terms: Terms) -> Submission:
        """The job that takes the recipe on the pictures. Nothing is spent or set aside.

        Pictures that are named are read when their turn comes; those that were sent are checked here, and kept as they
        are, so that the result is that of the same file uploaded.

        Raises:
            InvalidParameter: no pictures or too many, or a painted step that may not be paid for.
            CallerError: what was sent is no picture that can be used, as `decode` and Workload say; `param` names it.
            NotFound: no such recipe is kept.
            IdempotencyKeyReused: the key stands for another request.
            InvalidApiKey, UnsupportedModel, MoneyRefused: as BatchPricing.begun says, of painted steps.
        """
        request = self._checked(request)
        sha256 = request_sha256(terms.route, request.model_dump(mode="json"))
        recipe = request.recipe
        name = recipe if isinstance(recipe, str) else recipe.name
        if isinstance(recipe, str):
            recipe = _meant(self.store, caller.user, recipe)
        job = self._job(caller, recipe, name, len(request.pictures)).model_copy(update={"request_sha256": sha256})
        if request.allow_paid:
            paintings = paintings_of(recipe)
            if paintings:
                job = self.pricing.begun(job, caller, paintings, request.max_cost_usd)
        else:
            operations_of(recipe)
        batch = Batch(recipe=recipe, pictures=request.pictures)
        Notes(self.images).write(batch_key(job), batch, job)
        try:
            stands = self.jobs.add(job, source=_source(caller.user, terms))
        except DarkroomFault as fault:
            self._forestall(job, terms)
            raise fault
        if stands is None or stands.id != job.id:
            self.images.remove_outputs([batch_key(job)])
            return self._replayed(stands, sha256)
        self._tell(job)
        return Submission(job)

    def _checked(self, request: RecipeApplication) -> RecipeApplication:
        """With each picture that was sent as text, which is how it is kept."""
        if not 1 <= len(request.pictures) <= MOST_PICTURES:
            raise InvalidParameter(
                f"{len(request.pictures)} pictures were given.",
                fix=f"Give 1 to {MOST_PICTURES} as `images`; send more in several requests.",
                param="images",
            )
        workload = Workload()
        for check in (workload.add, decode):  # all headers before any pixel
            for picture in request.pictures:
                if picture.data is not None:
                    self._check(picture.name, picture.data, check)
        return request.model_copy(update={"pictures": tuple(map(_written_down, request.pictures))})

    def _check(self, name: str, data: bytes, check: Callable[..., object]) -> None:
        try:
            check(data, max_megapixels=self.max_megapixels)
        except CallerError as error:
            error.param = name
            raise

    def _forestall(self, job: Job, terms: Terms) -> None:
        """Sees to it that a batch of which nobody can say whether it is there comes to nothing.

        Raises:
            AnswerPending: the Idempotency-Key stands for it, if it is there.
            OutcomeUnknown: it may be there, and may go on.
        """
        if terms.idempotency_key is not None:
            raise unanswered(job.id)
        try:
            # Without the note of what is to be done, nothing of it can be.
            self.images.remove_outputs([batch_key(job)])
        except DarkroomFault as fault:
            raise OutcomeUnknown(
                "AWS did not say whether the batch was begun.",
                fix="Look at the job: if it is there it goes on, and if it is not there in a minute nothing was begun.",
                charged="unknown",
                context={"job": reference(job.id)},
            ) from fault

    def resume(self, job: Job) -> bool:
        """Has a job gone on with that nobody works on any more; for the sweep. Whether there was a need to.

        One that costs nothing is given up after a day. One that paints begins nothing more by then, but is ended by
        its own worker, when it is known what every painting cost.
        """
        now = self.clock()
        is_held = job.lease_expires_at is not None and job.lease_expires_at > now
        if not is_batch(job) or job.status.is_final:
            return False
        if job.created_at + TOO_OLD <= now and wall_of(job) is None:
            problem = ServiceUnavailable("The batch came to no end within a day.", fix="Send it again, in parts.")
            ended = {"status": JobStatus.FAILED, "completed_at": now, "error": problem.problem()}
            return self.jobs.finish(job.model_copy(update=ended))
        if is_held or (job.started_at or job.created_at) + FORGOTTEN > now:
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
            expires_at=now + kept_for(self.retention, self.settings(caller.user)),
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


class FolderRecipes(Struct, frozen=True):
    """Recipes for files dropped into a folder of the inbox that has a kept recipe's name."""

    store: RecipeStore
    render: Render

    def has(self, user: str, folder: str) -> bool:
        if not re.fullmatch(NAME_PATTERN, folder):
            return False
        return self.store.find(user, folder) is not None or built_in(folder) is not None

    def apply(self, user: str, name: str, data: bytes) -> Rendered:
        """The file after the recipe as it is kept now; raises what Render.apply and operations_of raise, NotFound."""
        return self.render.apply(user, data, operations_of(_meant(self.store, user, name)))


def _meant(store: RecipeStore, user: str, name: str) -> Recipe:
    """The user's recipe of that name, or the built-in one. Raises NotFound."""
    kept = store.find(user, name) if re.fullmatch(NAME_PATTERN, name) else None
    found = kept.recipe if kept is not None else built_in(name)
    if found is None:
        raise _no_such(name)
    return found


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


def _written_down(picture: ImageSource) -> ImageSource:
    """A picture in a form that a note can hold."""
    return picture if picture.data is None else replace(picture, data=None, b64=base64.b64encode(picture.data).decode())


def _source(user: str, terms: Terms) -> str | None:
    """What a job stands for once and for all: the Idempotency-Key, if there is one."""
    return digest(f"{user}\n{terms.route}\n{terms.idempotency_key}") if terms.idempotency_key is not None else None
