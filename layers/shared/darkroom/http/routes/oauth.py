"""GET /oauth, /oauth/connect, /oauth/start, /oauth/callback · GET, POST /oauth/paste, /oauth/link · POST /oauth/token,
/oauth/tokens, /oauth/tokens/revoke, /oauth/unlink, /oauth/disconnect, /oauth/sign-out
"""

from darkroom import bootstrap
from darkroom.http.app import Api
from darkroom.http.routes.account_page import account_page_routes
from darkroom.http.routes.sign_in import PUBLIC, sign_in_routes


def routes(services: bootstrap.OAuthServices) -> Api:
    api = Api(services.callers, public=PUBLIC)
    sign_in_routes(api, services)
    account_page_routes(api, services)
    return api
