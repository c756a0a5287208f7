"""What models are good for, by how their ids begin; the longest that fits. What they cost is nobody's to write here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from darkroom.models.model_row import Note

_ARTISTIC: Final = ("artistic",)
_LETTERING: Final = ("lettering",)

NOTES: Final[Mapping[str, Note]] = MappingProxyType(
    {
        "black-forest-labs/flux.2-klein": Note(
            "Many pictures for little money; quick drafts, simple edits.", "Fine lettering and hands."
        ),
        "black-forest-labs/flux.2": Note(
            "Photographs, and edits that keep what they were given.", "One picture a request; no transparency."
        ),
        "black-forest-labs/flux-3": Note("Photographs and detailed scenes.", "One picture a request."),
        "bytedance-seed/seedream": Note(
            "Large pictures with much in them, in a consistent style, from many references.",
            "What the larger sizes cost more does not follow from the price list alone.",
            _ARTISTIC,
        ),
        "google/gemini-2.5-flash-image": Note(
            "Edits in plain words that leave the rest alone; the same person again.", "About a megapixel, no tiers."
        ),
        "google/gemini-3.1-flash-image": Note(
            "Edits in plain words, from half a megapixel to 4K; lettering.", "No transparency.", _LETTERING
        ),
        "google/gemini-3-pro-image": Note(
            "Diagrams, infographics, long lettering; many references.", "Among the dearest.", _LETTERING
        ),
        "krea/krea-2": Note("Illustration and mood, with an artistic hand.", "One reference at most.", _ARTISTIC),
        "openai/gpt-image-1-mini": Note(
            "Transparent pictures for little money; several at once.", "Square, 3:2 and 2:3 alone."
        ),
        "openai/gpt-image-2": Note(
            "Following long instructions exactly; lettering; several pictures at once.",
            "No transparency; high quality takes its time and its price.",
            _LETTERING,
        ),
        "qwen/qwen-image": Note("Lettering in English and Chinese; posters.", "", _LETTERING),
        "recraft/": Note("Design: brand styles, icons, posters.", "One reference at most.", (*_ARTISTIC, *_LETTERING)),
        "microsoft/mai-image": Note("Photographs, quickly.", "Little is known of its habits."),
        "sourceful/riverflow": Note("Products and packaging, kept as they are.", "Fonts cost extra."),
        "x-ai/grok-imagine": Note("Lively pictures, quickly.", "Two qualities, up to 2K."),
        "meta/muse-image": Note("Trying it out.", "Publishes neither what it takes nor what it costs."),
        "google/gemini-3-flash-preview": Note(
            "Conversations about a picture: sees well, plans well, answers quickly.", "A preview: its id may move."
        ),
        "google/gemini-2.5-flash": Note("Conversations about a picture, for less.", "Plans long edits less well."),
        "anthropic/claude-opus": Note(
            "The hardest edits and the longest conversations.", "Several times as dear as the default."
        ),
        "anthropic/claude-sonnet": Note("Careful planning at a medium price."),
        "anthropic/claude-haiku": Note("Quick turns with good judgement."),
        "openai/gpt-4o-mini": Note("Cheap words.", "Pictures that it is shown count for many tokens."),
        "openai/gpt-oss": Note("Words alone, with open weights.", "Sees no pictures."),
        "openai/gpt-4o": Note("Conversations about a picture, by a model of known habits.", "Newer ones plan better."),
        "openai/gpt-5": Note(
            "Conversations about a picture in good prose.", "Thinks before it answers, and is slower."
        ),
        "openai/gpt-5.1-chat": Note(
            "Conversations about a picture in good prose, without a long wait.",
            "Its answers cost several times its questions.",
        ),
        "google/gemini-2.5-pro": Note("Long or difficult edits.", "Thinks before it answers, and is slower."),
        "google/gemini-3": Note("Conversations about a picture: sees well, plans well.", "Some are previews."),
        "google/gemma": Note(
            "Looking at pictures with open weights, from a model of middle size.", "Plans long edits less well."
        ),
        "google/gemma-4-31b-it:free": Note(
            "Trying out conversations about a picture without paying.",
            "Free ones are limited to few requests a day, and may be busy.",
        ),
        "google/gemma-4-26b-a4b-it:free": Note(
            "Trying out conversations about a picture without paying, and quickly.",
            "Free ones are limited to few requests a day, and may be busy.",
        ),
        "meta-llama/": Note("Words alone, with open weights.", "Sees no pictures."),
        "meta-llama/llama-3.3-70b-instruct": Note(
            "Words alone, in several languages, with open weights; very quick at Groq.",
            "Sees no pictures, so it plans edits blindly.",
        ),
        "meta-llama/llama-3.1-8b-instruct": Note(
            "Short words alone for next to nothing, with open weights.", "Sees no pictures; plans poorly."
        ),
        "mistralai/": Note("Looking at pictures, by a European maker.", "Plans long edits less well."),
        "nvidia/nemotron-3-nano": Note("Quick words alone, with open weights.", "Sees no pictures."),
        "nvidia/nemotron-3-nano-30b-a3b:free": Note(
            "Trying out chat without paying; quick words alone, with open weights.",
            "Sees no pictures. Free ones are limited to few requests a day, and may be busy.",
        ),
        "qwen/qwen3": Note(
            "Conversations about a picture with open weights; many languages.",
            "Thinks before it answers, which is paid for, too.",
        ),
        "openrouter/free": Note(
            "Whoever does not want to pay, or to choose.", "Limited to few requests a day; which model answers is luck."
        ),
        "openrouter/auto": Note("Whoever does not want to choose.", "What it costs is known afterwards."),
    }
)


def note_of(model: str) -> Note | None:
    found = max((prefix for prefix in NOTES if model.startswith(prefix)), key=len, default=None)
    return NOTES[found] if found else None
