"""The ways in: to OpenRouter and back, by a pasted code, by a one-time link, by an API token, as a guest.

These routes serve people who are not signed in yet. Those that write ask for this site's own origin themselves, and so
does every route with a session (`Api`): cookies are sent with other sites' requests, too.
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import wraps
from typing import Annotated, Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from pydantic import AliasChoices, AwareDatetime, BaseModel, BeforeValidator, Field

from darkroom.application import Application
from darkroom.errors import Conflict, DarkroomError, GuestRefused, InvalidParameter
from darkroom.http import pages
from darkroom.http.app import Api, answered, validated
from darkroom.http.browser import BROWSER, SESSION
from darkroom.http.pages import sign_in_pages
from darkroom.http.routes.forms import form_as
from darkroom.http.schemas.account import ENTER_AS_GUEST, SignedOut
from darkroom.http.schemas.pages import PAGES, CallbackQuery, LinkQuery, PastedCode, ReturnTo, TokenForm
from darkroom.models.digest import digest
from darkroom.models.form_values import dollars
from darkroom.models.key import KeyTerms, LimitReset
from darkroom.observability import logger
from darkroom.services.accounts.connect import HOME, LIFETIME, Purpose, checked_path
from darkroom.services.accounts.keys import CONNECT_PAGE
from darkroom.services.accounts.links import PATH as LINK
from darkroom.services.accounts.sessions import GUEST_LIFETIME
from darkroom.services.accounts.sessions import LIFETIME as SESSION_LIFETIME

# These serve people who have not signed in yet.
PUBLIC = frozenset(
    {
        "GET /oauth",
        f"GET {CONNECT_PAGE}",
        "GET /oauth/start",
        "GET /oauth/callback",
        "GET /oauth/paste",
        "POST /oauth/paste",
        f"GET {LINK}",
        f"POST {LINK}",
        "POST /oauth/token",
        ENTER_AS_GUEST.route,
    }
)

Route = Callable[[], Response[Any]]


class Start(BaseModel):
    """What `GET /oauth/start` takes. OpenRouter's own names for the key's terms do, too."""

    return_to: str | None = None
    limit_usd: Annotated[
        Decimal | None,
        Field(ge=Decimal("0.000001"), le=100_000, validation_alias=AliasChoices("limit_usd", "limit")),
        BeforeValidator(dollars),
    ] = None
    limit_reset: Annotated[
        LimitReset | None, Field(validation_alias=AliasChoices("limit_reset", "usage_limit_type"))
    ] = None
    expires_in_days: Annotated[int | None, Field(ge=1, le=3650)] = None
    expires_at: AwareDatetime | None = None
    new_account: bool = False
    move: str = ""
    form: Annotated[bool, Field(description="The browser comes from a form, and not by a link.")] = False

    def terms(self, now: datetime) -> KeyTerms:
        """Raises InvalidParameter: two of them contradict each other, or the key would have expired already."""
        if self.limit_reset and self.limit_usd is None:
            raise InvalidParameter(
                "`limit_reset` says how often a limit starts afresh, and there is none.",
                fix="Give `limit_usd`, too.",
                param="limit_reset",
            )
        if self.expires_at and (self.expires_in_days or self.expires_at <= now):
            raise InvalidParameter(
                "`expires_at` is past, or stands beside `expires_in_days`.",
                fix="Give one of them, in the future.",
                param="expires_at",
            )
        expires_at = now + timedelta(days=self.expires_in_days) if self.expires_in_days else self.expires_at
        return KeyTerms(
            limit=None if self.limit_usd is None else int(self.limit_usd * 1_000_000),
            limit_reset=self.limit_reset,
            expires_at=expires_at.astimezone(UTC).replace(microsecond=0) if expires_at else None,
        )


def sign_in_routes(api: Api, app: Application) -> None:
    _openrouter(api, app)
    _paste(api, app)
    _link(api, app)
    _token(api, app)
    _guest(api, app)


def _openrouter(api: Api, app: Application) -> None:
    @api.serve(PAGES["GET /oauth/start"])
    @as_page(api)
    def start() -> Response[Any]:
        visit = api.visit
        if not visit.is_canonical:
            # The cookies are for the one origin that OpenRouter will send the browser back to.
            return pages.redirect(f"{visit.origin}/oauth/start?{api.raw_query}")
        query = _start_query(api)
        way = app.connect.start(
            callback=_callback(api),
            return_to=query.return_to,
            browser=visit.cookie(BROWSER),
            purpose=_purpose(api, query, app),
        )
        cookies = [visit.set_cookie(BROWSER, way.browser, LIFETIME)]
        return (
            pages.onward("On to OpenRouter", way.url, cookies=cookies)
            if query.form
            else pages.redirect(way.url, cookies=cookies)
        )

    @api.serve(PAGES["GET /oauth/callback"])
    @as_page(api)
    def callback() -> Response[Any]:
        query = api.query_as(CallbackQuery)
        return _finish(api, app, query.attempt, query.code)

    @api.serve(PAGES[f"GET {CONNECT_PAGE}"])
    @as_page(api)
    def connect() -> Response[Any]:
        visit, return_to = api.visit, checked_path(api.query_as(ReturnTo).return_to)
        if not visit.is_canonical:
            return pages.redirect(f"{visit.origin}{CONNECT_PAGE}?{api.raw_query}")
        if api.known_caller is None:
            return sign_in_pages.connect_first(f"{CONNECT_PAGE}?{urlencode({'return_to': return_to})}")
        # A form may have led here, see `onward`.
        return pages.onward("On to OpenRouter", f"/oauth/start?{urlencode({'return_to': return_to})}")


def _paste(api: Api, app: Application) -> None:
    @api.serve(PAGES["GET /oauth/paste"])
    @as_page(api)
    def paste() -> Response[Any]:
        visit, query = api.visit, _start_query(api)
        way = app.connect.start(
            callback=None,
            return_to=query.return_to,
            browser=visit.cookie(BROWSER),
            purpose=_purpose(api, query, app),
        )
        cookie = visit.set_cookie(BROWSER, way.browser, LIFETIME)
        return sign_in_pages.paste_code(way.url, way.nonce, [cookie])

    @api.serve(PAGES["POST /oauth/paste"])
    @as_page(api)
    def pasted() -> Response[Any]:
        api.visit.require_own_origin()
        form = form_as(api, PastedCode)
        return _finish(api, app, form.attempt, form.code.strip())


def _link(api: Api, app: Application) -> None:
    @api.serve(PAGES[f"GET {LINK}"])
    @as_page(api)
    def look() -> Response[Any]:
        visit, query = api.visit, api.query_as(LinkQuery)
        if not visit.is_canonical:
            return pages.redirect(f"{visit.origin}{LINK}?{api.raw_query}")
        found, known = app.links.look(query.key), api.known_caller
        return sign_in_pages.open_link(
            found.user, query.key, checked_path(query.return_to), known.user if known else None
        )

    @api.serve(PAGES[f"POST {LINK}"])
    @as_page(api)
    def use() -> Response[Any]:
        api.visit.require_own_origin()
        form = form_as(api, LinkQuery)
        return_to = checked_path(form.return_to)
        found = app.links.use(form.key)
        return signed_in(api, app, app.sessions.open(found.user, "link"), return_to)


def _token(api: Api, app: Application) -> None:
    @api.serve(PAGES["POST /oauth/token"])
    @as_page(api)
    def use() -> Response[Any]:
        api.visit.require_own_origin()
        form = form_as(api, TokenForm)
        return_to = checked_path(form.return_to)
        token = app.tokens.authenticate(form.token.strip())
        return signed_in(api, app, app.sessions.open_with_token(token), return_to)


def _guest(api: Api, app: Application) -> None:
    @api.serve(ENTER_AS_GUEST)
    def enter() -> Response[Any]:
        visit = api.visit
        visit.require_own_origin()
        if not app.settings.guests:
            raise GuestRefused("This Darkroom has no guests.", fix="Sign in at /oauth.")
        if api.known_caller is not None:
            raise Conflict(
                "This browser is signed in already.", fix="Sign out first; an account may do all that guests may."
            )
        entered = SignedOut(guest=True, guests=True)
        if api.is_guest:
            return answered(entered)
        answer = answered(entered)
        answer.cookies = [visit.set_cookie(SESSION, app.sessions.open_guest(), GUEST_LIFETIME)]
        return answer


def _finish(api: Api, app: Application, nonce: str | None, code: str | None) -> Response[Any]:
    done = app.connect.finish(
        nonce=nonce,
        browser=api.visit.cookie(BROWSER),
        code=code,
        caller=api.known_caller,
        callback=_callback(api),
    )
    return_to = done.return_to
    if done.unused_key:
        return_to = f"{HOME}?{urlencode({'unused_key': done.unused_key, 'return_to': return_to})}"
    return signed_in(api, app, done.session, return_to)


def signed_in(api: Api, app: Application, session: str, return_to: str) -> Response[Any]:
    """Sends the browser on with its new session."""
    visit = api.visit
    # A session that was there before is not carried over (session fixation).
    app.sessions.close(visit.cookie(SESSION))
    return pages.redirect(return_to, cookies=[visit.set_cookie(SESSION, session, SESSION_LIFETIME)])


def as_page(api: Api) -> Callable[[Route], Route]:
    """Errors as a small page with a sentence, for these routes are seen by people."""

    def wrapped(route: Route) -> Route:
        @wraps(route)
        def shown() -> Response[Any]:
            try:
                return route()
            except DarkroomError as error:
                logger.warning("A sign-in did not work", code=error.code)
                return sign_in_pages.failed(error, move=_proof(api))

        return shown

    return wrapped


def _start_query(api: Api) -> Start:
    # A form sends what was left empty as an empty text.
    return validated(Start, {name: value.strip() for name, value in api.query.items() if value.strip()})


def _purpose(api: Api, query: Start, app: Application) -> Purpose:
    caller = api.known_caller
    moves = bool(query.move)
    if moves and caller is not None and caller.session is not None:
        # What takes an OpenRouter account away from another account here begins on this session's own page alone.
        moves = hmac.compare_digest(query.move, _proof(api) or "")
    return Purpose(caller=caller, new_account=query.new_account, move=moves, terms=query.terms(app.ports.clock()))


def _proof(api: Api) -> str | None:
    session = api.visit.cookie(SESSION)
    return digest(f"move:{session}") if session else None


def _callback(api: Api) -> str:
    return f"{api.visit.origin}/oauth/callback"
