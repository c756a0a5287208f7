"""GET /v1/jobs · GET, DELETE /v1/jobs/{job_id} · POST /v1/jobs/{job_id}/cancel · POST /v1/uploads"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.jobs import routes

lambda_handler = entry(lambda app: routes(app).handle)
