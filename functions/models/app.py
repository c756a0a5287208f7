"""GET /v1/models · GET /v1/models/compare · GET /v1/models/{proxy+} · POST /v1/estimates"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.models import routes

lambda_handler = entry(lambda app: routes(app).handle)
