"""GET /oauth, /oauth/connect, /oauth/start, /oauth/callback · GET, POST /oauth/paste, /oauth/link · POST /oauth/token,
/oauth/tokens, /oauth/tokens/revoke, /oauth/unlink, /oauth/disconnect, /oauth/sign-out
"""

from darkroom import bootstrap
from darkroom.http.routes.oauth import routes

lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.oauth(environ)).handle)
