"""Values in a sentence: colors, numbers, sizes, places and formats, in the languages that operations have words in."""

import re
from typing import Final

# A sentence holds what was quoted in it by this, so that it is neither folded nor taken for words.
QUOTED: Final = "qqq"
_LATIN: Final = {
    "white": r"white|weiss\w*|reinweiss\w*|blanche?s?|blanc[oa]s?|blancs?",
    "black": r"black|schwarz\w*|noire?s?|negr[oa]s?",
    "red": r"red|rote?[nrsm]?|rouges?|roj[oa]s?",
    "lightblue": r"light blue|sky blue|hellblau\w*|bleu clair|bleu ciel|azul claro|celeste",
    "navy": r"navy blue|navy|dark blue|dunkelblau\w*|marineblau\w*|bleu marine|bleu fonce|azul marino|azul oscuro",
    "blue": r"blue|blau\w*|bleue?s?|azul|azules",
    "lightgray": r"light gr[ae]y|hellgrau\w*|gris clair|gris claro",
    "gray": r"gr[ae]y|grau\w*|gris|grises",
    "green": r"green|grun\w*|verte?s?|verdes?",
    "yellow": r"yellow|gelb\w*|jaunes?|amarill[oa]s?",
    "orange": r"orange\w*|naranjas?|anaranjad\w+",
    "purple": r"purple|violet\w*|lila|morad[oa]s?|purpura",
    "pink": r"pink\w*|rosa\w*|roses?",
    "brown": r"brown|braun\w*|marrons?|brune?s?",
    "gold": r"gold|golden\w*|dore\w*|dorad[oa]s?",
    "silver": r"silver|silber\w*|argente?s?|platead[oa]s?",
    "turquoise": r"turquoise|teal|turkis\w*|turquesa",
    "beige": r"beige\w*|cream|creme\w*|crema",
    "cyan": r"cyan|cian",
    "magenta": r"magenta|fuchsia|fucsia",
}
_CJK: Final = {
    "white": "纯白|白色|白|ホワイト",
    "black": "纯黑|黑色|黑|黒色|黒|ブラック",
    "red": "红色|红|赤色|赤|レッド",
    "lightblue": "浅蓝色|浅蓝|淡蓝|天蓝色|天蓝|水色|空色",
    "navy": "深蓝色|深蓝|藏青|紺色|紺|ネイビー",
    "blue": "蓝色|蓝|青色|青|ブルー",
    "lightgray": "浅灰色|浅灰|淡灰|ライトグレー|薄いグレー",
    "gray": "灰色|灰|グレー",
    "green": "绿色|绿|緑色|緑|グリーン",
    "yellow": "黄色|黄|イエロー",
    "orange": "橙色|橙|橘色|橘|オレンジ色|オレンジ",
    "purple": "紫色|紫|パープル",
    "pink": "粉红色|粉红|粉色|粉|ピンク色|ピンク",
    "brown": "棕色|棕|褐色|茶色|ブラウン",
    "gold": "金色|ゴールド",
    "silver": "银色|銀色|シルバー",
    "beige": "米色|米白|ベージュ|クリーム色",
}
_HEX: Final = r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b"
_COLOR: Final = "|".join(
    [
        _HEX,
        *(rf"(?<![a-z])(?:{words})(?![a-z])" for words in _LATIN.values()),
        *(f"(?:{words})" for words in _CJK.values()),
    ]
)
NUMBER: Final = r"(?<![\d:.,#])[-+]?\d+(?:[.,]\d+)?(?![\d:])"
_END: Final = (
    r"(?=\s*$|\s*[.,;!?、，。！]|\s+(?:and|und|et|y|please|bitte|porfa\w*|por favor|s il|background|"
    r"backdrop|hintergrund\w*|setz\w*|stell\w*))"
)
_VALUES: Final = {
    "color": rf"(?:{_COLOR})",
    "only": rf"(?:(?:a|an|einen?|einem?|un|una|une|fond|fondo|pure|plain|solid|pur|puro|rein\w*|simple|"
    rf"uni)\s+)*(?:{_COLOR}){_END}",
    "number": NUMBER,
    "ratio": r"(?<![\d:])\d{1,2}\s?[:：]\s?\d{1,2}(?![\d:])",
    "size": r"\d{2,5}\s?(?:x|×|by|auf|par|por|乘)\s?\d{2,5}",
    "format": r"(?<![a-z])(?:png|jpe?g|webp)(?![a-z])",
    "quoted": QUOTED,
}
_SIDES: Final = (
    ("top", r"\b(?:top|upper|above|oben|ober\w*|haut|arriba|superior)\b|上"),
    ("bottom", r"\b(?:bottom|lower|below|underneath|unten|unter\w*|bas|abajo|inferior)\b|下|底"),
)
_ACROSS: Final = (
    ("left", r"\b(?:left|links|link\w+|gauche|izquierd[ao])\b|左"),
    ("right", r"\b(?:right|rechts|recht\w+|droite?|derech[ao])\b|右"),
)
_MIDDLE: Final = (
    r"\b(?:cent(?:er|re)\w*|middle|mitte|mittig|zentr\w*|milieu|centr[oa]\w*|medio)\b|中间|中央|中心|居中|真ん中"
)
LITTLE: Final = (
    r"\b(?:slightly|subtl\w+|somewhat|gentl\w+|bit|little|touch|tad|small|faint\w*|etwas|bisschen|bisserl|wenig|"
    r"leicht\w*|dezent\w*|"
    r"sanft\w*|peu|legere?\w*|subtil\w*|poco|ligera\w*|algo|suave\w*|poquito|pelin|tick)\b|一点|稍|略|微|一些|"
    r"点儿|少し|ちょっと|すこし|やや|軽く|ほんのり|わずか|控えめ"
)
LOT: Final = (
    r"\b(?:much|lot|very|really|far|strong\w*|way|heavil\w*|dramatic\w*|viel|sehr|deutlich|stark\w*|kraftig|"
    r"richtig|beaucoup|tres|bien plus|"
    r"fort\w*|mucho|muy|bastante|fuerte\w*|thick|wide|breit\w*|dick\w*|epais\w*|grues[oa])\b|很多|非常|大幅|"
    r"特别|强烈|大大|かなり|とても|大幅|もっと|すごく|強く|太い|粗"
)
_WORDED: Final = (
    (r"\b(?:half|halbe?\w*|demi|medio|media|moitie|mitad)\b|半", 0.5),
    (r"\b(?:two|zwei|deux|dos)\b|两|二", 2.0),
    (r"\b(?:three|drei|trois|tres)\b|三", 3.0),
    (r"\b(?:one|a stop|eine|un|une|uno)\b|一", 1.0),
    (r"\b(?:four|vier|quatre|cuatro)\b|四", 4.0),
    (r"\b(?:five|funf|cinq|cinco)\b|五", 5.0),
    (r"\b(?:six|sechs|seis)\b|六", 6.0),
)


