"""GET /v1/jobs · GET, DELETE /v1/jobs/{job_id} · POST /v1/jobs/{job_id}/cancel · POST /v1/uploads"""

from darkroom import bootstrap
from darkroom.http.routes.jobs import routes

lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.jobs(environ)).handle)
