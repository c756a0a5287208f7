"""/v1/jobs: list, show, label, cancel, remove, pictures, events · POST /v1/uploads"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http.app import Api, answered, validated
from darkroom.http.routes.job_events import follow
from darkroom.http.schemas.jobs import (
    CANCEL_JOB,
    CREATE_UPLOAD,
    FOLLOW_JOB,
    LABEL_JOB,
    LIST_JOBS,
    REMOVE_JOB,
    REMOVE_JOBS,
    SHOW_JOB,
    SHOW_PICTURE,
    Job,
    JobIds,
    JobLabels,
    JobList,
    JobRemoval,
    JobRemovals,
    JobsQuery,
    ListedJob,
    RemovedJob,
    UploadForm,
)
from darkroom.models.upload import UploadRequest
from darkroom.services.jobs.groups import JobFilter

# Of each job's pictures; GET /v1/jobs/{job_id} has them all.
MOST_LISTED = 10
# Seconds that one of several, with its pictures, may take to be removed.
_FOR_A_REMOVAL = 6.0


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates)
    app.load("cursors", "jobs", "settlement", "uploads")

    @api.serve(LIST_JOBS)
    def list_jobs() -> Response[Any]:
        query = api.exact_query_as(JobsQuery)
        before = app.cursors.decode(api.user, "jobs", query.cursor)
        groups, next_id = app.jobs.page(api.user, JobFilter(**query.wanted), limit=query.limit, before=before)
        data = tuple(ListedJob.model_validate(app.jobs.show_group(each, most_images=MOST_LISTED)) for each in groups)
        return answered(JobList(data=data, next_cursor=app.cursors.encode(api.user, "jobs", next_id)))

    @api.serve(SHOW_JOB)
    def show_job(job_id: str) -> Response[Any]:
        return answered(Job.model_validate(app.jobs.show(app.jobs.find(api.user, job_id))))

    @api.serve(SHOW_PICTURE)
    def show_picture(job_id: str, index: str) -> Response[Any]:
        from darkroom.http.pictures import answer_picture

        job = app.jobs.find(api.user, job_id)
        image = app.jobs.picture(job, index)
        return answer_picture(app, api, image, made_at=job.completed_at or job.created_at, until=job.expires_at)

    @api.serve(FOLLOW_JOB)
    def follow_job(job_id: str) -> Response[Any]:
        return follow(app, api, job_id)

    @api.serve(REMOVE_JOB)
    def remove_job(job_id: str) -> Response[Any]:
        app.jobs.remove(api.user, job_id, app.settlement.cancel)
        return answered(RemovedJob(id=job_id))

    @api.serve(REMOVE_JOBS)
    def remove_jobs() -> Response[Any]:
        ids = validated(JobIds, api.request.fields(JobIds.model_fields)).ids
        done = app.jobs.remove_all(api.user, ids, has_time=lambda: api.seconds_left > _FOR_A_REMOVAL)
        data = tuple(
            JobRemoval(id=each, deleted=not error, error=error.problem() if error else None) for each, error in done
        )
        return answered(JobRemovals(data=data))

    @api.serve(LABEL_JOB)
    def label_job(job_id: str) -> Response[Any]:
        said = validated(JobLabels, api.request.fields({*JobLabels.model_fields, "favourite"}))
        title = said.title if said.title is None else " ".join(said.title.split())
        job = app.jobs.label(api.user, job_id, favorite=said.favorite, title=title)
        return answered(Job.model_validate(app.jobs.show(job)))

    @api.serve(CANCEL_JOB)
    def cancel_job(job_id: str) -> Response[Any]:
        canceled = app.jobs.cancel(api.user, job_id, app.settlement.cancel)
        return answered(Job.model_validate(app.jobs.show(canceled)))

    @api.serve(CREATE_UPLOAD)
    def create_upload() -> Response[Any]:
        request = validated(UploadRequest, api.request.fields(UploadRequest.model_fields))
        return answered(UploadForm(**dict(app.uploads.create(api.user, request))), 201)

    return api
