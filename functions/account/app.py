"""GET /v1/session · GET, POST /v1/tokens · DELETE /v1/tokens/{token_id} · GET /v1/keys ·
PUT, DELETE /v1/keys/{provider} · GET, PATCH /v1/settings · GET /v1/usage · GET /v1/usage/receipts · GET /healthz
"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.account import routes

lambda_handler = entry(lambda app: routes(app).handle)
