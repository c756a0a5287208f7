"""GET /oauth, /oauth/start, /oauth/callback, /oauth/paste · POST /oauth/paste, /oauth/disconnect, /oauth/sign-out"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie

from darkroom import bootstrap, pages
from darkroom.api import Api
from darkroom.browser import BROWSER, SESSION
from darkroom.errors import DarkroomError
from darkroom.observability import logger
from darkroom.services.accounts.connect import LIFETIME
from darkroom.services.accounts.sessions import LIFETIME as SESSION_LIFETIME

# These serve people who have not signed in yet.
PUBLIC = frozenset({"GET /oauth", "GET /oauth/start", "GET /oauth/callback", "GET /oauth/paste", "POST /oauth/paste"})

Route = Callable[[], Response[Any]]


def routes(services: bootstrap.OAuthServices) -> Api:
    api = Api(services.callers, public=PUBLIC)
    _ways_in(api, services)
    _ways_out(api, services)
    return api


def _ways_in(api: Api, services: bootstrap.OAuthServices) -> None:
    @api.get("/oauth/start", enable_validation=False)
    @_as_page
    def start() -> Response[Any]:
        visit = api.visit
        if not visit.is_canonical:
            # The cookies are for the one origin that OpenRouter will send the browser back to.
            return pages.redirect(f"{visit.origin}/oauth/start?{api.raw_query}")
        way = services.connect.start(
            callback=f"{visit.origin}/oauth/callback",
            return_to=api.query.get("return_to"),
            browser=visit.cookie(BROWSER),
        )
        return pages.redirect(way.url, cookies=[visit.set_cookie(BROWSER, way.browser, LIFETIME)])

    @api.get("/oauth/callback", enable_validation=False)
    @_as_page
    def callback() -> Response[Any]:
        return finish(api.query.get("attempt"), api.query.get("code"))

    @api.get("/oauth/paste", enable_validation=False)
    @_as_page
    def paste() -> Response[Any]:
        visit = api.visit
        way = services.connect.start(callback=None, return_to=None, browser=visit.cookie(BROWSER))
        return pages.paste_code(way.url, way.nonce, [visit.set_cookie(BROWSER, way.browser, LIFETIME)])

    @api.post("/oauth/paste", enable_validation=False)
    @_as_page
    def pasted() -> Response[Any]:
        api.visit.require_own_origin()
        form = parse_qs(api.body.decode(errors="replace"))
        return finish(form.get("attempt", [""])[0], form.get("code", [""])[0].strip())

    def finish(nonce: str | None, code: str | None) -> Response[Any]:
        visit = api.visit
        done = services.connect.finish(nonce=nonce, browser=visit.cookie(BROWSER), code=code)
        # A session that was there before is not carried over (session fixation).
        services.sessions.close(visit.cookie(SESSION))
        return pages.redirect(done.return_to, cookies=[visit.set_cookie(SESSION, done.session, SESSION_LIFETIME)])


def _ways_out(api: Api, services: bootstrap.OAuthServices) -> None:
    @api.get("/oauth", enable_validation=False)
    @_as_page
    def status() -> Response[Any]:
        user = api.known_user
        return pages.connected(user, services.keys.show(user)) if user else pages.signed_out()

    @api.post("/oauth/disconnect", enable_validation=False)
    @_as_page
    def disconnect() -> Response[Any]:
        api.require_unrestricted()
        removed = services.keys.disconnect(api.user, "openrouter")
        return pages.disconnected(removed, [end_session()])

    @api.post("/oauth/sign-out", enable_validation=False)
    @_as_page
    def sign_out() -> Response[Any]:
        return pages.redirect("/oauth", cookies=[end_session()])

    def end_session() -> Cookie:
        services.sessions.close(api.visit.cookie(SESSION))
        return api.visit.drop_cookie(SESSION)


def _as_page(route: Route) -> Route:
    """Errors as a small page with a sentence, for these routes are seen by people."""

    @wraps(route)
    def shown() -> Response[Any]:
        try:
            return route()
        except DarkroomError as error:
            logger.warning("A sign-in did not work", code=error.code)
            return pages.failed(error)

    return shown


lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.oauth(environ)).handle)
