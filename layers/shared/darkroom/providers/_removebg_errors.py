"""What remove.bg's refusals mean, and whether they cost anything.

    400  {"errors":[{"title":"Could not identify foreground in image.","code":"unknown_foreground","detail":"…"}]}
    402  {"errors":[{"title":"Insufficient credits","code":"insufficient_credits"}]}
    403  {"errors":[{"title":"API Key invalid","code":"auth_failed"}]}
    429  {"errors":[{"title":"Rate limit exceeded","code":"rate_limit_exceeded"}]}    Retry-After: 59

A refusal with a 4xx is charged no credits, it is documented; but 408 and 499, which somebody in front says, prove
nothing, and neither does anything from 500 on: the work may go on behind it.
"""

from collections.abc import Mapping
from typing import Any, Final

from darkroom import errors
from darkroom.errors import Charged, DarkroomError
from darkroom.providers import _wire
from darkroom.providers._errors import REFUSALS, Asked, by_kind, fix_for, listed, plain, retry_after
from darkroom.providers._http import Answer

NAME: Final = "removebg"
TITLE: Final = "remove.bg"

Kind = type[DarkroomError]

_UNCLEAR_4XX: Final = frozenset({408, 499})
_BY_CODE: Final[dict[str, Kind]] = listed("removebg", "codes")
_BY_STATUS: Final[dict[int, Kind]] = listed("removebg", "statuses")
# Our names of the parameters that codes complain about.
_PARAMS: Final = {code: param for param, codes in REFUSALS["removebg"]["params"].items() for code in codes}
_WORDS: Final = by_kind("removebg")


def refused(answer: Answer, asked: Asked) -> DarkroomError:
    """The error that an answer other than a 200 stands for."""
    code, said = _complaint(answer)
    kind = _kind(answer.status, code)
    charged: Charged = False if _is_unbilled(answer.status) or not asked.paid else "unknown"
    because = f": {text.rstrip('.')}." if (text := plain(said, asked.secrets)) else "."
    detail, fix = _WORDS.get(kind) or (
        f"{TITLE} refused the request{because}",
        "Change the picture or the request.",
    )
    if kind is errors.ServiceUnavailable:
        detail, fix = f"{TITLE} failed; it answered {answer.status}.", "Try again in a moment."
    return kind(
        detail,
        fix=fix_for(charged, fix),
        param=_PARAMS.get(
            code, "image" if kind in (errors.NoForeground, errors.UnreadableImage, errors.ImageTooLarge) else None
        ),
        retry_after=retry_after(answer.headers, {}, asked.now()),
        charged=charged,
        context={"reason": "credits"} if kind is errors.InsufficientCredits else None,
        retryable=False if kind is errors.ServiceUnavailable and answer.status < 500 else None,
        upstream=asked.upstream(error_type=code or None, message=said),
    )


def _is_unbilled(status: int) -> bool:
    return 300 <= status < 500 and status not in _UNCLEAR_4XX


def _kind(status: int, code: str) -> Kind:
    if status == 400 and code in _BY_CODE:
        return _BY_CODE[code]
    return _BY_STATUS.get(status, errors.ServiceUnavailable)


def _complaint(answer: Answer) -> tuple[str, str]:
    """The first error's code, and its words; empty where it is none of remove.bg's."""
    try:
        value = _wire.mapping(_wire.parse_json(answer.body))
    except ValueError:
        return "", ""
    errors = [_wire.mapping(each) for each in _wire.sequence(value.get("errors"))]
    first: Mapping[str, Any] = errors[0] if errors else {}
    words = [_wire.text(first.get(name)) for name in ("title", "detail")]
    return _wire.text(first.get("code")) or "", ". ".join(word.rstrip(".") for word in words if word)
