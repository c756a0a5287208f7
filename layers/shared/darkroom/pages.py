"""The few pages of the sign-in: plain HTML that needs no script and asks nothing of another site."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie

from darkroom.errors import DarkroomError
from darkroom.models.key import StoredKey
from darkroom.services.accounts.connect import manage_url
from darkroom.services.accounts.keys import ShownKey

_STYLE = """
:root { color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif; }
body { margin: 12vh auto; max-width: 34rem; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
a.button, button { background: #1f4fd8; border: 0; border-radius: .5rem; color: #fff; cursor: pointer;
  display: inline-block; font: inherit; padding: .55rem 1.1rem; text-decoration: none; }
button.quiet { background: none; border: 1px solid currentColor; color: inherit; }
:is(a, button, input):focus-visible { outline: 3px solid #8fb0ff; outline-offset: 2px; }
input { border: 1px solid; border-radius: .5rem; box-sizing: border-box; font: inherit; padding: .5rem .7rem;
  width: 100%; }
form { display: inline; } form.wide { display: block; } p.small { font-size: .85rem; opacity: .75; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(title: str, body: str, *, status: int = 200, cookies: list[Cookie] | None = None) -> Response[Any]:
    """A whole page. `body` is HTML; `title` is text."""
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Darkroom</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Response(
        status, "text/html; charset=utf-8", html, headers={"content-security-policy": _POLICY}, cookies=cookies
    )


def redirect(location: str, *, cookies: list[Cookie] | None = None) -> Response[Any]:
    return Response(302, "text/plain", "", headers={"location": location}, cookies=cookies)


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def facts(rows: Mapping[str, str]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items()) + "</dl>"
    )


def link(text: str, url: str, *, button: bool = False) -> str:
    look = ' class="button"' if button else ""
    return f'<a href="{escape(url)}"{look}>{escape(text)}</a>'


def post_button(text: str, path: str, *, quiet: bool = False) -> str:
    look = ' class="quiet"' if quiet else ""
    return f'<form method="post" action="{escape(path)}"><button{look}>{escape(text)}</button></form>'


def signed_out() -> Response[Any]:
    return page(
        "Connect your OpenRouter account",
        paragraph(
            "Darkroom makes pictures with your own OpenRouter account, and you pay OpenRouter alone. You choose there "
            "what the key may spend."
        )
        + f"<p>{link('Connect with OpenRouter', '/oauth/start', button=True)}</p>"
        + f'<p class="small">{link("Paste a code instead", "/oauth/paste")} if you cannot be sent back here.</p>',
    )


def connected(user: str, keys: Sequence[ShownKey]) -> Response[Any]:
    """What is connected, and how to undo it."""
    actions = post_button("Disconnect", "/oauth/disconnect", quiet=True) if keys else ""
    rows = "".join(_key_facts(shown) for shown in keys) or paragraph("No key is connected.")
    connect = "" if keys else f"<p>{link('Connect with OpenRouter', '/oauth/start', button=True)}</p>"
    leave = post_button("Sign out", "/oauth/sign-out", quiet=True)
    return page("Connected" if keys else "Signed in", facts({"Account": user}) + rows + connect + f"{actions} {leave}")


def _key_facts(shown: ShownKey) -> str:
    status, key = shown.status, shown.key
    rows = {"Provider": key.provider, "Key": f"…{key.hint}", "Since": f"{key.connected_at:%Y-%m-%d %H:%M} UTC"}
    if key.label:
        rows["Label"] = key.label
    if status is None:
        rows["Left to spend"] = "not known: OpenRouter could not be asked"
    else:
        left = status.limit_remaining
        rows["Left to spend"] = "no limit on this key" if left is None else f"${left / 1_000_000:.2f}"
    return facts(rows) + f'<p class="small">{link("Manage this key at OpenRouter", manage_url(key.sha256))}</p>'


def disconnected(key: StoredKey, cookies: list[Cookie]) -> Response[Any]:
    return page(
        "Disconnected",
        paragraph(
            f"Darkroom has forgotten the key that ends in {key.hint}. The key itself still works until you remove it "
            "at OpenRouter, where alone it can be revoked."
        )
        + f"<p>{link('Revoke it at OpenRouter', manage_url(key.sha256), button=True)}</p>"
        + f'<p class="small">{link("Connect again", "/oauth/start")}</p>',
        cookies=cookies,
    )


def paste_code(authorize_url: str, nonce: str, cookies: list[Cookie]) -> Response[Any]:
    """The way without a callback: OpenRouter shows a code, which is pasted here."""
    return page(
        "Paste a code from OpenRouter",
        "<ol><li>"
        + f'<a href="{escape(authorize_url)}" target="_blank" rel="noreferrer">Open OpenRouter</a>, allow the '
        + "connection and copy the code it shows.</li><li>Paste it here within ten minutes.</li></ol>"
        + '<form class="wide" method="post" action="/oauth/paste">'
        + f'<input type="hidden" name="attempt" value="{escape(nonce)}">'
        + '<p><label>Code<br><input name="code" autocomplete="off" required maxlength="512"></label></p>'
        + "<p><button>Connect</button></p></form>",
        cookies=cookies,
    )


def failed(error: DarkroomError) -> Response[Any]:
    """What went wrong, as a sentence, and the way on."""
    manage = error.context.get("manage_key")
    more = f"<p>{link('Manage the key at OpenRouter', manage)}</p>" if manage else ""
    return page(
        error.title,
        paragraph(error.detail)
        + paragraph(error.fix)
        + more
        + f"<p>{link('Start again', '/oauth', button=True)}</p>"
        + f'<p class="small">{escape(error.code)}. Nothing was stored and nothing was charged.</p>',
        status=error.status,
    )
