"""GET /v1/jobs · GET, DELETE /v1/jobs/{job_id} · POST /v1/uploads · the sweep of abandoned jobs (schedule)"""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from darkroom import bootstrap
from darkroom.api import Api, validated
from darkroom.models.upload import UploadRequest
from darkroom.observability import logger


def routes(services: bootstrap.JobsServices) -> Api:
    api = Api(services.callers)

    @api.get("/v1/jobs")
    def list_jobs(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> dict[str, Any]:
        jobs, next_cursor = services.jobs.page(api.user, limit=limit, cursor=cursor)
        return {"object": "list", "data": [services.jobs.show(job) for job in jobs], "next_cursor": next_cursor}

    @api.get("/v1/jobs/<job_id>")
    def show_job(job_id: str) -> dict[str, Any]:
        return services.jobs.show(services.jobs.find(api.user, job_id))

    @api.delete("/v1/jobs/<job_id>")
    def remove_job(job_id: str) -> dict[str, Any]:
        services.jobs.remove(api.user, job_id)
        return {"id": job_id, "object": "job", "deleted": True}

    @api.post("/v1/uploads")
    def create_upload() -> tuple[dict[str, Any], int]:
        request = validated(UploadRequest, api.request.fields)
        upload = services.uploads.create(api.user, request)
        return {"object": "upload", **upload.model_dump(mode="json")}, 201

    return api


def handler_of(services: bootstrap.JobsServices) -> bootstrap.Handler:
    api = routes(services)

    def handle(event: dict[str, Any], context: Any) -> Any:
        # API Gateway always sends a request context, so nobody can pass for the schedule from outside.
        if "requestContext" in event:
            return api.handle(event, context)
        closed = services.jobs.close_abandoned()
        logger.info("Swept", closed=[job.id for job in closed])
        return {"closed": len(closed)}

    return handle


lambda_handler = bootstrap.entry(lambda environ: handler_of(bootstrap.jobs(environ)))
