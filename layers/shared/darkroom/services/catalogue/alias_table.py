"""Names that image models had, or were given elsewhere, and which models stand in for them today.

A name that is live is never looked up here. Names are in lower case and without `openrouter/`; of the candidates the
first that is live is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Alias:
    """Stand-ins for some names, and why they are needed: the end of a sentence that begins with the name."""

    names: tuple[str, ...]
    candidates: tuple[str, ...]
    reason: str


_FLUX: Final = ("black-forest-labs/flux.2-max", "black-forest-labs/flux.2-pro", "black-forest-labs/flux.2-klein-4b")
_OPENAI: Final = ("openai/gpt-image-2", "openai/gpt-image-2.6-sunburst", "openai/gpt-image-2.5-sunburst")
_SMALL: Final = ("black-forest-labs/flux.2-klein-4b", "black-forest-labs/flux-3-image-klein", "qwen/qwen-image-3")

_TABLE: Final = (
    Alias(
        (
            *("flux/kontext-max", "flux-kontext-max", "flux.1-kontext-max", "kontext-max"),
            *("black-forest-labs/flux-kontext-max", "black-forest-labs/flux.1-kontext-max"),
        ),
        _FLUX,
        "was never on OpenRouter; FLUX.2 is its successor",
    ),
    Alias(
        (
            *("flux/kontext-pro", "flux-kontext-pro", "flux.1-kontext-pro", "kontext-pro"),
            *("black-forest-labs/flux-kontext-pro", "black-forest-labs/flux.1-kontext-pro"),
        ),
        _FLUX[1:],
        "was never on OpenRouter; FLUX.2 is its successor",
    ),
    Alias(
        (
            *("stability-ai/stable-diffusion-xl", "stabilityai/stable-diffusion-xl", "stable-diffusion-xl", "sdxl"),
            *("stable-diffusion-xl-base-1.0", "stabilityai/stable-diffusion-xl-base-1.0", "stability-ai/sdxl"),
        ),
        _SMALL,
        "is not on OpenRouter; a small open model is nearest to it",
    ),
    Alias(
        ("janus-pro", "janus-pro-7b", "deepseek/janus-pro", "deepseek/janus-pro-7b", "deepseek-ai/janus-pro-7b"),
        ("qwen/qwen-image-3", *_SMALL),
        "is not on OpenRouter; another open model is nearest to it",
    ),
    Alias(
        ("gpt-image-1", "openai/gpt-image-1", "gpt-image-1.5", "openai/gpt-image-1.5"),
        (*_OPENAI, "openai/gpt-image-1-mini"),
        "was shut down by OpenAI on 2026-10-23",
    ),
    Alias(("chatgpt-image-latest", "openai/chatgpt-image-latest"), _OPENAI, "is not on OpenRouter under this name"),
    Alias(
        ("dall-e-3", "openai/dall-e-3", "dalle-3", "dall-e"),
        (*_OPENAI, "openai/gpt-image-1-mini"),
        "was retired by OpenAI on 2026-05-12",
    ),
    Alias(
        ("dall-e-2", "openai/dall-e-2", "dalle-2"),
        ("openai/gpt-image-1-mini", *_OPENAI),
        "was retired by OpenAI on 2026-05-12",
    ),
    Alias(
        ("midjourney-v6", "midjourney/midjourney-v6", "midjourney/v6", "midjourney"),
        ("krea/krea-2-large", "bytedance-seed/seedream-5-0-pro", "bytedance-seed/seedream-4.5", *_FLUX),
        "has no public API; a model with an artistic hand stands in for it",
    ),
    Alias(
        ("google/gemini-2.5-flash-image-preview", "gemini-2.5-flash-image-preview", "nano-banana"),
        ("google/gemini-2.5-flash-image", "google/gemini-3.1-flash-image"),
        "was a preview, or a nickname, of the model that is meant",
    ),
    Alias(
        ("google/gemini-3.1-flash-image-preview", "gemini-3.1-flash-image-preview", "nano-banana-2"),
        ("google/gemini-3.1-flash-image",),
        "was a preview, or a nickname, of the model that is meant",
    ),
    Alias(
        ("google/gemini-3-pro-image-preview", "gemini-3-pro-image-preview", "nano-banana-pro"),
        ("google/gemini-3-pro-image",),
        "was a preview, or a nickname, of the model that is meant",
    ),
)

ALIASES: Final[Mapping[str, Alias]] = MappingProxyType({name: alias for alias in _TABLE for name in alias.names})

# How the names of models for text begin, after their maker's name. An "image" further on says otherwise.
TEXT_FAMILIES: Final = (
    *("gpt-", "chatgpt-", "claude", "gemini", "gemma", "llama", "llama2", "meta-llama"),
    *("mistral", "mixtral", "ministral", "pixtral", "deepseek", "qwen", "command", "nemotron", "grok"),
)

# To be suggested to whom a nearer name cannot be: cheapest first, by the prices of November 2026.
INEXPENSIVE: Final = (
    "recraft/recraft-v4.1-flash",
    "black-forest-labs/flux.2-klein-4b",
    "openai/gpt-image-1-mini",
    "microsoft/mai-image-2.6-flash",
    "qwen/qwen-image-3",
    "google/gemini-2.5-flash-image",
    "bytedance-seed/seedream-4.5",
)
