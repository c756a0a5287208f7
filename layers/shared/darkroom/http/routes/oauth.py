"""GET /oauth, /oauth/connect, /oauth/start, /oauth/callback · GET, POST /oauth/paste, /oauth/link · POST /oauth/guest,
/oauth/token, /oauth/tokens, /oauth/tokens/revoke, /oauth/unlink, /oauth/disconnect, /oauth/sign-out
"""

from darkroom.application import Application
from darkroom.http.app import Api
from darkroom.http.pages import sign_in_pages
from darkroom.http.routes.account_page import account_page_routes
from darkroom.http.routes.sign_in import PUBLIC, sign_in_routes
from darkroom.http.schemas.account import ENTER_AS_GUEST


def routes(app: Application) -> Api:
    api = Api(app.callers, app.rates, public=PUBLIC, by_address=PUBLIC)
    for route in PUBLIC - {ENTER_AS_GUEST.route}:
        api.show_errors(route, sign_in_pages.failed)
    app.load("connect", "identities", "keys", "links", "sessions", "tokens")
    sign_in_routes(api, app)
    account_page_routes(api, app)
    return api
