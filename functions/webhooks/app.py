"""GET /v1/webhooks/secret · POST /v1/webhooks/secret/rotate"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.webhooks import routes

lambda_handler = entry(lambda app: routes(app).handle)
