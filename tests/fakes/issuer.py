"""OpenRouter's side of signing in, for tests of what we make of it. The real one is held to the same port elsewhere."""

import base64
import hashlib
from urllib.parse import urlencode

from darkroom.errors import DarkroomError, InvalidApiKey
from darkroom.models.key import KeyStatus, KeyTerms
from darkroom.ports import IssuedKey


class ScriptedOpenRouter:
    """Issues `key` for any code whose verifier fits a challenge, and `limited_key` for codes of `limited_code`.

    It raises `refusal` instead if there is one. Keys of `limited_code` keep their terms if `keeps_terms`.
    """

    console_url = "https://openrouter.ai/keys"

    def __init__(self) -> None:
        self.key = "sk-or-v1-" + "c0ffee" * 10
        self.user_id: str | None = "user_alice"
        self.refusal: DarkroomError | None = None
        self.key_refusal: DarkroomError | None = None
        self.limited_key = "sk-or-v1-" + "decade" * 10
        self.limit_refusal: DarkroomError | None = None
        self.keeps_terms = True
        self.refused_keys: set[str] = set()
        self.limited: dict[str, tuple[str, KeyTerms]] = {}
        self.proposed: list[KeyTerms] = []
        self.challenges: list[str] = []
        self.exchanges: list[tuple[str, str]] = []
        self.status = KeyStatus(label="sk-or-v1-c0f...fee", limit=5_000_000, limit_remaining=4_250_000)

    def authorize_url(
        self, *, callback_url: str | None, code_challenge: str, state: str | None, terms: KeyTerms
    ) -> str:
        self.challenges.append(code_challenge)
        self.proposed.append(terms)
        given = {"callback_url": callback_url, "code_challenge": code_challenge, "state": state}
        return "https://openrouter.example/auth?" + urlencode({k: v for k, v in given.items() if v is not None})

    def exchange(self, *, code: str, code_verifier: str) -> IssuedKey:
        self.exchanges.append((code, code_verifier))
        if self.refusal is not None:
            raise self.refusal
        fits = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        assert fits in self.challenges
        if code in self.limited:
            return IssuedKey(key=self.limited_key, user_id=self.user_id)
        return IssuedKey(key=self.key, user_id=self.user_id)

    def limited_code(self, key: str, terms: KeyTerms, *, callback_url: str, code_challenge: str) -> str:
        if self.limit_refusal is not None:
            raise self.limit_refusal
        self.challenges.append(code_challenge)
        code = f"auth_code_{len(self.limited)}"
        self.limited[code] = (key, terms)
        return code

    def inspect(self, key: str) -> KeyStatus:
        if self.key_refusal is not None:
            raise self.key_refusal
        if key in self.refused_keys:
            raise InvalidApiKey("It was removed.")
        if key == self.limited_key and self.limited and self.keeps_terms:
            terms = list(self.limited.values())[-1][1]
            given = {"limit": terms.limit, "limit_reset": terms.limit_reset, "expires_at": terms.expires_at}
            return self.status.model_copy(update={**given, "limit_remaining": terms.limit})
        return self.status
