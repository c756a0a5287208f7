"""An operation's parameters, from the part of a sentence that speaks of it and from the operation's own fields."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from darkroom import operations
from darkroom.operations import _words
from local.simulator import values

# The parameter that a number without a name is for; the first that there is.
_MAIN: Final = ("amount", "temperature", "stops", "degrees", "angle", "gamma", "levels", "radius", "width", "feather")
_COLORED: Final = ("color", "fill", "background")
_CJK_DOWN: Final = re.compile(r"\b(?:down|below|unter)\b")
_TO: Final = re.compile(r"(?:\bto|\bauf|\ba|\bau?|\bal|到|至|成) ?(?:the )?\d")
_PER_CENT: Final = re.compile(r"\d ?(?:%|percent|per cent|prozent|pour ?cent|por ciento)|百分之")
_LEFT: Final = re.compile(
    r"\b(?:left|counter|anti ?clockwise|links|gegen|gauche|antihoraire|inverse|contraire|izquierda|antihorario|"
    r"contrario)\b|左|逆时针|反時計"
)
_ALL_OVER: Final = re.compile(
    r"all over|tile\w*|repeat\w*|across|everywhere|uberall|gekachelt|wiederhol\w*|ganze|partout|repet\w*|"
    r"mosaique|todas partes|toda la|"
    r"mosaico|repetid\w*|平铺|铺满|满屏|全图|重复|全体|敷き詰め|繰り返|全面|一面"
)
_DARK: Final = re.compile(r"black|schwarz\w*|noir|negro|negra|黑|黒|ブラック")
_LIGHT: Final = re.compile(r"white|weiss\w*|blanc\w*|白|ホワイト")
_SQUARE: Final = re.compile(r"\bsquare|quadrat|\bcarre|cuadrad|正方形|方形|スクエア")
_LONGEST: Final = re.compile(r"long\w*|lang\w*|grand cote|larg[oa]|mayor|长边|最长|長辺|長い|边长")
_HEIGHT: Final = re.compile(r"\b(?:high|height|tall|hoch|hohe|haut\w*|alt[oa]|altura)\b|高")
_VERTICAL: Final = re.compile(r"vertical\w*|vertikal\w*|senkrecht|upside down|top|oben|haut|arriba|上下|垂直|縦")
_GROW: Final = 100.0
_SHADOWS: Final = re.compile(r"shadow\w*|tiefen|schatten|ombres|sombras|暗部|阴影|シャドウ|シャドー|暗い")
_FADED: Final = re.compile(r"fade\w*|matt\w*|verblass\w*|delav\w*|褪|マット")
_LIFTED: Final = [{"input": 0, "output": 20}, {"input": 64, "output": 84}]
_QUALITY: Final = re.compile(
    r"(?:quality|qualitat|qualite|calidad|质量|品質|画質|画质)\D{0,8}(\d{1,3})|(\d{1,3}) ?%? ?(?:quality|"
    r"qualitat|qualite|calidad)"
)


@cache
def _fields(name: str) -> Mapping[str, Any]:
    """The schemas of an operation's parameters."""
    fields: Mapping[str, Any] = operations.load(name).model_json_schema()["properties"]
    return fields


def filled(way: _words.Way, scope: str, quoted: str | None, beside: str) -> dict[str, Any]:
    """The parameters that are said or implied; the others have their defaults.

    Args:
        scope: all that is said of the operation.
        beside: the same without the words that name it.
    """
    fields = _fields(way.op)
    given = dict(way.sets)
    special: Callable[[dict[str, Any], str], None] | None = _SPECIAL.get(way.op)
    if special is not None:
        special(given, scope)
    else:
        _number(given, fields, scope, beside)
    _colored(given, fields, scope)
    if "position" in fields and (place := values.position(scope)):
        given["position"] = place
    if "text" in fields:
        given["text"] = quoted or _unquoted(scope)
    if "ratio" in fields and (ratio := values.ratio(scope)):
        given["ratio"] = ratio
    if way.op == "crop" and not given:
        given = {"left": 10, "top": 10, "width": 80, "height": 80}
    if "tile" in fields and _ALL_OVER.search(scope):
        given["tile"] = True
    return {name: _within(value, fields.get(name, {})) for name, value in given.items() if name in fields}


