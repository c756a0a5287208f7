"""The words by which people call operations, in the languages that are offered. Each operation's stand in its own file.

`Operation.words` is lines of text. A line of JSON says what the lines after it set; the others have a language and
phrases. A language's first phrase is the name that is shown. All words of a phrase have to occur, in any order, or side
by side where `_` joins them: `blur*` is any word that begins so, `!edge*` must not occur, `{down}` is one of CLASSES,
`{color}`, `{number}`, `{ratio}`, `{size}`, `{format}` and `{quoted}` are values, `{only}` a color and nothing after it.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from msgspec import Struct

from darkroom.operations._base import Operation

LANGUAGES: Final = ("en", "de", "fr", "es", "zh", "ja")
_LINE: Final = re.compile(rf"({'|'.join(LANGUAGES)}): (.+)")
_MAX_SHOWN: Final = 60
_NOT_SHOWN: Final = re.compile(r"[*!{}]")

# What makes less or more of something, takes it away or adds it: words that go with the name of anything.
CLASSES: Final[Mapping[str, Mapping[str, str]]] = {
    "up": {
        "en": "more, increas*, rais*, boost*, higher, up, bump*, add, stronger, crank*",
        "de": "mehr, erhoh*, hoher*, starker*, verstark*, rauf, hoch, anheb*, steiger*",
        "fr": "plus, augment*, monte*, hausse*, renforc*, pousse*, accentu*",
        "es": "mas, aument*, sub*, increment*, realz*, potenci*",
        "zh": "提高, 增加, 增强, 加强, 加大, 调高, 高一点, 拉高, 更, 加, 提升",
        "ja": "上げ, 強め, 強く, アップ, 高く, 高め, 増や, もっと, 足し",
    },
    "down": {
        "en": "less, reduc*, lower*, decreas*, down, drop*, fewer, weaken*, cut, dial, lessen, turn down, not so",
        "de": "weniger, senk*, reduzier*, runter*, verringer*, niedriger*, schwach*, herunter, zuruck*, raus, nicht so",
        "fr": "moins, baiss*, redui*, diminu*, attenu*, abaiss*, affaibli*, pas si",
        "es": "menos, baj*, reduc*, disminu*, reduz*, aten*, menor",
        "zh": "降低, 减少, 减弱, 调低, 低一点, 降, 减, 弱, 拉低, 低一些, 小一点",
        "ja": "下げ, 弱め, 弱く, ダウン, 低く, 落と, 減ら, 控えめ, 抑え, 低め",
    },
    "too": {
        "en": "too, way too, overly, so, looks, rather, pretty, quite, very",
        "de": "zu, viel zu, so, sehr, ziemlich",
        "fr": "trop, tres, si",
        "es": "demasiad*, muy, tan",
        "zh": "太, 过于, 过, 有点, 偏, 很",
        "ja": "すぎ, 過ぎ, っぽ, ちょっと",
    },
    "remove": {
        "en": "remov*, delet*, get rid, take out, take off, take away, drop, strip*, eras*, eliminat*, clean*, no, "
        "without, rid, wipe*, clear, discard, scrub*, lose, kill, cut out, cut away, chop, ditch, take the",
        "de": "entfern*, losch*, weg*, raus*, ohne, kein*, loswerden, beseitig*, herausnehm*, nimm*, entferne, tilg*",
        "fr": "enlev*, supprim*, suprim*, retir*, sans, effac*, elimin*, ote*, vire*, degage*, debarrass*, nettoi*",
        "es": "quit*, elimin*, borr*, sin, saca*, remuev*, suprim*, retir*, limpi*",
        "zh": "去掉, 去除, 去, 删除, 删掉, 移除, 清除, 消除, 删, 抹掉, 除掉, 清掉, 清理, 拿掉, 弄掉, 擦掉",
        "ja": "消, 取り除, 除去, 取って, 取り, 削除, なし, なく, カット, 抜, 外し, 飛ばし, 取る",
    },
    "add": {
        "en": "add*, put*, giv*, appl*, with, insert*, have, need, want, make",
        "de": "fug*, hinzu*, gib, mit, dazu, drunter, drauf, setz*, mach*, einfug*, erganz*, leg*, hinzufug*, bitte",
        "fr": "ajout*, met*, avec, appliqu*, donn*, rajout*, veux, voudrais",
        "es": "anad*, agreg*, pon*, con, aplic*, dale, mete*, quiero",
        "zh": "加, 添加, 来, 打, 做, 增加, 给",
        "ja": "付け, つけ, 入れ, 追加, 足し, 加え, かけ",
    },
    "bad": {
        "en": "bad, off, poor, wrong, uneven",
        "de": "schlecht",
        "fr": "mauvais*",
        "es": "mal*",
        "zh": "不好",
        "ja": "悪",
    },
}  # fmt: skip


class Way(Struct, frozen=True):
    """One thing that people mean by an operation.

    Args:
        sets: the parameters that the words imply.
        phrases: by language.
    """

    op: str
    sets: Mapping[str, Any]
    phrases: Mapping[str, tuple[str, ...]]


@cache
def ways(operation: type[Operation]) -> tuple[Way, ...]:
    """What an operation's words mean."""
    found: list[Way] = []
    sets: dict[str, Any] = {}
    phrases: dict[str, tuple[str, ...]] = {}
    op = str(operation.model_fields["op"].default)
    for line in filter(None, map(str.strip, operation.words.splitlines())):
        if said := _LINE.fullmatch(line):
            phrases[said[1]] = (*phrases.get(said[1], ()), *said[2].split(", "))
            continue
        if phrases:
            found.append(Way(op, sets, phrases))
        sets, phrases = json.loads(line), {}
    return (*found, Way(op, sets, phrases))


