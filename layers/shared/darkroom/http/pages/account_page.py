"""The page of somebody who is signed in: who they are, what pays, what to do next, their API tokens."""

from collections.abc import Sequence
from html import escape
from typing import Any

from aws_lambda_powertools.event_handler import Response
from msgspec import Struct

from darkroom.http.pages import facts, field, hidden, link, page, paragraph, post_button, try_page
from darkroom.http.pages.sign_in_pages import RESETS, connect_form
from darkroom.models.caller import Caller
from darkroom.models.key import StoredKey
from darkroom.models.money import MicroUsd
from darkroom.models.session import Identity
from darkroom.models.token import ApiToken
from darkroom.services.accounts.connect import manage_url
from darkroom.services.accounts.keys import ShownKey

_WAYS = {"openrouter": "OpenRouter", "link": "a one-time link", "token": "an API token"}


class Account(Struct, frozen=True):
    """What the page shows.

    Attributes:
        unused_key: digest of a key that OpenRouter made on the way here, and that is not kept.
        return_to: where the person was on the way to.
    """

    caller: Caller
    keys: Sequence[ShownKey]
    tokens: Sequence[ApiToken]
    identities: Sequence[Identity]
    unused_key: str | None = None
    return_to: str = "/oauth"


def account(shown: Account) -> Response[Any]:
    has_openrouter = any(each.key.provider == "openrouter" for each in shown.keys)
    caller = shown.caller
    about = {"Account": caller.user, "Signed in with": _WAYS[caller.signed_in_with]}
    if caller.session:
        about["Until"] = f"{caller.session.expires_at:%Y-%m-%d %H:%M} UTC"
    return page(
        "Connected" if has_openrouter else "Signed in",
        facts(about)
        + f"<p>{link('Open the studio', '/', button=True)}</p>"
        + (_unused(shown.unused_key, shown.return_to) if shown.unused_key else "")
        + (_next(shown) if has_openrouter else "")
        + "<h2>Keys that pay</h2>"
        + ("".join(_key(each) for each in shown.keys) or paragraph("No key is connected."))
        + _changes(shown, has_openrouter=has_openrouter)
        + f"<p>{post_button('Sign out', '/oauth/sign-out', quiet=True)}</p>",
    )


def _changes(shown: Account, *, has_openrouter: bool) -> str:
    if shown.caller.is_restricted:
        return paragraph("The API token that you signed in with has limits, so it cannot change keys or tokens.")
    forget = post_button("Disconnect", "/oauth/disconnect", quiet=True) if has_openrouter else ""
    words = "Connect another OpenRouter account" if has_openrouter else "Connect with OpenRouter"
    more = paragraph("Its key then pays in place of this one, and it signs in here, too.") if has_openrouter else ""
    return (
        (f"<p>{forget}</p>" if forget else "")
        + (f"<h2>{escape(words)}</h2>{more}" if has_openrouter else "")
        + connect_form(words)
        + _identities(shown)
        + _tokens(shown)
    )


def _next(shown: Account) -> str:
    steps = [link("Try a picture", "#try") + " with the key that is connected."]
    if not shown.caller.is_restricted:
        steps.append(link("Make an API token", "#tokens") + " for your programs.")
    return (
        f'<h2>What next</h2><ul class="next">{"".join(f"<li>{step}</li>" for step in steps)}</ul>'
        + f'<h2 id="try">Try a picture</h2>{try_page.form()}'
    )


def _unused(sha256: str, return_to: str) -> str:
    on = f"<p>{link('Go on', return_to, button=True)}</p>" if return_to != "/oauth" else ""
    return (
        '<div class="notice">'
        + paragraph(
            "OpenRouter made a key on the way here that Darkroom has not kept: the one below pays, for it has the "
            "limit that you chose, or is the one that paid before. You may remove the other at OpenRouter."
        )
        + f"<p>{link('Remove the key that is not used', manage_url(sha256))}</p>{on}</div>"
    )


