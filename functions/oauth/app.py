"""GET /oauth, /oauth/connect, /oauth/start, /oauth/callback · GET, POST /oauth/paste, /oauth/link · POST /oauth/guest,
/oauth/token, /oauth/tokens, /oauth/tokens/revoke, /oauth/unlink, /oauth/disconnect, /oauth/sign-out
"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.oauth import routes

lambda_handler = entry(lambda app: routes(app).handle)
