"""Sign-in with OpenRouter: a consent page, a code, a key of the user's own.

    https://openrouter.ai/auth?callback_url=…&code_challenge=…&code_challenge_method=S256&state=…
    POST /auth/keys   {"code":"…","code_verifier":"…","code_challenge_method":"S256"}         (without a key)
    200 {"key":"sk-or-v1-…","user_id":"user_2yOPcMpKoQhcd4bVgSMlELRaIah"}
    POST /auth/keys/code   {"callback_url":"…","limit":5,"usage_limit_type":"monthly","expires_at":"…Z", …}
    200 {"data":{"id":"auth_code_…","app_id":12345,"created_at":"…"}}                              (with a key)

    400 Invalid code · 403 Invalid code or code_verifier · 403 Authorization code expired · 405 · 409

`state` comes back only when the user consents; without a callback the page shows the code, and has no state. A code is
good for one attempt, which may have used it up even when no answer comes: only what never left is sent again.
"""

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from darkroom.errors import (
    CodeConflict,
    CodeExpired,
    CodeInvalid,
    CodeMethodInvalid,
    CodeMismatch,
    DarkroomError,
    ExchangeUnavailable,
    SignInRefused,
    UnusableAnswer,
)
from darkroom.models.deadline import Deadline
from darkroom.models.key import KeyStatus, KeyTerms
from darkroom.models.money import usd
from darkroom.ports import IssuedKey
from darkroom.providers import _wire
from darkroom.providers._calls import Calls
from darkroom.providers._catalogue import key_status
from darkroom.providers._errors import Asked
from darkroom.providers._http import Answer, HttpClient
from darkroom.providers._images import whole_json
from darkroom.providers._openrouter_calls import CONSOLE_URL, calls, url
from darkroom.providers._openrouter_complaint import Complaint
from darkroom.providers._openrouter_errors import refused
from darkroom.providers._retry import Retries
from darkroom.providers._settings import ProviderSettings

_SECONDS = 15.0
_AGAIN = "Start the sign-in again."


class OpenRouterAuth:
    """Implements ports.KeyIssuer and ports.KeyInspector.

    Args:
        settings: where OpenRouter is; sign-in and API have one origin.
        key_label: what the key will be called on the user's own page of keys.
    """

    console_url = CONSOLE_URL

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        key_label: str | None = "Darkroom",
        http: HttpClient | None = None,
        retries: Retries | None = None,
    ) -> None:
        self._url = url(settings)
        self._key_label = key_label
        self._calls: Calls = calls(settings, http=http, retries=retries)

    def authorize_url(
        self, *, callback_url: str | None, code_challenge: str, state: str | None, terms: KeyTerms
    ) -> str:
        query = {
            "callback_url": callback_url,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
            "state": state if callback_url else None,
            "key_label": self._key_label,
            # Documented for `/auth/keys/code` alone: where the page ignores them, `limited_code` asks again.
            **_wire_terms(terms),
        }
        return f"{self._url}/auth?{urlencode({name: value for name, value in query.items() if value is not None})}"

    def exchange(self, *, code: str, code_verifier: str) -> IssuedKey:
        body = {"code": code, "code_verifier": code_verifier, "code_challenge_method": "S256"}
        return self._calls.free(
            "POST",
            "/auth/keys",
            _issued,
            body=body,
            secrets=(code, code_verifier),
            repeatable=False,
            refused=_refused,
            deadline=Deadline(_SECONDS),
        )

    def limited_code(self, key: str, terms: KeyTerms, *, callback_url: str, code_challenge: str) -> str:
        wanted = {
            "callback_url": callback_url,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
            "key_label": self._key_label,
            **_wire_terms(terms),
        }
        return self._calls.free(
            "POST",
            "/auth/keys/code",
            _code,
            body={name: value for name, value in wanted.items() if value is not None},
            key=key,
            repeatable=False,
            refused=_code_refused,
            deadline=Deadline(_SECONDS),
        )

    def inspect(self, key: str) -> KeyStatus:
        return inspect(self._calls, key)


def inspect(asking: Calls, key: str) -> KeyStatus:
    """What OpenRouter says of a key.

    Raises:
        DarkroomError: as ports.KeyInspector says.
    """
    value = asking.free("GET", "/key", whole_json, key=key, deadline=Deadline(_SECONDS))
    return key_status(value)


def _wire_terms(terms: KeyTerms) -> dict[str, Any]:
    """OpenRouter's own names: dollars, `daily`/`weekly`/`monthly`, and a time in UTC."""
    named = {
        "limit": usd(terms.limit),
        "usage_limit_type": terms.limit_reset,
        "expires_at": f"{terms.expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if terms.expires_at else None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _code(answer: Answer, asked: Asked) -> str:
    code = _wire.text(_wire.mapping(whole_json(answer, asked).get("data")).get("id"))
    if not code:
        raise UnusableAnswer("OpenRouter answered without a code.", fix=_AGAIN, upstream=asked.upstream())
    return code


def _code_refused(answer: Answer, asked: Asked) -> DarkroomError:
    complaint = Complaint.of_answer(answer)
    if complaint.status == 409:
        kind: type[SignInRefused] = CodeConflict
    elif complaint.status < 500 and complaint.status not in (401, 408, 429):
        kind = ExchangeUnavailable
    else:
        return refused(answer, asked)
    return kind(
        f"OpenRouter makes no key with that limit or expiry; it answered {complaint.status}.",
        fix="Start again without them, and set the limit on OpenRouter's own page.",
        upstream=asked.upstream(message=complaint.message),
    )


def _issued(answer: Answer, asked: Asked) -> IssuedKey:
    value = whole_json(answer, asked)
    key = _wire.text(value.get("key"))
    if key is None or not key.isascii() or not key.isprintable() or " " in key:
        raise UnusableAnswer("OpenRouter answered without a key.", fix=_AGAIN, upstream=asked.upstream())
    return IssuedKey(key=key, user_id=_wire.text(value.get("user_id")))


def _refused(answer: Answer, asked: Asked) -> DarkroomError:
    complaint = Complaint.of_answer(answer)
    kind, detail = _refusal(complaint)
    if kind is None:
        return refused(answer, asked)
    return kind(detail, fix=_AGAIN, upstream=asked.upstream(message=complaint.message))


def _refusal(complaint: Complaint) -> tuple[type[SignInRefused] | None, str]:
    match complaint.status:
        case 400 if "code_challenge_method" in (complaint.param or complaint.message):
            return CodeMethodInvalid, "OpenRouter expects another proof of the sign-in than the one it was begun with."
        case 400:
            return CodeInvalid, "OpenRouter does not know the sign-in code; it may have been used already."
        case 403 if "expired" in complaint.message.lower():
            return CodeExpired, "The sign-in code has expired; it is good for ten minutes."
        case 403:
            return CodeMismatch, "OpenRouter does not accept the sign-in code from this sign-in."
        case 409:
            return CodeConflict, "The sign-in code is being used by another request."
        case 405:
            return ExchangeUnavailable, "OpenRouter does not take sign-in codes the way that Darkroom sends them (405)."
        case status if status < 500 and status not in (408, 429):
            return ExchangeUnavailable, f"OpenRouter did not exchange the sign-in code; it answered {status}."
        case _:
            return None, ""