def _within(value: Any, field: Mapping[str, Any]) -> Any:
    """A number in its range, and whole where it has to be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    kinds = [field, *field.get("anyOf", ())]
    low = next((each["minimum"] for each in kinds if "minimum" in each), None)
    high = next((each["maximum"] for each in kinds if "maximum" in each), None)
    value = min(value, high) if high is not None else value
    value = max(value, low) if low is not None else value
    return round(value) if any(each.get("type") == "integer" for each in kinds) else round(float(value), 4)


def _number(given: dict[str, Any], fields: Mapping[str, Any], scope: str, beside: str) -> None:
    """A number, or how much in words, for the main parameter."""
    name = next((each for each in given if each in _MAIN), None) or next(
        (each for each in _MAIN if each in fields), None
    )
    if name is None:
        return
    usual = given.get(name)
    said = values.numbers(scope)
    if said:
        number = said[0]
        is_negative = isinstance(usual, int | float) and usual < 0
        given[name] = number if values.signed(scope) else abs(number) * (-1 if is_negative else 1)
    elif isinstance(usual, int | float) and name in ("amount", "temperature", "tint"):
        is_little, is_much = (re.search(words, beside) for words in (values.LITTLE, values.LOT))
        given[name] = usual / 2 if is_little else usual * 2 if is_much else usual


def _colored(given: dict[str, Any], fields: Mapping[str, Any], scope: str) -> None:
    named = values.colors(scope)
    for name in _COLORED:
        if name in fields and named:
            is_gradient = name == "background" and (
                len(named) > 1 and re.search(r"gradient|verlauf|degrad|渐变|グラデ", scope) is not None
            )
            given[name] = f"linear-gradient(180deg, {', '.join(named[:2])})" if is_gradient else named[0]
            if name == "background" and not is_gradient and re.search(r"gradient|verlauf|degrad|渐变|グラデ", scope):
                given[name] = f"linear-gradient(180deg, {named[0]}, white)"
            return
    if "background" in given and re.search(r"gradient|verlauf|degrad|渐变|グラデ", scope):
        given["background"] = "linear-gradient(180deg, white, lightgray)"


def _unquoted(scope: str) -> str:
    """What is to be written, where it is not in quotes: what follows the word for it, or a word that says so."""
    found = re.search(
        r"(?:says?|saying|reads?|write|with the (?:text|words)|text|caption|steht|schreib\w*|ecris|texte|"
        r"avec le texte|diga|escribe|texto|写上|写着|写|水印|文字|の文字)"
        r"[ :：]+(?!to\b|on\b|at\b|in\b|auf\b|en\b)([^,.，。]{2,60}?)"
        r"(?=$|[,.，。]| (?:at|in|on|to|across|near) (?:the|top|bottom|left|right|center)\b|"
        r" (?:oben|unten|en haut|en bas|arriba|abajo)\b)",
        scope,
    )
    return found[1].strip() if found else "Darkroom"


def _angle(given: dict[str, Any], scope: str) -> None:
    numbers = values.numbers(scope)
    turn = given.get("angle", 90)
    if numbers:
        turn = numbers[0] if numbers[0] < 0 else abs(numbers[0]) * (-1 if _LEFT.search(scope) else 1)
    elif _LEFT.search(scope) and abs(turn) == 90:
        turn = -90
    given["angle"] = turn


def _straight(given: dict[str, Any], scope: str) -> None:
    numbers = [each for each in values.numbers(scope) if abs(each) <= 45]
    if numbers:
        given["angle"] = numbers[0] if values.signed(scope) or not _LEFT.search(scope) else -abs(numbers[0])


def _stops(given: dict[str, Any], scope: str) -> None:
    numbers = values.numbers(scope)
    stops = given.get("stops", 1)
    size = abs(numbers[0]) if numbers else values.worded(scope)
    if size is not None:
        is_down = (numbers and numbers[0] < 0) or (stops < 0 and not (numbers and re.search(r"\+\d", scope)))
        # Per cent of light are no stops.
        size = size / 100 if _PER_CENT.search(scope) else size
        given["stops"] = -size if is_down else size
    elif re.search(values.LITTLE, scope):
        given["stops"] = stops / 2


def _resize(given: dict[str, Any], scope: str) -> None:
    numbers = [each for each in values.numbers(scope) if each > 0]
    usual = float(given.pop("scale", 50))
    both = values.size(scope)
    if both:
        given.update(width=both[0], height=both[1])
    elif numbers and not _PER_CENT.search(scope) and numbers[0] >= 16:
        side = int(numbers[0])
        if _SQUARE.search(scope):
            given.update(width=side, height=side, mode="fill")
        elif _LONGEST.search(scope):
            given["longest_side"] = side
        else:
            given["height" if _HEIGHT.search(scope) else "width"] = side
    elif numbers and _PER_CENT.search(scope):
        per_cent = numbers[0]
        if usual > _GROW:
            given["scale"] = per_cent if per_cent > _GROW or _TO.search(scope) else _GROW + per_cent
        else:
            given["scale"] = per_cent if per_cent >= _GROW or _TO.search(scope) or per_cent == 50 else _GROW - per_cent
            if not re.search(r"small|klein|shrink|redui|reduc|petit|peque|缩|小|down|by |um ", scope):
                given["scale"] = per_cent
    elif numbers and usual > _GROW:
        given["scale"] = numbers[0] * _GROW if numbers[0] < 16 else numbers[0]
    else:
        times = values.worded(scope) if usual > _GROW else None
        given["scale"] = times * _GROW if times and times > 1 else usual


def _levels(given: dict[str, Any], scope: str) -> None:
    for name, words in (("black", _DARK), ("white", _LIGHT)):
        found = words.search(scope)
        numbers = values.numbers(scope[found.end() :]) if found else []
        if numbers:
            given[name] = numbers[0]
    gamma = re.search(r"gamma\D{0,8}(\d[.,]\d+)", scope)
    if gamma:
        given["gamma"] = float(gamma[1].replace(",", "."))
    if not given:
        given.update(black=10, white=245)


def _curves(given: dict[str, Any], scope: str) -> None:
    if _SHADOWS.search(scope) or _FADED.search(scope):
        given["points"] = _LIFTED


def _format(given: dict[str, Any], scope: str) -> None:
    given["format"] = values.file_format(scope) or "png"
    found = _QUALITY.search(scope)
    numbers = values.numbers(scope)
    if found:
        given["quality"] = int(found[1] or found[2])
    elif numbers and given["format"] != "png" and 1 <= numbers[0] <= 100:
        given["quality"] = int(numbers[0])


def _tones(given: dict[str, Any], scope: str) -> None:
    number = next(iter(values.numbers(scope)), None) or values.worded(scope)
    given["levels"] = number if number and number >= 2 else 4


def _duotone(given: dict[str, Any], scope: str) -> None:
    named = [_HEX[each] for each in values.colors(scope) if each in _HEX]
    if len(named) > 1:
        given.update(shadows=named[0], highlights=named[1])


# Inks of these names, which print better than CSS's pure colors.
_HEX: Final = {
    name: f"#{value}"
    for name, value in re.findall(
        r"(\w+) (\w{6})",
        "white ffffff black 000000 red c8102e lightblue 8fd0ff navy 001f5b blue 1f4fd8 gray 808080 green 1e8c45 "
        "yellow ffdd33 orange ff8800 purple 6a2fa0 pink ff7bb5 brown 7a4a21 gold d4af37 silver c0c0c0 "
        "cyan 00c8e8 turquoise 30c8c0 beige f3e6cf magenta e0219a lightgray d3d3d3",
    )
}


def _direction(given: dict[str, Any], scope: str) -> None:
    if _VERTICAL.search(scope) and not re.search(r"horizontal|左右|水平", scope):
        given["direction"] = "vertical"


def _border(given: dict[str, Any], scope: str) -> None:
    numbers = values.numbers(scope)
    if numbers and _PER_CENT.search(scope):
        given["width"] = numbers[0]
    elif re.search(values.LOT, scope):
        given["width"] = 6
    elif re.search(r"thin|narrow|slim|schmal\w*|dunn\w*|fin\b|fine\b|mince|delgad|estrech|细|窄|細", scope):
        given["width"] = 1


def _replaced(given: dict[str, Any], scope: str) -> None:
    upload = re.search(r"(?:upl|job)_[\w/]+", scope)
    if upload:
        given.pop("background", None)
        given["image"] = upload[0]


def _nothing(given: dict[str, Any], scope: str) -> None:
    """No number belongs to it."""


_SPECIAL: Final[Mapping[str, Callable[[dict[str, Any], str], None]]] = {
    "border": _border,
    "convert": _format,
    "crop": _nothing,
    "crop_to_subject": _nothing,
    "curves": _curves,
    "duotone": _duotone,
    "exposure": _stops,
    "flip": _direction,
    "levels": _levels,
    "posterize": _tones,
    "refine_edges": _nothing,
    "replace_background": _replaced,
    "resize": _resize,
    "rotate": _angle,
    "straighten": _straight,
    "text": _nothing,
    "watermark": _nothing,
    "grain": _nothing,
    "drop_shadow": _nothing,
    "black_and_white": _nothing,
    "vintage": _nothing,
}
