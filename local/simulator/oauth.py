"""Signing in: the page that asks for consent, and the exchange of its code for a key."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import SplitResult, urlsplit

from local.simulator import pages
from local.simulator.consent import BadRequest, Consent
from local.simulator.delivery import Answer, Reply
from local.simulator.errors import Refusal, zod
from local.simulator.exchange import Exchange
from local.simulator.state import CODE_LIFETIME, Code

_METHODS = ("S256", "plain")
_RESETS = ("daily", "weekly", "monthly")
_LOCAL = ("127.0.0.1", "localhost", "::1")
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_LONGEST_LABEL = 100
_PERSON = re.compile(r"user_[A-Za-z0-9]{4,40}")
# What the person chooses on the page. As the documents have it, the page's address proposes none of it; an application
# that wants it asks `/auth/keys/code`.
_CHOSEN = ("limit", "limit_reset", "usage_limit_type", "expires_at", "account")
# Nothing of the page may be kept, framed or told to the place that it leads to.
_PAGE_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    # No form-action: browsers apply it to the redirect after the form too, which leads to the application.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


def ask(exchange: Exchange) -> Answer:
    """`GET /auth`."""
    fields = {name: value for name, value in exchange.query.items() if name not in _CHOSEN}
    try:
        _consent(exchange.query)
        consent = _consent(fields)
    except BadRequest as problem:
        return Reply.of_html(pages.problem(str(problem)), 400, _PAGE_HEADERS)
    return Reply.of_html(pages.consent(consent, fields), headers=_PAGE_HEADERS)


def decide(exchange: Exchange) -> Answer:
    """`POST /auth`: the user's answer."""
    form = exchange.form
    try:
        consent = _consent(form)
        if form.get("decision") == "deny":
            # Neither a code nor the state comes back.
            return (
                _redirect(consent.back()) if consent.callback else Reply.of_html(pages.denied(), headers=_PAGE_HEADERS)
            )
        if form.get("decision") != "approve":
            raise BadRequest("The form says neither yes nor no.")
        code = Code(
            code=f"auth_code_{secrets.token_urlsafe(24)}",
            challenge=consent.challenge,
            method=consent.method,
            key_name=consent.label,
            limit=_money(consent.limit),
            limit_reset=consent.limit_reset or None,
            created_at=exchange.state.clock(),
            expires_at=_moment(form.get("expires_at")),
            user_id=_person(form.get("account", "")),
        )
    except BadRequest as problem:
        return Reply.of_html(pages.problem(str(problem)), 400, _PAGE_HEADERS)
    exchange.state.grant(code)
    if consent.callback is None:
        return Reply.of_html(pages.code(code.code), headers=_PAGE_HEADERS)
    state = None if "state_dropped" in exchange.plan else consent.state
    return _redirect(consent.back(code=code.code, state=state))


def exchange_code(exchange: Exchange) -> Answer:
    """`POST /auth/keys`: needs no key, and looks at the body before anything else."""
    if exchange.method != "POST":
        raise Refusal(405, "Method Not Allowed", anonymous=True, headers={"allow": "POST"})
    data = exchange.data
    if data is None or not isinstance(data.get("code"), str):
        raise zod("Invalid input: expected string, received undefined", "code", code="invalid_type")
    method = data.get("code_challenge_method")
    if method is not None and method not in _METHODS:
        raise Refusal(400, "Invalid code_challenge_method", anonymous=True)
    # Gone from here on, whatever comes of it: a code is good for one attempt.
    code = exchange.state.redeem(data["code"])
    if code is None:
        raise Refusal(400, "Invalid code", anonymous=True)
    if exchange.state.clock() - code.created_at > CODE_LIFETIME:
        raise Refusal(403, "Authorization code expired", anonymous=True)
    if method is not None and code.challenge is not None and method != code.method:
        raise Refusal(400, "Invalid code_challenge_method", anonymous=True)
    if not _verifies(code, data.get("code_verifier")):
        raise Refusal(403, "Invalid code or code_verifier", anonymous=True)
    secret = exchange.state.mint(
        code.key_name,
        limit=code.limit,
        limit_reset=code.limit_reset,
        expires_at=code.expires_at,
        user_id=code.user_id,
    )
    body = {"key": secret, "user_id": code.user_id or exchange.state.user_id}
    return Reply.of_json(body, headers={"cache-control": "no-store"})


