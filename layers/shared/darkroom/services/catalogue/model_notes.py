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
        "openrouter/auto": Note("Whoever does not want to choose.", "What it costs is known afterwards."),
    }
)


def note_of(model: str) -> Note | None:
    found = max((prefix for prefix in NOTES if model.startswith(prefix)), key=len, default=None)
    return NOTES[found] if found else None
