"""The HTTP edge of recipes: keeping them under names, and applying one to many pictures."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered, json_response
from darkroom.http.problems import retry_header
from darkroom.http.recipe_body import application_of, recipe_of
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas import recipes as declared
from darkroom.http.schemas.jobs import Job as JobView
from darkroom.http.schemas.recipes import (
    NewApplication,
    RecipeList,
    RecipesQuery,
    RemovedRecipe,
    built_in_recipe,
    kept,
    line,
)
from darkroom.models.admission import Terms
from darkroom.models.image_input import names_picture
from darkroom.models.job import Job, JobStatus
from darkroom.models.money import in_dollars
from darkroom.models.presets import presets
from darkroom.models.recipe import Recipe
from darkroom.services.paid.admission import Submission
from darkroom.services.paid.waiting import is_answer
from darkroom.services.recipes.batch_notes import wall_of

# What putting the answer together takes, with links to 500 pictures, at the end of an invocation.
_AFTERWARDS = 3.0


def mount(api: Api, app: Application) -> None:
    """Adds `GET /v1/recipes`, `GET, PUT, DELETE /v1/recipes/{name}` and `POST /v1/recipes/apply`."""
    app.load("durations", "jobs", "recipes")

    @api.serve(declared.LIST_RECIPES)
    def list_recipes() -> Response[Any]:
        if api.query_as(RecipesQuery).built_in:
            return answered(RecipeList(data=tuple(map(built_in_recipe, presets().values()))))
        return answered(RecipeList(data=tuple(map(line, app.recipes.of_user(api.user)))))

    @api.serve(declared.SAVE_RECIPE)
    def save_recipe(name: str) -> Response[Any]:
        recipe = recipe_of(api.request.fields(Recipe.model_fields))
        return answered(kept(app.recipes.save(api.user, name, recipe)))

    @api.serve(declared.SHOW_RECIPE)
    def show_recipe(name: str) -> Response[Any]:
        found = app.recipes.kept_by(api.user, name)
        if found is None and (preset := presets().get(name)) is not None:
            return answered(built_in_recipe(preset))
        return answered(kept(found or app.recipes.find(api.user, name)))

    @api.serve(declared.REMOVE_RECIPE)
    def remove_recipe(name: str) -> Response[Any]:
        app.recipes.remove(api.user, name)
        return answered(RemovedRecipe(name=name))

    @api.serve(declared.APPLY_RECIPE)
    def apply_recipe() -> Response[Any]:
        terms = terms_of(api)
        submission = app.recipes.apply(api.caller, application_of(api.request.fields(_is_field_of_application)), terms)
        api.on_error(lambda error: Answering(app).undelivered(error, submission, terms))
        return _answer(app, submission, terms, seconds_left=api.seconds_left)


def _is_field_of_application(name: str) -> bool:
    return name in NewApplication.model_fields or names_picture(name)


def _answer(app: Application, submission: Submission, terms: Terms, *, seconds_left: float) -> Response[Any]:
    """202 and the way to the job, or the job itself for who waits for it, if it is over in time."""
    job = submission.job
    if terms.wait is not None and not terms.is_async:
        job = Answering(app).wait(job, min(terms.wait, terms.door.max_wait, max(0.0, seconds_left - _AFTERWARDS)))
    headers = _headers(job, submission, terms)
    shown = app.jobs.show(job)
    if not is_answer(job):
        return answered(JobView.model_validate(shown), 202, {**headers, "retry-after": "2"})
    if job.status is JobStatus.SUCCEEDED:
        return answered(JobView.model_validate(shown), 200, headers)
    problem = {**(job.error or {}), "instance": f"/v1/jobs/{job.id}", "job": shown}
    return json_response(
        problem,
        int(problem.get("status", 500)),
        {**headers, **retry_header(retryable=bool(problem.get("retryable")))},
        media_type="application/problem+json",
    )


def _headers(job: Job, submission: Submission, terms: Terms) -> dict[str, str]:
    headers = {"location": f"/v1/jobs/{job.id}"}
    if wall_of(job) is None or job.status.is_final:
        headers["x-cost-usd"] = f"{in_dollars(job.cost.actual or 0).normalize():f}"
    if terms.is_async:
        headers["preference-applied"] = "respond-async"
    elif terms.wait is not None:
        headers["preference-applied"] = f"wait={terms.wait:g}"
    if submission.is_replayed:
        headers["idempotent-replayed"] = "true"
    return headers
