"""The routes of the page of somebody who is signed in: `GET /oauth`, and what its forms send."""

import re
from typing import Any

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.http import pages
from darkroom.http.app import Api, validated
from darkroom.http.browser import SESSION
from darkroom.http.pages import account_page, sign_in_pages
from darkroom.http.routes.forms import form_as, form_of
from darkroom.http.routes.sign_in import as_page
from darkroom.http.schemas.pages import PAGES, ReturnTo, ThingForm
from darkroom.models.token import NewToken
from darkroom.services.accounts.connect import checked_path

_SHA256 = re.compile(r"[0-9a-f]{64}")


def account_page_routes(api: Api, app: Application) -> None:
    _shown(api, app)
    _tokens(api, app)

    @api.serve(PAGES["POST /oauth/disconnect"])
    @as_page(api)
    def disconnect() -> Response[Any]:
        api.require_unrestricted()
        return account_page.disconnected(app.keys.disconnect(api.user, "openrouter"))

    @api.serve(PAGES["POST /oauth/unlink"])
    @as_page(api)
    def unlink() -> Response[Any]:
        api.require_unrestricted()
        app.identities.unlink(api.user, form_as(api, ThingForm).id)
        return pages.redirect("/oauth")

    @api.serve(PAGES["POST /oauth/sign-out"])
    @as_page(api)
    def sign_out() -> Response[Any]:
        app.sessions.close(api.visit.cookie(SESSION))
        return pages.redirect("/oauth", cookies=[api.visit.drop_cookie(SESSION)])


def _shown(api: Api, app: Application) -> None:
    @api.serve(PAGES["GET /oauth"])
    @as_page(api)
    def show() -> Response[Any]:
        caller = api.known_caller
        if not api.visit.is_canonical:
            # The forms of the page set cookies, which are for one origin.
            return pages.redirect(f"{api.visit.origin}/oauth?{api.raw_query}".rstrip("?"))
        return_to = checked_path(api.query_as(ReturnTo).return_to)
        if caller is None:
            return sign_in_pages.signed_out(return_to)
        unused = api.query.get("unused_key", "")
        return account_page.account(
            account_page.Account(
                caller=caller,
                keys=app.keys.show(caller.user),
                tokens=app.tokens.of_user(caller.user),
                identities=app.identities.of_user(caller.user),
                unused_key=unused if _SHA256.fullmatch(unused) else None,
                return_to=return_to,
            )
        )


def _tokens(api: Api, app: Application) -> None:
    @api.serve(PAGES["POST /oauth/tokens"])
    @as_page(api)
    def make() -> Response[Any]:
        api.require_unrestricted()
        form = {name: value.strip() for name, value in form_of(api).items() if value.strip()}
        new = validated(NewToken, form)
        token, plaintext = app.tokens.create(user=api.user, **new.terms())
        return account_page.token_made(token, plaintext, api.visit.origin)

    @api.serve(PAGES["POST /oauth/tokens/revoke"])
    @as_page(api)
    def revoke() -> Response[Any]:
        api.require_unrestricted()
        app.tokens.revoke(api.user, form_as(api, ThingForm).id)
        return pages.redirect("/oauth#tokens")