def shown(way: Way, language: str) -> str:
    """The way's name; in English where it has none in the language."""
    return (way.phrases.get(language) or way.phrases["en"])[0].replace("_", " ")


def folded(text: str) -> str:
    """In lower case and American spelling, Latin letters without accents, words parted by spaces alone."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ß", "ss").replace("œ", "oe").replace("æ", "ae")
    return "".join(map(_base, plain)).replace("colour", "color").replace("grey", "gray")


def _base(letter: str) -> str:
    first = unicodedata.normalize("NFD", letter)[0]
    if letter in "'’`´" or (letter in "-‐‑–"):
        return " " if letter != "-" else "-"
    return first if first.isascii() else letter


def called(operation: type[Operation], language: str) -> list[str]:
    """The phrases of a language that are plain words, as a page may search for them."""
    phrases = (each for way in ways(operation) for each in way.phrases.get(language, ()))
    return list(
        dict.fromkeys(each.rstrip("*").replace("_", " ") for each in phrases if not _NOT_SHOWN.search(each[:-1]))
    )


def means(operation: type[Operation], word: str) -> bool:
    """Whether somebody who says that may mean the operation."""
    said = folded(word.replace("_", " "))
    return any(folded(each) == said for language in LANGUAGES for each in called(operation, language))


def described(operation: type[Operation], step: Mapping[str, Any], language: str) -> str:
    """What a step does, with its values, in words: "warmer (20)", "crop (16:9)"."""
    fields = operation.model_fields
    given = {name: value for name, value in step.items() if name != "op" and name in fields}
    told = [_told(name, value) for name, value in given.items() if value != fields[name].default and _is_short(value)]
    way = max(ways(operation), key=lambda each: _likeness(each.sets, given))
    return shown(way, language) + (f" ({', '.join(told)})" if told else "")


def _told(name: str, value: Any) -> str:
    number = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    if name in ("angle", "degrees"):
        return f"{number}°"
    if name in ("amount", "temperature", "ratio", "text", "format", "background", "scale", "position"):
        return f"{number} %" if name in ("amount", "scale") else number
    return f"{name.replace('_', ' ')} {number.lower()}"


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= _MAX_SHOWN


def _likeness(sets: Mapping[str, Any], given: Mapping[str, Any]) -> float:
    """How well what a way implies agrees with the parameters: the same value, or at least the same sign."""
    return sum(
        1.0 if given.get(name) == value else 0.5 if _is_alike(given.get(name), value) else -1.0
        for name, value in sets.items()
    )  # fmt: skip


def _is_alike(value: Any, wanted: Any) -> bool:
    if not isinstance(value, int | float) or not isinstance(wanted, int | float):
        return False
    # A factor of 1 changes nothing, as 0 does elsewhere.
    middle = 1 if 0 < wanted < 2 and wanted != 1 else 0
    return bool((value - middle) * (wanted - middle) > 0)
