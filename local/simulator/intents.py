"""What somebody who edits a picture means: sentences in, intentions out. No model, only words."""

import re
from dataclasses import dataclass, replace

from local.simulator.languages import ALSO, COLOURS, LITTLE, LOT, PAINTED

LOCAL, PAINT, HISTORY = "local", "paint", "history"
# How much "a little" and "a lot" are of the usual amount.
_LITTLE = re.compile(rf"\b(?:{LITTLE})\b", re.IGNORECASE)
_LOT = re.compile(rf"\b(?:{LOT})\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\d:])(-?\d+(?:\.\d+)?)(?![\d:])\s*(?:%|percent|degrees|°|px|pixels)?", re.IGNORECASE)
_RATIO = re.compile(r"\b(\d{1,2}:\d{1,2})\b")
_QUOTED = re.compile(r"[\"“„«‘']([^\"“”„«»‘’']{1,80})[\"”“»’']")
_FORMAT = re.compile(r"\b(png|jpe?g|webp)\b", re.IGNORECASE)


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


_TEMPERATURE = "color_temperature color_temperature white_balance warmth warm_cool"
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
    _local(
        r"blur\w*\b.{0,12}\bbackground\b|background\b.{0,12}\bblur\w*\b",
        "background_blur",
        "bokeh",
        "I blurred what is behind.",
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
        r"(?:white|black|blue|red)\b.{0,4}\bbackground\b|background\b.{0,12}\b(?:white|black|blue|red)\b",
        "replace_background",
        "background",
        "I replaced the background.",
        None,
        "white",
    ),
    _local(
        r"(?:remove|erase|cut out|transparent|no)\b.{0,24}\bbackground\b|cut (?:it|out)\b",
        "remove_background",
        "background_removal cutout cut_out matte",
        "I removed the background.",
    ),
    _local(r"resize\b|smaller\b|scale\b|shrink\b", "resize", "scale", "I resized it.", 50),
    _local(r"border\b|frame\b", "border", "frame pad", "I put a border around it.", 5),
    _local(r"invert\w*\b|negative\b", "invert", "negative", "I inverted the colours."),
    _local(r"(?:write|caption|add the text)\b", "text", "caption lettering", "I wrote that on it.", None, "text"),
    _local(r"round\w* (?:the )?corners\b", "rounded_corners", "round_corners", "I rounded its corners."),
    _local(r"(?:film )?grain\b", "grain", "noise film_grain", "I added grain."),
    _local(r"denoise\b|less noise\b|noise reduction\b", "denoise", "noise_reduction", "I took the noise out."),
    _local(r"white balance\b|colou?r cast\b", "white_balance", "auto_white_balance", "I balanced the colours."),
    _local(r"(?:as|to|into) (?:a )?(?:png|jpe?g|webp)\b", "convert", "format", "I converted it.", None, "png"),
    _Pattern(
        r"undo\b|go back\b|revert\b|take (?:that|it) back\b",
        Intent("undo", HISTORY, ("undo", "revert", "back"), "I took the last change back."),
    ),
    _Pattern(r"redo\b|do it again\b", Intent("redo", HISTORY, ("redo", "forward"), "I did it again.")),
]
_PAINTED = re.compile(
    r"\b(?:watercolou?r|painting|sketch|cartoon|anime|oil|pencil|style|van gogh|monet|snow\w*|night|sunset|autumn|"
    r"winter|fog\w*|rain\w*|add|put|replace|turn (?:it|this|him|her|them) into|make (?:him|her|them)|remove|erase|"
    rf"generate|paint|draw|imagine|change|wearing|swap|extend|{PAINTED})\b",
    re.IGNORECASE,
)
_TONED = re.compile(r"turn \w+ into (?=(?:a )?(?:black|gr[ae]y|sepia|vintage|monochrome))", re.IGNORECASE)
# What is added or removed by operations, though the words are those of painting.
_NOT_PAINTED = frozenset(
    ("remove_background", "replace_background", "background_blur", "text", "border", "grain", "vignette", "convert")
)
PAINT_NAMES = (
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


# One wish in two ways of saying it: what is found first says all.
_SAYS_MORE = {
    "blur": {"background_blur"},
    "remove_background": {"replace_background"},
    "grayscale": {"replace_background"},
}


def intents(text: str) -> list[Intent]:
    """What a sentence asks for, in the order in which it does."""
    found: list[tuple[int, Intent]] = []
    for pattern in _PATTERNS:
        match = re.search(rf"\b(?:{_in_all_languages(pattern)})", text, re.IGNORECASE)
        known = {intent.kind for _, intent in found}
        if match and pattern.intent.kind not in known and not (_SAYS_MORE.get(pattern.intent.kind, set()) & known):
            found.append((match.start(), _measured(pattern.intent, text)))
    chosen = [intent for _, intent in sorted(found, key=lambda each: each[0])]
    if any(intent.does == HISTORY for intent in chosen):
        return [intent for intent in chosen if intent.does == HISTORY][:1]
    if _PAINTED.search(_TONED.sub("", text)) and not any(intent.kind in _NOT_PAINTED for intent in chosen):
        chosen.append(Intent("generate", PAINT, PAINT_NAMES, "I painted that.", mode=text.strip()))
    return chosen


def _in_all_languages(pattern: _Pattern) -> str:
    """The words, in English and with a number of others."""
    intent = pattern.intent
    ways = ("" if intent.amount is None else "+" if intent.amount > 0 else "-", intent.mode or "", "")
    also = next((ALSO[intent.kind, way] for way in ways if (intent.kind, way) in ALSO), None)
    return f"{pattern.words}|{also}" if also else pattern.words


def _measured(intent: Intent, text: str) -> Intent:
    """With the amount and the way that the words give."""
    amount, mode, names = intent.amount, intent.mode, intent.names
    if intent.kind == "crop":
        ratio = _RATIO.search(text)
        square = re.search(r"square|quadrat|cuadrad|carr[eé]", text, re.IGNORECASE)
        mode = ratio[1] if ratio else "1:1" if square else mode
        names = ("crop_to_subject", *names) if mode == "subject" else names
    elif intent.kind == "text":
        quoted = _QUOTED.search(text)
        mode = quoted[1] if quoted else mode
    elif intent.kind == "replace_background":
        mode = next((name for name, words in COLOURS.items() if re.search(words, text, re.IGNORECASE)), mode)
    elif intent.kind == "convert":
        given = _FORMAT.search(text)
        mode = given[1].lower().replace("jpg", "jpeg") if given else mode
    elif amount is not None:
        number = _NUMBER.search(text)
        if number:
            amount = abs(float(number[1])) * (1 if amount > 0 else -1)
            mode = "width" if intent.kind == "resize" and "px" in number[0].lower() + text.lower() else mode
        elif _LITTLE.search(text):
            amount /= 2
        elif _LOT.search(text):
            amount *= 2
    return replace(intent, amount=amount, mode=mode, names=names)
