"""The subject, and some room around it."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from darkroom.errors import NoForeground
from darkroom.operations._base import Canvas, Tools
from darkroom.operations._geometry import Box, Geometric, Ratio, Size, cropped

# From this value of the mask on a pixel belongs to the subject. Masks have a faint haze that reaches far from it.
_SUBJECT_FROM: Final = 32


class CropToSubject(Geometric):
    """Finds the main subject by itself and crops to it, with a margin; use `crop` if you know the box."""

    needs_subject: ClassVar[bool] = True

    words: ClassVar[str] = """
        en: crop to the subject, crop subject, crop* person, crop* main, crop* tight* around, {remove} empty space
        en: {remove} blank space, {remove} white space around, trim around, tight* around, crop* around, zoom subject
        en: zoom* person, crop* object, crop* product, focus crop, center subject, crop* face, frame subject
        en: crop* margins, crop* dog, crop* cat, crop* closely, crop to the !{ratio}
        de: auf das Motiv zuschneiden, motiv zuschneid*, motiv zuschnitt, motiv beschneid*, zuschneid* person
        de: zuschneid* hauptmotiv, hauptmotiv zuschneid*, schneid* motiv, schneid* hauptmotiv, schneid* person
        de: eng* um, leer* platz {remove}, leer* rand {remove}, leer* flache* {remove}, eng am motiv
        de: person zuschneid*, zoom* motiv, schneid* produkt, objekt zuschneid*, produkt zuschneid*, leerraum
        de: naher ans motiv, auf das wesentliche, drumherum weg*
        fr: recadrer sur le sujet, recadr* sujet, recadr* personne, recadr* objet, recadr* produit, recadr* autour
        fr: coupe* autour, rogne* autour, espace vide, vide autour, zoom* sujet, resserr* sujet, serre* autour
        fr: cadr* sujet, recadr* visage, rogne* sujet, marges vides, plus pres du sujet, au plus pres
        es: recortar al sujeto, recort* sujeto, recort* persona, recort* principal, recort* objeto, recort* producto
        es: recort* alrededor, espacio vacio, espacio sobrante, espacio en blanco, ajust* sujeto, acerc* sujeto
        es: encuadr* sujeto, recort* protagonista, recort* motivo, recort* cara, cort* alrededor, zoom sujeto
        es: quit* espacio, espacio de sobra, mas cerca del sujeto
        zh: 裁到主体, 裁 主体, 裁 人物, 裁 产品, 主体 裁, 空白 不要, 空白 去, 多余空白, 周围空白, 裁 主角, 只留主体
        zh: 突出主体, 裁掉空白, 周围 裁掉, 人物 裁剪, 裁 中间的, 主体 居中, 多余的空白, 多余的边, 空白部分, 空的地方
        zh: 主体放大, 只要人物部分, 靠近主体, 人物 居中
        ja: 被写体に合わせてトリミング, 被写体 トリミ, 人物 トリミ, 人物に合わせてトリミ, 人に合わせて, 主役 トリミ
        ja: 余白 {remove}, 余白 切, 余白を, 被写体 切り取, 人物 切り取, 商品 トリミ, 被写体 クロップ, 顔 トリミ
        ja: 被写体 寄, 主題 トリミ, メイン トリミ, 周り 切り, 被写体 中心, 人だけ残して切, 主役を大きく, 余白をカット
        ja: 余白を削
    """

    op: Literal["crop_to_subject"] = "crop_to_subject"
    margin: float = Field(
        5, ge=0, le=100, description="Room around the subject, in per cent of its longer side, as far as there is any."
    )
    ratio: Ratio | None = Field(
        None, description="Widen the box to this ratio, such as `1:1`, as far as the picture allows."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        mask = tools.subject(canvas.pixels)
        found = mask.point([0] * _SUBJECT_FROM + [255] * (256 - _SUBJECT_FROM)).getbbox()
        if found is None:
            raise NoForeground(
                "Nothing in the picture stands out from its background, so it cannot be cropped to a subject.",
                fix="Use `crop` with a box instead.",
            )
        size = canvas.pixels.size
        room = round(self.margin / 100 * max(found[2] - found[0], found[3] - found[1]))
        box = _inside((found[0] - room, found[1] - room, found[2] + room, found[3] + room), size)
        if self.ratio is not None:
            box = _widened(box, self.ratio, size)
        return canvas.having(cropped(canvas.pixels, box))


def _inside(box: Box, size: Size) -> Box:
    return max(box[0], 0), max(box[1], 0), min(box[2], size[0]), min(box[3], size[1])


def _widened(box: Box, ratio: str, size: Size) -> Box:
    """A box that holds the other and has the ratio, or as near to it as the picture allows; moved inward at an edge."""
    across, down = (float(side) for side in ratio.split(":"))
    width, height = box[2] - box[0], box[3] - box[1]
    left, right = _grown(box[0], box[2], max(width, round(height * across / down)), size[0])
    top, bottom = _grown(box[1], box[3], max(height, round(width * down / across)), size[1])
    return left, top, right, bottom


def _grown(low: int, high: int, length: int, whole: int) -> tuple[int, int]:
    length = min(length, whole)
    start = min(max((low + high - length) // 2, 0), whole - length)
    return start, start + length
