"""What the pages for people are made of."""

import pytest

from darkroom.http.pages import paragraph


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Run `make invite`, or `make token`.", "<p>Run <code>make invite</code>, or <code>make token</code>.</p>"),
        ("`<img src=x>` & more", "<p><code>&lt;img src=x&gt;</code> &amp; more</p>"),
        ("one ` alone", "<p>one ` alone</p>"),
        ("nothing in ``", "<p>nothing in ``</p>"),
    ],
)
def test_what_errors_quote_is_shown_as_code_and_nothing_else_becomes_html(text: str, html: str) -> None:
    assert paragraph(text) == html
