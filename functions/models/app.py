"""GET /v1/models · GET /v1/models/compare · GET /v1/models/{proxy+} · POST /v1/estimates"""

from darkroom import bootstrap
from darkroom.http.routes.models import routes

lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.models(environ)).handle)
