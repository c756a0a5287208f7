"""The pages of somebody who is not signed in yet, and of what went wrong on the way."""

from html import escape
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie

from darkroom.errors import AccountExists, DarkroomError, LinkedElsewhere
from darkroom.http.pages import choice, field, hidden, link, page, paragraph

RESETS = {"": "never", "daily": "every day", "weekly": "every week", "monthly": "every month"}
# Of the fields in forms, by their names.
_LABELS = {
    "limit_usd": "Limit in US$",
    "limit_reset": "Limit starts afresh",
    "expires_in_days": "The number of days",
    "day_limit_usd": "Most a day in US$",
    "name": "Name",
}
EXPIRIES = {"": "never", "7": "in a week", "30": "in 30 days", "90": "in 90 days", "365": "in a year"}


def signed_out(return_to: str) -> Response[Any]:
    return page(
        "Sign in",
        paragraph(
            "Darkroom makes pictures with your own OpenRouter account, and you pay OpenRouter alone. You say here or "
            "there what the key may spend."
        )
        + connect_form("Sign in with OpenRouter", return_to)
        + f'<p class="small">{link("Paste a code instead", "/oauth/paste")} if you cannot be sent back here.</p>'
        + "<h2>Have you an account here already?</h2>"
        + paragraph("Sign in to it with one of its API tokens, or open the one-time link that you were given.")
        + token_form(return_to),
    )


def connect_first(return_to: str) -> Response[Any]:
    """For those who follow the advice to connect OpenRouter, in a browser that knows no account of theirs."""
    return page(
        "Connect OpenRouter to your account",
        paragraph(
            "First sign in to the account that the key is for, with one of its API tokens (the one that was just used "
            "will do, unless it has spending limits). Then you are sent on to OpenRouter."
        )
        + token_form(return_to)
        + "<h2>No account here yet?</h2>"
        + f"<p>{link('Sign in with OpenRouter', '/oauth')}, which makes one.</p>",
    )


def connect_form(text: str, return_to: str = "") -> str:
    """The button to OpenRouter, and what the key is to be good for."""
    return (
        '<form class="wide" method="get" action="/oauth/start">'
        + hidden(form="true", **({"return_to": return_to} if return_to else {}))
        + "<details><summary>Limit what the key may spend</summary>"
        + '<div class="row">'
        + field("Limit in US$", "limit_usd", inputmode="decimal", autocomplete="off", placeholder="none")
        + choice("Limit starts afresh", "limit_reset", RESETS)
        + choice("Key expires", "expires_in_days", EXPIRIES)
        + "</div></details>"
        + f"<p><button>{escape(text)}</button></p></form>"
    )


def token_form(return_to: str) -> str:
    return (
        '<form class="wide" method="post" action="/oauth/token">'
        + hidden(return_to=return_to)
        + "<p>"
        + field("API token", "token", kind="password", autocomplete="off", required="", maxlength="200")
        + '</p><p><button class="quiet">Sign in with a token</button></p></form>'
    )


def open_link(user: str, key: str, return_to: str, signed_in_as: str | None) -> Response[Any]:
    """The page of a one-time link. Opening it uses nothing up, so that a scanner of mail does no harm."""
    is_another = signed_in_as not in (None, user)
    other = paragraph(f"You are signed in as {signed_in_as}; that ends here.") if is_another else ""
    return page(
        f"Sign in as {user}",
        paragraph(f"This link signs this browser in to the account {user}. It works once.")
        + other
        + '<form class="wide" method="post" action="/oauth/link">'
        + hidden(key=key, return_to=return_to)
        + f"<p><button>Sign in as {escape(user)}</button></p></form>"
        + paragraph("If you did not ask for it, close this page."),
    )


def paste_code(authorize_url: str, nonce: str, cookies: list[Cookie]) -> Response[Any]:
    """The way without a callback: OpenRouter shows a code, which is pasted here."""
    return page(
        "Paste a code from OpenRouter",
        "<ol><li>"
        + f'<a href="{escape(authorize_url)}" target="_blank" rel="noreferrer">Open OpenRouter</a>, allow the '
        + "connection and copy the code it shows.</li><li>Paste it here within ten minutes.</li></ol>"
        + '<form class="wide" method="post" action="/oauth/paste">'
        + hidden(attempt=nonce)
        + '<p><label>Code<br><input name="code" autocomplete="off" required maxlength="512"></label></p>'
        + "<p><button>Connect</button></p></form>",
        cookies=cookies,
    )


def failed(error: DarkroomError, *, move: str | None = None) -> Response[Any]:
    """What went wrong, as a sentence, and the way on.

    Args:
        move: the proof that a request to move comes from this session's own page; None for no session.
    """
    manage = error.context.get("manage_key")
    label = _LABELS.get(error.param or "")
    # Pages have labels where the API has names of fields.
    detail = error.detail.replace(f"`{error.param}`", label) if label else error.detail
    more = f"<p>{link('Remove the key that OpenRouter made', manage)}</p>" if manage else ""
    return page(
        error.title,
        paragraph(detail)
        + paragraph("Go back and correct it." if label else error.fix)
        + _ways_on(error, move)
        + more
        + f"<p>{link('Start again', '/oauth', button=True)}</p>"
        + f'<p class="small">{escape(error.code)}. Nothing was stored and nothing was charged.</p>',
        status=error.status,
    )


def _ways_on(error: DarkroomError, move: str | None) -> str:
    if isinstance(error, AccountExists):
        own = link("It is not mine: make an account of my own", "/oauth/start?new_account=true")
        return f"{token_form('/oauth/connect')}<p>{own}</p>"
    if isinstance(error, LinkedElsewhere) and move:
        return (
            paragraph(
                "Moving it means: from then on this OpenRouter account signs in to this account, and its key pays "
                "here. The other account keeps its pictures, receipts and API tokens, and loses this key and this way "
                "in. To go back, unlink it here if that account is named or-…, or move it again from there."
            )
            + f"<p>{link('Move it to this account', f'/oauth/start?move={move}')}</p>"
        )
    return ""
