"""Names that models for text had, or have elsewhere, and which models stand in for them today.

As `alias_table`: in lower case, without the names of libraries and makers that `aliases.normalise` takes away, and
without dates. None of the candidates makes pictures, and what was free of charge leads to what is free of charge alone.
"""

from typing import Final

from darkroom.services.catalogue.alias_table import Alias

_GPT: Final = ("openai/gpt-4o", "openai/gpt-5-mini", "openai/gpt-4o-mini")
_GPT_SMALL: Final = ("openai/gpt-4o-mini", "openai/gpt-5-mini", "openai/gpt-4o")
_OPUS: Final = ("anthropic/claude-opus-5.5", "anthropic/claude-opus-4.6", "anthropic/claude-sonnet-5.5")
_SONNET: Final = ("anthropic/claude-sonnet-5.5", "anthropic/claude-sonnet-4.6", "anthropic/claude-opus-4.6")
_HAIKU: Final = (
    *("anthropic/claude-haiku-5.5", "anthropic/claude-haiku-4.5"),
    *("anthropic/claude-sonnet-5.5", "anthropic/claude-opus-4.6"),
)
_FLASH: Final = (
    *("google/gemini-3-flash-preview", "google/gemini-3.8-flash", "google/gemini-3.7-flash"),
    "google/gemini-2.5-flash",
)
_LLAMA: Final = ("meta-llama/llama-3.3-70b-instruct", "openai/gpt-oss-120b", "openai/gpt-oss-20b")
_LLAMA_SMALL: Final = ("meta-llama/llama-3.1-8b-instruct", "openai/gpt-oss-20b", "meta-llama/llama-3.3-70b-instruct")
_OPEN_EYES: Final = (
    *("mistralai/mistral-medium-3.1", "mistralai/pixtral-12b", "qwen/qwen3.8-27b"),
    *("google/gemma-4-31b-it", "google/gemma-4-31b-it:free"),
)
_FREE: Final = (
    *("nvidia/nemotron-3-nano-30b-a3b:free", "google/gemma-4-26b-a4b-it:free", "google/gemma-4-31b-it:free"),
    "openrouter/free",
)
_FREE_EYES: Final = ("google/gemma-4-31b-it:free", "google/gemma-4-26b-a4b-it:free", "qwen/qwen3.8-27b:free")

