"""What the pages for people are made of: plain HTML that needs no script and asks nothing of another site."""

import base64
import hashlib
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie

_STYLE = """
:root { color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif; }
body { margin: min(10vh, 5rem) auto 4rem; max-width: 36rem; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
a.button, button { background: #1f4fd8; border: 0; border-radius: .5rem; color: #fff; cursor: pointer;
  display: inline-block; font: inherit; padding: .55rem 1.1rem; text-decoration: none; }
button.quiet { background: none; border: 1px solid currentColor; color: inherit; }
:is(a, button, input):focus-visible { outline: 3px solid #8fb0ff; outline-offset: 2px; }
input, select, textarea { background: none; border: 1px solid; border-radius: .5rem; box-sizing: border-box;
  color: inherit; font: inherit; padding: .5rem .7rem; width: 100%; }
option { color: #111; background: #fff; }
form { display: inline; } form.wide { display: block; } p.small, label small { font-size: .85rem; opacity: .75; }
.row { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); margin: .8rem 0; }
ul.things { list-style: none; padding: 0; } ul.things li { align-items: center; border-top: 1px solid #8884;
  display: flex; flex-wrap: wrap; gap: .3rem 1rem; justify-content: space-between; padding: .55rem 0; }
ul.next { padding-left: 1.2rem; } summary { cursor: pointer; padding: .3rem 0; }
pre, code { font: .85rem/1.5 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
pre { border: 1px solid #8886; border-radius: .5rem; overflow-x: auto; padding: .7rem .9rem; }
code.secret { border: 1px dashed; border-radius: .5rem; display: block; padding: .7rem .9rem; user-select: all; }
img { border-radius: .5rem; display: block; height: auto; margin: 1rem 0; max-width: 100%; }
.notice { border-left: 4px solid #1f4fd8; padding: .1rem 0 .1rem 1rem; }
"""
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