def create_code(exchange: Exchange) -> Answer:
    """`POST /auth/keys/code`: a code for the holder of a key, without a page."""
    data = exchange.data or {}
    if not isinstance(data.get("callback_url"), str):
        raise zod("Invalid input: expected string, received undefined", "callback_url", code="invalid_type")
    holder = exchange.authorised()
    limit, reset, label = data.get("limit"), data.get("usage_limit_type"), data.get("key_label") or "App"
    method = data.get("code_challenge_method") or "plain"
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float | Decimal) or limit < 0):
        raise zod("Invalid input: expected number", "limit", code="invalid_type")
    for name, value, known in (("usage_limit_type", reset, _RESETS), ("code_challenge_method", method, _METHODS)):
        if value is not None and value not in known:
            options = "|".join(f'"{each}"' for each in known)
            raise zod(f"Invalid option: expected one of {options}", name, code="invalid_value")
    if not isinstance(label, str) or len(label) > _LONGEST_LABEL:
        raise zod("Too big: expected string to have <=100 characters", "key_label", code="too_big")
    try:
        _callback(data["callback_url"])
        expires_at = _moment(data.get("expires_at"))
    except BadRequest as problem:
        raise Refusal(400, str(problem)) from None
    if expires_at is not None and expires_at <= exchange.state.clock():
        raise Refusal(400, "expires_at must be in the future")
    code = Code(
        code=f"auth_code_{secrets.token_urlsafe(24)}",
        challenge=data.get("code_challenge"),
        method=method,
        key_name=label,
        limit=None if limit is None else Decimal(str(limit)),
        limit_reset=reset,
        created_at=exchange.state.clock(),
        expires_at=expires_at,
        user_id=holder.user_id,
    )
    exchange.state.grant(code)
    described: dict[str, Any] = {"id": code.code, "app_id": 12345, "created_at": code.created_at.isoformat()}
    return Reply.of_json({"data": described})


def challenge_for(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _verifies(code: Code, verifier: object) -> bool:
    if code.challenge is None:
        return True
    if not isinstance(verifier, str) or not verifier.isascii():
        return False
    challenge = challenge_for(verifier) if code.method == "S256" else verifier
    return secrets.compare_digest(challenge.encode(), code.challenge.encode())


def _consent(fields: Mapping[str, str]) -> Consent:
    callback = _callback(fields["callback_url"]) if fields.get("callback_url") else None
    challenge, method = fields.get("code_challenge") or None, fields.get("code_challenge_method") or "plain"
    if method not in _METHODS:
        raise BadRequest("Invalid code_challenge_method: it is S256 or plain.")
    if challenge is None and callback is None:
        raise BadRequest("Without callback_url, code_challenge is required.")
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        raise BadRequest("Invalid code_challenge.")
    label = fields.get("key_label") or (callback.hostname if callback else None) or "Key"
    if len(label) > _LONGEST_LABEL:
        raise BadRequest("key_label is too long.")
    reset = fields.get("limit_reset", "")
    if reset and reset not in _RESETS:
        raise BadRequest("Invalid limit_reset.")
    _money(fields.get("limit", ""))
    return Consent(callback, challenge, method, label, fields.get("state"), fields.get("limit", ""), reset)


def _callback(url: str) -> SplitResult:
    """An address that may be gone back to: https anywhere, or http on this machine, on any port."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise BadRequest("Invalid callback_url.") from None
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not (is_allowed and parts.hostname and port_is_fine):
        raise BadRequest("Invalid callback_url: it must be https, or http on localhost.")
    return parts


def _money(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        limit = Decimal(text.strip())
    except InvalidOperation:
        raise BadRequest("The limit is not an amount.") from None
    if not limit.is_finite() or limit < 0:
        raise BadRequest("The limit is not an amount.")
    return limit


def _person(name: str) -> str | None:
    """The OpenRouter user who consents; None is the simulator's own."""
    if not name:
        return None
    if not _PERSON.fullmatch(name):
        raise BadRequest("The account is user_ and 4 to 40 letters and digits.")
    return name


def _moment(text: object) -> datetime | None:
    """A time in UTC, as `expires_at` has to be."""
    if text in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise BadRequest("expires_at is no ISO 8601 time.") from None
    if moment.utcoffset() != timedelta(0):
        raise BadRequest("expires_at must be in UTC.")
    return moment


def _redirect(address: str) -> Reply:
    return Reply(303, b"", {"location": address, **_PAGE_HEADERS})
