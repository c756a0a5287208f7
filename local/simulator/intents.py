"""What somebody who edits a picture means: sentences in, intentions out. No model, only words."""

import re
from dataclasses import dataclass

LOCAL, PAINT, HISTORY = "local", "paint", "history"
# How much "a little" and "a lot" are of the usual amount.
_LITTLE = re.compile(r"\b(?:slightly|a (?:bit|little|touch)|subtly|somewhat)\b", re.IGNORECASE)
_LOT = re.compile(r"\b(?:much|a lot|very|really|far|strongly|way)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:%|percent|degrees|°|px|pixels)?", re.IGNORECASE)
_RATIO = re.compile(r"\b(\d{1,2}:\d{1,2})\b")


@dataclass(frozen=True)
class Intent:
    """One thing to do.

    Args:
        kind: such as "temperature" or "crop".
        does: "local", "paint", or "history".
        names: what operations of that kind are called, the likeliest first.
        amount: from -100 to 100, or degrees.
        said: a sentence that tells the user.
        mode: which of several ways, such as "horizontal" or "subject".
    """

    kind: str
    does: str
    names: tuple[str, ...]
    said: str
    amount: float | None = None
    mode: str | None = None


@dataclass(frozen=True)
class _Pattern:
    words: str
    intent: Intent


def _local(
    words: str, kind: str, also: str, said: str, amount: float | None = None, mode: str | None = None
) -> _Pattern:
    return _Pattern(words, Intent(kind, LOCAL, (kind, *also.split()), said, amount, mode))


