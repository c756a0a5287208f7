"""GET /v1/webhooks/secret · POST /v1/webhooks/secret/rotate"""

from darkroom import bootstrap
from darkroom.http.routes.webhooks import routes

lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.webhooks(environ)).handle)
