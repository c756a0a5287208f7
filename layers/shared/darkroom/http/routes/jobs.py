"""GET /v1/jobs · GET, DELETE /v1/jobs/{job_id} · POST /v1/jobs/{job_id}/cancel · POST /v1/uploads"""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from darkroom.application import Application
from darkroom.http.app import Api, validated
from darkroom.models.upload import UploadRequest

# Of each job's pictures; GET /v1/jobs/{job_id} has them all.
MOST_LISTED = 10


def routes(app: Application) -> Api:
    api = Api(app.callers)
    app.load("cursors", "jobs", "settlement", "uploads")

    @api.get("/v1/jobs")
    def list_jobs(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        before = app.cursors.decode(api.user, "jobs", cursor)
        jobs, next_id = app.jobs.page(api.user, limit=limit, before=before)
        return {
            "object": "list",
            "data": [app.jobs.show(job, most_images=MOST_LISTED) for job in jobs],
            "next_cursor": app.cursors.encode(api.user, "jobs", next_id),
        }

    @api.get("/v1/jobs/<job_id>")
    def show_job(job_id: str) -> dict[str, Any]:
        return app.jobs.show(app.jobs.find(api.user, job_id))

    @api.delete("/v1/jobs/<job_id>")
    def remove_job(job_id: str) -> dict[str, Any]:
        app.jobs.remove(api.user, job_id, app.settlement.cancel)
        return {"id": job_id, "object": "job", "deleted": True}

    @api.post("/v1/jobs/<job_id>/cancel")
    def cancel_job(job_id: str) -> dict[str, Any]:
        return app.jobs.show(app.jobs.cancel(api.user, job_id, app.settlement.cancel))

    # A form would not pass Powertools' own validation, here and in other routes with a body.
    @api.post("/v1/uploads", enable_validation=False)
    def create_upload() -> tuple[dict[str, Any], int]:
        request = validated(UploadRequest, api.request.fields(UploadRequest.model_fields))
        upload = app.uploads.create(api.user, request)
        return {"object": "upload", **upload.model_dump(mode="json")}, 201

    return api
