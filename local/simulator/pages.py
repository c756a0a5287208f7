"""The pages that people see. They need no script, and what others wrote is escaped."""

from collections.abc import Mapping
from html import escape

from local.simulator.consent import Consent

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1c22; --paper: #f6f6f8; --card: #fff; --line: #d5d7de; --mute: #585d69;
  --go: #4338ca; --go-ink: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef4; --paper: #14151a; --card: #1d1f27; --line: #3a3d49;
  --mute: #a5aabb; --go: #a5a0ff; --go-ink: #14151a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { width: min(27rem, 100%); background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 2rem; }
.note { margin: 0 0 1.25rem; padding: .15rem .7rem; border: 1px solid var(--line); border-radius: 99px;
  display: inline-block; font-size: .8rem; color: var(--mute); }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .75rem; }
p, ul { margin: 0 0 1rem; } ul { padding-left: 1.2rem; }
strong, code { overflow-wrap: anywhere; }
label { display: block; font-weight: 600; margin-bottom: .3rem; }
.hint { color: var(--mute); font-size: .88rem; margin: .3rem 0 1.25rem; }
details { margin: 0 0 1.25rem; } summary { cursor: pointer; color: var(--mute); }
.row { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
input, select, button { font: inherit; width: 100%; padding: .6rem .75rem; border: 1px solid var(--line);
  border-radius: 8px; background: var(--card); color: var(--ink); }
button { font-weight: 600; cursor: pointer; }
button.go { background: var(--go); border-color: var(--go); color: var(--go-ink); }
:focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
code { display: block; padding: .75rem; border: 1px dashed var(--line); border-radius: 8px; user-select: all; }
"""


def consent(request: Consent, fields: Mapping[str, str]) -> str:
    """Asks the user; `fields` go along with the answer, as they came."""
    who = f"<strong>{escape(request.host)}</strong>" if request.host else "A program on your computer"
    where = (
        f"<p>If you approve, you go back to {who} and it receives a key of your account.</p>"
        if request.host
        else "<p>If you approve, you are shown a code to paste into the program.</p>"
    )
    hidden = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    resets = "".join(
        f'<option value="{value}"{" selected" if value == request.limit_reset else ""}>{text}</option>'
        for value, text in (("", "never"), ("daily", "every day"), ("weekly", "every week"), ("monthly", "every month"))
    )
    return _page(
        "Connect an application",
        f"""
<h1>{who} wants to use your OpenRouter account</h1>
{where}
<ul><li>Key label: <strong>{escape(request.label)}</strong></li>
<li>It can spend your credits, up to the limit below.</li></ul>
<form method="post" action="/auth">
{hidden}
<div class="row"><div><label for="limit">Limit in US$</label>
<input id="limit" name="limit" inputmode="decimal" autocomplete="off" value="{escape(request.limit)}"
 aria-describedby="limit-hint"></div>
<div><label for="reset">Starts afresh</label><select id="reset" name="limit_reset">{resets}</select></div></div>
<p class="hint" id="limit-hint">Leave it empty for no limit.</p>
<details><summary>As another OpenRouter account</summary><label for="account">Its id</label>
<input id="account" name="account" autocomplete="off" placeholder="user_2second"
 pattern="user_[A-Za-z0-9]{{4,40}}"></details>
<div class="row"><button class="go" name="decision" value="approve">Approve</button>
<button name="decision" value="deny">Deny</button></div>
</form>""",
    )


def code(value: str) -> str:
    return _page(
        "Your code",
        f"""
<h1>Your code</h1>
<p>Paste it into the program that asked for it. It works once, within ten minutes.</p>
<code>{escape(value)}</code>""",
    )


def denied() -> str:
    return _page("Not connected", "<h1>Not connected</h1><p>You said no. Nothing was given away.</p>")


def problem(text: str) -> str:
    return _page("This link does not work", f"<h1>This link does not work</h1><p>{escape(text)}</p>")


def _page(title: str, body: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · simulated OpenRouter</title><style>{_STYLE}</style></head>
<body><main><p class="note">Simulated: no account, no real money</p>{body}</main></body></html>
"""
