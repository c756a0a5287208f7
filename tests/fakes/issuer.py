"""OpenRouter's side of signing in, for tests of what we make of it. The real one is held to the same port elsewhere."""

import base64
import hashlib
from urllib.parse import urlencode

from darkroom.errors import DarkroomError
from darkroom.models.provider_key import KeyStatus
from darkroom.ports import IssuedKey


class ScriptedOpenRouter:
    """Issues `key` for any code whose verifier fits a challenge; raises `refusal` instead if there is one."""

    console_url = "https://openrouter.ai/keys"

    def __init__(self) -> None:
        self.key = "sk-or-v1-" + "c0ffee" * 10
        self.user_id: str | None = "user_alice"
        self.refusal: DarkroomError | None = None
        self.key_refusal: DarkroomError | None = None
        self.challenges: list[str] = []
        self.exchanges: list[tuple[str, str]] = []
        self.status = KeyStatus(label="sk-or-v1-c0f...fee", limit=5_000_000, limit_remaining=4_250_000)

    def authorize_url(self, *, callback_url: str | None, code_challenge: str, state: str | None) -> str:
        self.challenges.append(code_challenge)
        given = {"callback_url": callback_url, "code_challenge": code_challenge, "state": state}
        return "https://openrouter.example/auth?" + urlencode({k: v for k, v in given.items() if v is not None})

    def exchange(self, *, code: str, code_verifier: str) -> IssuedKey:
        self.exchanges.append((code, code_verifier))
        if self.refusal is not None:
            raise self.refusal
        fits = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        assert fits in self.challenges
        return IssuedKey(key=self.key, user_id=self.user_id)

    def inspect(self, key: str) -> KeyStatus:
        if self.key_refusal is not None:
            raise self.key_refusal
        return self.status