_TEMPERATURE = "color_temperature colour_temperature white_balance warmth warm_cool"
_GRAYSCALE = "greyscale black_and_white monochrome desaturate saturation"
_VINTAGE = "sepia film preset filter look tone color_grade"
_PATTERNS: list[_Pattern] = [
    _local(r"warm(?:er|th|s|ed)?\b", "temperature", _TEMPERATURE, "I made it warmer.", 20),
    _local(r"cool(?:er)?\b|colder\b", "temperature", _TEMPERATURE, "I made it cooler.", -20),
    _local(r"bright(?:er|en)?\b|lighter\b|lighten\b", "brightness", "exposure light gamma", "I made it brighter.", 20),
    _local(r"dark(?:er|en)?\b", "brightness", "exposure light gamma", "I made it darker.", -20),
    _local(
        r"(?:more|higher|increase\w*|raise|boost)\b.{0,12}\bcontrast\b|punchier\b",
        "contrast",
        "levels curves",
        "I raised the contrast.",
        20,
    ),
    _local(
        r"(?:less|lower|reduce|decrease|soften)\b.{0,12}\bcontrast\b",
        "contrast",
        "levels curves",
        "I lowered the contrast.",
        -20,
    ),
    _local(
        r"(?:more |higher )?(?:saturat\w+|vivid|vibrant|colou?rful)\b",
        "saturation",
        "vibrance color colour",
        "I made the colours stronger.",
        25,
    ),
    _local(
        r"(?:less|fewer|reduce|mute)\w*\b.{0,12}\b(?:saturation|colou?rs?)\b|muted\b|desaturate\b",
        "saturation",
        "vibrance color colour",
        "I muted the colours.",
        -25,
    ),
    _local(
        r"black.(?:and|&).white\b|b&w\b|gr[ae]y\s?scale\b|monochrome\b",
        "grayscale",
        _GRAYSCALE,
        "It is black and white now.",
    ),
    _local(
        r"vintage\b|retro\b|sepia\b|old photo\w*\b|film look\b|nostalgic\b",
        "vintage",
        _VINTAGE,
        "I gave it a vintage look.",
        60,
        "vintage",
    ),
    _local(
        r"sharp(?:en|er)?\b|crisper\b",
        "sharpen",
        "sharpness unsharp unsharp_mask detail clarity",
        "I sharpened it.",
        50,
    ),
    _local(r"blur\w*\b|soft focus\b", "blur", "gaussian_blur soften", "I blurred it.", 40),
    _local(r"vignette\b", "vignette", "darken_edges", "I darkened the edges.", 40),
    _local(
        r"crop\b|square\b|zoom in\b|tighter\b",
        "crop",
        "smart_crop crop_to_subject trim",
        "I cropped it.",
        None,
        "subject",
    ),
    _local(
        r"rotate\b.*\b(?:left|counter)|turn\b.*\bleft\b",
        "rotate",
        "rotation turn",
        "I turned it to the left.",
        -90,
        "left",
    ),
    _local(r"rotate\b|turn\b.*\bright\b|turn it\b|upside", "rotate", "rotation turn", "I turned it.", 90, "right"),
    _local(r"straighten\b", "straighten", "rotate rotation", "I straightened it.", 2),
    _local(r"flip\b.*\bvertical\w*|upside down\b", "flip", "mirror", "I flipped it vertically.", None, "vertical"),
    _local(r"flip\b|mirror\w*\b", "flip", "mirror", "I mirrored it.", None, "horizontal"),
    _local(
        r"(?:remove|erase|cut out|transparent|no)\b.{0,24}\bbackground\b|cut (?:it|out)\b",
        "remove_background",
        "background_removal cutout cut_out matte",
        "I removed the background.",
    ),
    _local(r"resize\b|smaller\b|scale\b|shrink\b", "resize", "scale", "I resized it.", 50),
    _local(r"border\b|frame\b", "border", "frame pad", "I put a border around it.", 5),
    _local(r"invert\w*\b|negative\b", "invert", "negative", "I inverted the colours."),
    _Pattern(
        r"undo\b|go back\b|revert\b|take (?:that|it) back\b",
        Intent("undo", HISTORY, ("undo", "revert", "back"), "I took the last change back."),
    ),
    _Pattern(r"redo\b|do it again\b", Intent("redo", HISTORY, ("redo", "forward"), "I did it again.")),
]
_PAINTED = re.compile(
    r"\b(?:watercolou?r|painting|sketch|cartoon|anime|oil|pencil|style|van gogh|monet|snow\w*|night|sunset|autumn|"
    r"winter|fog\w*|rain\w*|add|put|replace|turn (?:it|this|him|her|them) into|make (?:him|her|them)|remove|erase|"
    r"generate|paint|draw|imagine|change|wearing|swap|extend)\b",
    re.IGNORECASE,
)
_PAINT_NAMES = (
    "generate",
    "paint",
    "generative",
    "generative_edit",
    "edit_image",
    "edit",
    "image",
    "repaint",
    "inpaint",
)


def intents(text: str) -> list[Intent]:
    """What a sentence asks for, in the order in which it does."""
    found: list[tuple[int, Intent]] = []
    for pattern in _PATTERNS:
        match = re.search(rf"\b(?:{pattern.words})", text, re.IGNORECASE)
        if match and pattern.intent.kind not in {intent.kind for _, intent in found}:
            found.append((match.start(), _measured(pattern.intent, text)))
    chosen = [intent for _, intent in sorted(found, key=lambda each: each[0])]
    if any(intent.does == HISTORY for intent in chosen):
        return [intent for intent in chosen if intent.does == HISTORY][:1]
    if _PAINTED.search(text) and not any(intent.kind == "remove_background" for intent in chosen):
        chosen.append(Intent("generate", PAINT, _PAINT_NAMES, "I painted that.", mode=text.strip()))
    return chosen


def _measured(intent: Intent, text: str) -> Intent:
    """With the amount and the way that the words give."""
    amount, mode = intent.amount, intent.mode
    if intent.kind == "crop":
        ratio = _RATIO.search(text)
        mode = ratio[1] if ratio else "1:1" if "square" in text.lower() else mode
    elif amount is not None:
        number = _NUMBER.search(text)
        if number:
            amount = abs(float(number[1])) * (1 if amount > 0 else -1)
        elif _LITTLE.search(text):
            amount /= 2
        elif _LOT.search(text):
            amount *= 2
    return Intent(intent.kind, intent.does, intent.names, intent.said, amount, mode)
