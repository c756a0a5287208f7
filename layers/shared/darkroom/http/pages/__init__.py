"""What the pages for people are made of: plain HTML that needs no script and asks nothing of another site."""

import base64
import hashlib
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie

_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
_QUOTED = re.compile(r"`([^`]+)`")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(
    title: str,
    body: str,
    *,
    status: int = 200,
    cookies: list[Cookie] | None = None,
    images: str = "",
    next_url: str = "",
) -> Response[Any]:
    """A whole page. `body` is HTML; `title` is text.

    Args:
        images: the one origin that pictures may come from.
        next_url: where the browser goes from here by itself.
    """
    onward = f'<meta http-equiv="refresh" content="0;url={escape(next_url)}">' if next_url else ""
    policy = f"{_POLICY}; img-src {images}" if images else _POLICY
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Darkroom</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{onward}<style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Response(
        status, "text/html; charset=utf-8", html, headers={"content-security-policy": policy}, cookies=cookies
    )


def onward(title: str, url: str, *, cookies: list[Cookie] | None = None) -> Response[Any]:
    """Sends a browser that has just sent a form on to another site.

    Browsers hold a form's redirects to `form-action`, too, and what OpenRouter redirects to is not ours to list.
    """
    return page(title, f"<p>{link('Go on', url, button=True)}</p>", cookies=cookies, next_url=url)


def redirect(location: str, *, cookies: list[Cookie] | None = None) -> Response[Any]:
    return Response(302, "text/plain", "", headers={"location": location}, cookies=cookies)


def paragraph(text: str) -> str:
    """A paragraph of text; what stands between backticks, as errors quote names and commands, is shown as code."""
    return "<p>" + _QUOTED.sub(r"<code>\1</code>", escape(text)) + "</p>"


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


def field(label: str, name: str, *, kind: str = "text", hint: str = "", **attributes: str) -> str:
    """A labelled input. `attributes` are put on it, with `_` as `-`."""
    more = "".join(f' {key.replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    small = f"<br><small>{escape(hint)}</small>" if hint else ""
    return f'<label>{escape(label)}<br><input type="{kind}" name="{escape(name)}"{more}>{small}</label>'


def choice(label: str, name: str, options: Mapping[str, str]) -> str:
    """A labelled list; `options` are values and what is shown for them, the first of which is chosen."""
    shown = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options.items())
    return f'<label>{escape(label)}<br><select name="{escape(name)}">{shown}</select></label>'


def hidden(**fields: str) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
