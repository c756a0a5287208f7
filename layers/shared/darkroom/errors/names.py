"""Names that callers made up, as they may be shown: a key that was pasted into the wrong place is never echoed."""

import re
from typing import Final

_LONGEST: Final = 40
# How keys begin: ours, the providers', AWS's, GitHub's, Slack's, and anything signed as a JSON web token.
_KEY: Final = re.compile(
    # What is part of no word is found behind a letter, too.
    r"(?i)sk-(?:or|ant|proj|svcacct|admin)-[a-z0-9_+/=-]{8,}|(?:sk|dk|pk|rk)[-_][a-z0-9]{24,}|(?<![a-z0-9])(?:"
    r"(?:sk|dk|pk|rk|gsk|xai|whsec|r8|hf|key|ghp|gho|ghs|github_pat|xox[abeprs])[-_][a-z0-9_+/=-]{8,}"
    r"|eyj[a-z0-9_-]{8,}[a-z0-9_.-]*|aiza[a-z0-9_-]{20,}|a[ks]ia[a-z0-9]{12,}|bearer\s+\S{8,})"
)
_LEAST_SECRET: Final = 16


def shown_name(name: str) -> str:
    """The name itself, or how long it is if it may be a secret or is longer than any field's."""
    return name if _is_harmless(name) else f"[a name of {len(name)} characters]"


def without_keys(text: str) -> str:
    """The text with whatever looks like a key taken out."""
    return _KEY.sub("[a key]", text)


def _is_harmless(name: str) -> bool:
    if len(name) > _LONGEST or _KEY.search(name):
        return False
    # What has no words, and several digits among its letters, is a key, a digest or an id.
    squeezed = re.sub(r"[-_.:]", "", name)
    is_mixed = sum(each.isdigit() for each in squeezed) >= 3 and any(each.isalpha() for each in squeezed)
    return not (len(squeezed) >= _LEAST_SECRET and is_mixed)
