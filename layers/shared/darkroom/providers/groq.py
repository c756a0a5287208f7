"""Groq: other makers' open models, served quickly. Conversations, with pictures to look at where the model has eyes.

A request with pictures in it may have 4 MB, which is said before it is sent. Not every model follows a schema, but each
calls tools, so plans are asked for as a call of a tool. https://console.groq.com/docs/vision
"""

from typing import Final

from darkroom.ports import Provider
from darkroom.providers._openai_like import OpenAiLike
from darkroom.providers._openai_like_chat import Dialect
from darkroom.providers._settings import ProviderSettings

# The catalogue's names, and Groq's. One that Groq has given up meanwhile is refused there, for nothing.
_NAMES: Final = {
    "meta-llama/llama-3.1-8b-instruct": "llama-3.1-8b-instant",
    "meta-llama/llama-3.3-70b-instruct": "llama-3.3-70b-versatile",
    "meta-llama/llama-4-maverick": "meta-llama/llama-4-maverick-17b-128e-instruct",
    "meta-llama/llama-4-scout": "meta-llama/llama-4-scout-17b-16e-instruct",
    "moonshotai/kimi-k2-0905": "moonshotai/kimi-k2-instruct-0905",
    "openai/gpt-oss-120b": "openai/gpt-oss-120b",
    "openai/gpt-oss-20b": "openai/gpt-oss-20b",
    "openai/gpt-oss-safeguard-20b": "openai/gpt-oss-safeguard-20b",
    "qwen/qwen3-32b": "qwen/qwen3-32b",
    "qwen/qwen3.6-27b": "qwen/qwen3.6-27b",
    "qwen/qwen3.8-27b": "qwen/qwen3.8-27b",
}


def connect(settings: ProviderSettings | None = None) -> Provider:
    return Groq(settings)


class Groq(OpenAiLike):
    name = "groq"
    title = "Groq"
    console_url = "https://console.groq.com/keys"
    origin = "https://api.groq.com"
    makers: frozenset[str] = frozenset()
    sources = frozenset({"groq"})
    path = "/openai/v1"
    dialect = Dialect(schema_by_tool=True)
    most_bytes = 4 * 1024 * 1024

    def serves(self, model: str) -> str | None:
        return _NAMES.get(model)