def _key(shown: ShownKey) -> str:
    status, key = shown.status, shown.key
    rows = {"Provider": key.provider, "Key": f"…{key.hint}", "Since": f"{key.connected_at:%Y-%m-%d %H:%M} UTC"}
    if key.label:
        rows["Label"] = key.label
    if status is None:
        rows["Left to spend"] = f"not known: {key.provider} could not be asked"
    elif key.provider == "openrouter" or status.limit is not None:
        left = status.limit_remaining
        rows["Left to spend"] = "no limit on this key" if left is None else _usd(left)
        if status.limit is not None:
            often = RESETS.get(status.limit_reset or "", status.limit_reset)
            rows["Limit"] = _usd(status.limit) + (f", starts afresh {often}" if status.limit_reset else "")
    if status is not None and status.expires_at:
        rows["Expires"] = f"{status.expires_at:%Y-%m-%d %H:%M} UTC"
    manage = f'<p class="small">{link("Manage this key at its provider", shown.manage_url)}</p>'
    return facts(rows) + (manage if shown.manage_url else "")


def _identities(shown: Account) -> str:
    if not shown.identities:
        return ""
    rows = "".join(
        f"<li><span>OpenRouter account …{escape(each.hint)}, since {each.linked_at:%Y-%m-%d}</span>"
        + ("" if each.is_own else _unlink(each))
        + "</li>"
        for each in shown.identities
    )
    return f'<h2>OpenRouter accounts that sign in here</h2><ul class="things">{rows}</ul>'


def _unlink(identity: Identity) -> str:
    return (
        f'<form method="post" action="/oauth/unlink">{hidden(id=identity.sha256)}'
        '<button class="quiet">Unlink</button></form>'
    )


def _tokens(shown: Account) -> str:
    rows = "".join(
        f"<li><span>{escape(each.name or 'no name')} <code>…{escape(each.hint)}</code>{escape(_until(each))}</span>"
        + f'<form method="post" action="/oauth/tokens/revoke">{hidden(id=each.id)}'
        + '<button class="quiet">Revoke</button></form></li>'
        for each in shown.tokens
    )
    return (
        '<h2 id="tokens">API tokens</h2>'
        + (f'<ul class="things">{rows}</ul>' if rows else paragraph("There are none yet."))
        + '<form class="wide" method="post" action="/oauth/tokens"><div class="row">'
        + field("Name", "name", maxlength="100", placeholder="laptop", autocomplete="off")
        + field("Good for days", "expires_in_days", kind="number", min="1", max="3650", placeholder="always")
        + field("Most a day in US$", "day_limit_usd", inputmode="decimal", placeholder="no limit", autocomplete="off")
        + "</div><p><button>Make a token</button></p></form>"
    )


def _until(token: ApiToken) -> str:
    limit = f", {_usd(token.day_limit)} a day" if token.day_limit is not None else ""
    return f"{limit}, until {token.expires_at:%Y-%m-%d}" if token.expires_at else limit


def token_made(token: ApiToken, plaintext: str, origin: str) -> Response[Any]:
    """The one time that a token is shown."""
    command = (
        f"curl -sS {origin}/v1/images/generations \\\n  -H 'Authorization: Bearer {plaintext}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        """  -d '{"prompt": "A red fox asleep in fresh snow", "response_format": "url"}'"""
    )
    return page(
        "Your API token",
        paragraph(f"It is shown this once, for {token.user}. Copy it now.")
        + f'<p><code class="secret" id="token">{escape(plaintext)}</code></p>'
        + "<h2>Try it</h2>"
        + f"<pre>{escape(command)}</pre>"
        + f"<p>{link('Back to your account', '/oauth', button=True)}</p>",
    )


def disconnected(key: StoredKey) -> Response[Any]:
    return page(
        "Disconnected",
        paragraph(
            f"Darkroom has forgotten the key that ends in {key.hint}. The key itself still works until you remove it "
            "at OpenRouter, where alone it can be revoked."
        )
        + f"<p>{link('Revoke it at OpenRouter', manage_url(key.sha256), button=True)}</p>"
        + f'<p class="small">{link("Connect again", "/oauth")}</p>',
    )


def _usd(amount: MicroUsd) -> str:
    return f"${amount / 1_000_000:.2f}"
