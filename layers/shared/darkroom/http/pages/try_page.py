"""A first picture without a program: the form on the account's page, and the page with the picture."""

import secrets
from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response

from darkroom.errors import DarkroomError
from darkroom.http.pages import facts, hidden, link, page, paragraph

PATH = "/try"
MAX_COST_USD = "0.10"
_EXAMPLE = "A red fox asleep in fresh snow"
_CHARGED = {True: "It was charged.", False: "Nothing was charged.", "unknown": "What it cost is not known yet."}


def form(prompt: str = _EXAMPLE) -> str:
    """Asks for a picture. `once` makes the same form sent twice one picture and one charge."""
    return (
        f'<form class="wide" method="post" action="{PATH}">'
        + hidden(once=secrets.token_urlsafe(16))
        + '<p><label>What it shows<br><textarea name="prompt" rows="2" maxlength="2000" required>'
        + f"{escape(prompt)}</textarea><br><small>It costs ${MAX_COST_USD} at most, and takes some seconds.</small>"
        + "</label></p><p><button>Make a picture</button></p></form>"
    )


def made(prompt: str, url: str, *, model: str, cost_usd: float, warnings: Sequence[str]) -> Response[Any]:
    """The picture, by its link."""
    parts = urlsplit(url)
    about = {"Model": model, "Cost": f"${cost_usd:.4f}"}
    return page(
        "Your picture",
        f'<img src="{escape(url)}" alt="{escape(prompt)}">'
        + facts(about)
        + "".join(paragraph(warning) for warning in warnings)
        + f"<p>{link('Open it', url)}</p><h2>Another one</h2>"
        + form(prompt)
        + f"<p>{link('Back to your account', '/oauth')}</p>",
        images=f"{parts.scheme}://{parts.netloc}",
    )


def failed(error: DarkroomError) -> Response[Any]:
    told = error.problem()
    return page(
        error.title,
        paragraph(told["detail"])
        + paragraph(told.get("fix", ""))
        + paragraph(_CHARGED[error.charged])
        + f"<p>{link('Back to your account', '/oauth', button=True)}</p>"
        + f'<p class="small">{escape(error.code)}</p>',
        status=error.status,
    )