CHAT_TABLE: Final = (
    Alias(
        ("google/gemini-3-flash-preview", "gemini-3-flash-preview", "gemini-3-flash", "google/gemini-3-flash"),
        _FLASH,
        "was a preview that is not offered here, or is the short name of one",
    ),
    Alias(
        ("google/gemini-2.5-flash", "gemini-2.5-flash", "gemini-2.0-flash", "google/gemini-2.0-flash"),
        ("google/gemini-2.5-flash", *_FLASH),
        "is not offered here",
    ),
    Alias(
        (
            *("google/gemini-2.0-flash-001", "google/gemini-flash-1.5", "gemini-1.5-flash", "gemini-flash"),
            *("gemini-2-flash", "google/gemini-2-flash"),
        ),
        ("google/gemini-2.5-flash", *_FLASH),
        "is not offered here",
    ),
    Alias(
        (
            *("google/gemini-pro", "gemini-pro", "google/gemini-pro-vision", "gemini-pro-vision"),
            *("google/gemini-pro-1.5", "gemini-1.5-pro"),
        ),
        ("google/gemini-3-pro-preview", "google/gemini-2.5-pro", *_FLASH),
        "is not offered here",
    ),
    Alias(
        ("anthropic/claude-opus-4.6", "claude-opus-4.6"),
        ("anthropic/claude-opus-4.6", *_OPUS),
        "is not offered here",
    ),
    Alias(
        (
            *("anthropic/claude-3-opus", "claude-3-opus", "anthropic/claude-opus-4", "claude-opus-4"),
            *("anthropic/claude-opus", "claude-opus", "claude-3-opus-latest"),
        ),
        _OPUS,
        "is not offered here; a later Opus is its successor",
    ),
    Alias(
        (
            *("anthropic/claude-3-sonnet", "claude-3-sonnet", "anthropic/claude-3.5-sonnet", "claude-3.5-sonnet"),
            *("anthropic/claude-3.7-sonnet", "claude-3.7-sonnet", "anthropic/claude-sonnet-4", "claude-sonnet-4"),
            *("anthropic/claude-sonnet", "claude-sonnet", "claude-3.5-sonnet-latest", "claude-3.7-sonnet-latest"),
        ),
        _SONNET,
        "is not offered here; a later Claude is its successor",
    ),
    Alias(
        (
            *("anthropic/claude-3-haiku", "claude-3-haiku", "anthropic/claude-3.5-haiku", "claude-3.5-haiku"),
            *("anthropic/claude-haiku", "claude-haiku", "claude-3.5-haiku-latest"),
        ),
        _HAIKU,
        "is not offered here; a later Claude is its successor",
    ),
    Alias(
        ("openai/gpt-4o", "gpt-4o", "openai/chatgpt-4o-latest", "chatgpt-4o-latest"),
        _GPT,
        "is not offered here",
    ),
    Alias(
        (
            *("openai/gpt-4", "gpt-4", "openai/gpt-4-turbo", "gpt-4-turbo", "openai/gpt-4-turbo-preview"),
            *("gpt-4-turbo-preview", "openai/gpt-4-vision-preview", "gpt-4-vision-preview", "gpt-4-32k"),
        ),
        _GPT,
        "is not offered here; GPT-4o is its successor",
    ),
    Alias(
        (
            *("openai/gpt-3.5-turbo", "gpt-3.5-turbo", "openai/gpt-3.5-turbo-16k", "gpt-3.5-turbo-16k"),
            *("openai/gpt-3.5", "gpt-3.5", "gpt-35-turbo"),
        ),
        _GPT_SMALL,
        "was shut down by OpenAI on 2026-10-23",
    ),
    Alias(
        ("mistralai/pixtral-large-2411", "pixtral-large-2411", "mistralai/pixtral-large", "pixtral-large-latest"),
        _OPEN_EYES,
        "is not offered here; an open model that sees stands in for it",
    ),
    Alias(
        (
            *("meta/llama-2", "meta-llama/llama-2", "llama-2", "llama2", "meta/llama-2-70b-chat"),
            *("meta-llama/llama-2-70b-chat", "llama-2-70b-chat", "meta/llama-3", "meta-llama/llama-3-70b-instruct"),
        ),
        _LLAMA,
        "is not offered here, and Llama's maker is written meta-llama; an open model stands in for it",
    ),
    Alias(
        (
            *("llama-3.3-70b-versatile", "meta-llama/llama-3.3-70b-versatile", "llama-3.3-70b-specdec"),
            *("llama3-70b-8192", "meta-llama/llama-3.3-70b-instruct", "llama-3.3-70b-instruct"),
        ),
        _LLAMA,
        "is Groq's name of a model, or is not offered here",
    ),
    Alias(
        (
            *("llama-3.1-8b-instant", "meta-llama/llama-3.1-8b-instruct", "llama3-8b-8192"),
            *("meta-llama/llama-3.2-3b-instruct", "llama-3.2-3b-instruct"),
        ),
        _LLAMA_SMALL,
        "is Groq's name of a model, or is not offered here",
    ),
    Alias(
        (
            *("openai/gpt-oss-20b:free", "meta-llama/llama-3.2-3b-instruct:free", "gpt-oss-20b:free"),
            *("mistralai/mistral-7b-instruct:free", "meta-llama/llama-3.3-70b-instruct:free"),
            *("llama-3.2-3b-instruct:free", "mistral-7b-instruct:free"),
        ),
        _FREE,
        "is not offered free of charge any more; another free model stands in for it",
    ),
    Alias(
        ("google/gemma-2-9b-it:free", "gemma-2-9b-it:free", "google/gemma-3-27b-it:free", "gemma-3-27b-it:free"),
        (*_FREE_EYES, *_FREE),
        "is not offered free of charge any more; another free model stands in for it",
    ),
)