def pattern(name: str, language: str) -> str:  # noqa: ARG001 -- colors are understood in all languages at once
    """The regular expression of a value in a folded sentence."""
    return _VALUES[name]


def colors(text: str) -> list[str]:
    """The colors that are named, as CSS has them, in order."""
    found: list[tuple[int, str]] = []
    for match in re.finditer(_COLOR, text):
        said = match[0]
        names = [name for name, words in _LATIN.items() if re.fullmatch(words, said)]
        names += [name for name, words in _CJK.items() if said in words.split("|")]
        found.append((match.start(), said if said.startswith("#") else names[0]))
    return [name for _, name in found]


def numbers(text: str) -> list[float]:
    """Numbers in order; signs are kept. What belongs to a ratio or a file's format is none."""
    plain = re.sub(_VALUES["ratio"], " ", text)
    return [float(found.replace(",", ".")) for found in re.findall(NUMBER, plain)]


def signed(text: str) -> bool:
    """Whether a number has its sign."""
    return bool(re.search(r"(?<![\d\w])[-+]\d", text)) or bool(re.search(r"[^\d\s][+]\d|度-\d|温-\d", text))


def worded(text: str) -> float | None:
    """A small number in words; "one and a half" is 1.5."""
    if re.search(r"one and a half|anderthalb|eineinhalb|une? et demie?|uno? y medio|一档半|1段半", text):
        return 1.5
    return next((value for words, value in _WORDED if re.search(words, text)), None)


def ratio(text: str) -> str | None:
    found = re.search(_VALUES["ratio"], text)
    return re.sub(r"\s", "", found[0].replace("：", ":")) if found else None


def size(text: str) -> tuple[int, int] | None:
    found = re.search(_VALUES["size"], text)
    if not found:
        return None
    width, height = re.findall(r"\d+", found[0])
    return int(width), int(height)


def position(text: str) -> str | None:
    """Such as `top-left`."""
    text = re.sub("(?<=[写加打印放标配换套贴添])上", "", text)
    down = next((name for name, words in _SIDES if re.search(words, text)), None)
    across = next((name for name, words in _ACROSS if re.search(words, text)), None)
    found = "-".join(each for each in (down, across) if each)
    return found or ("center" if re.search(_MIDDLE, text) else None)


def file_format(text: str) -> str | None:
    found = re.search(_VALUES["format"], text)
    return found[0].replace("jpg", "jpeg") if found else None
