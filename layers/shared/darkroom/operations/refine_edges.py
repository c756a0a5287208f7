"""The edges of a cut-out, softer or elsewhere."""

from statistics import NormalDist
from typing import ClassVar, Final, Literal

from PIL import Image, ImageFilter
from pydantic import Field

from darkroom.operations._alpha import bled, is_transparent, with_alpha
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._place import of_longer_side

# Half a pixel of softness is what an edge needs so as not to look like stairs.
_CRISP: Final = 0.5


class RefineEdges(Operation):
    """Softens the edges of a cut-out, or moves them inwards to take off a rim of background, or outwards.

    Use it after `remove_background`, before a new background.
    """

    words: ClassVar[str] = """
        {"feather": 0.2}
        en: refined edges, refin* edge*, edge refin*, feather*, soften edge*, smooth* edge*, edge* smooth*
        en: edge* soft*, edge* clean*, clean* edge*, clean* cutout, refine cutout, jagged, edge* rough, rough edge*
        en: cutout edge*, edge* cutout, edge* better, improv* edge*, tidy edge*, polish edge*, edge* harsh, hard edge*
        en: soft* outline
        de: verfeinerte Kanten, kante* verfeiner*, verfeiner* kante*, rander verfeiner*, kante* weich*, weich* kante*
        de: kante* glatt*, glatt* kante*, rander glatt*, rander weich*, kante* sauber*, sauber* kante*, kantenglattung
        de: ausgefranst*, kante* verbesser*, auslauf* kante*, kontur* glatt*, kontur* weich*, rand weich*, weich* rand
        de: umriss* glatt*, freisteller*, kante* nachbesser*, kante* optimier*
        fr: contours affinés, affin* contour*, contour* affin*, liss* contour*, contour* liss*, adouci* contour*
        fr: contour* dou*, affin* bord*, bord* affin*, liss* bord*, adouci* bord*, bord* dou*, ameliore* contour*
        fr: nettoie* contour*, contour* propre*, bord* propre*, contours net*, detourage, liser*, progressif bord*
        fr: bord* irregulier*, crenel*, nettoie* bord*, ameliore* bord*
        es: bordes refinados, refin* borde*, suaviz* borde*, borde* suav*, alis* borde*, limpi* borde*, borde* limpi*
        es: mejor* borde*, perfeccion* borde*, pul* borde*, difumin* borde*, refin* contorno*, suaviz* contorno*
        es: contorno* suav*, mejor* contorno*, borde* irregular*, dentad*, limpi* recorte, limpi* contorno*
        es: borde* del recorte
        zh: 细化边缘, 边缘, 羽化, 毛边, 锯齿, 抠图边, 轮廓 平滑, 轮廓 柔, 边 柔和, 轮廓 优化, 边缘优化
        ja: 輪郭をなめらかに, 輪郭 きれい, 輪郭 整, 輪郭 なめらか, 輪郭 滑らか, エッジ, 境界 なめらか, 境界 ぼか
        ja: 切り抜き きれい, 縁 なめらか, フェザー, ギザギザ, 縁を 滑らか, 輪郭 ぼか, 輪郭 柔, 縁を整, 境界線, 境目
        ja: 輪郭 自然
        {"feather": 0.1, "shift": -0.2}
        en: trimmed rim, rim {remove}, halo {remove}, {remove} halo, fringe {remove}, {remove} fringe
        en: white outline {remove}, halo around, fringe around, rim around, edge* inward*, contract edge*, edges in
        en: fringing
        de: Kanten nach innen, saum {remove}, {remove} saum, farbsaum, halo, weiss* rand {remove}, saum um
        de: kante* innen, rand* {remove} freigestellt, saum um freigestell*, saum weg
        fr: contour rogné, halo, lisere {remove}, frange*, lisere autour, lisere blanc
        es: borde recortado, halo, ribete, reborde, borde blanco {remove}, filo blanco
        zh: 收缩边缘, 白边 {remove}, 边缘 收, 光晕 {remove}, 杂边, 边缘 白, 白边 处理, 有白边, 边上 白, 边缘有
        ja: 縁を削る, フチ {remove}, 白い縁 {remove}, ハロー, 輪郭 内側, フリンジ, 白いフチ, 白フチ, フチが残
        ja: 周り 白い
    """

    op: Literal["refine_edges"] = "refine_edges"
    feather: float = Field(
        0.1, ge=0, le=5, description="How soft the edge becomes, in per cent of the longer side; 0 keeps it crisp."
    )
    shift: float = Field(
        0, ge=-2, le=2, description="In per cent of the longer side: negative cuts off a rim, positive adds one."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        pixels = canvas.pixels
        feather, shift = (of_longer_side(length, pixels.size) for length in (self.feather, self.shift))
        if not feather and not shift:
            return canvas
        if not is_transparent(pixels):
            return canvas.warned("The picture has no transparent background, so there are no edges to refine.")
        alpha = _refined(pixels.getchannel("A"), feather, shift)
        # A softer or wider edge shows what was hidden before, and with it the old background's colors.
        reach = max(feather, abs(shift))
        return canvas.having(with_alpha(bled(pixels, reach, from_solid=True), alpha))


def _refined(alpha: Image.Image, feather: float, shift: float) -> Image.Image:
    """Alpha with its edges moved outwards by `shift` pixels.

    A straight edge that is blurred by `spread` holds, at each place, the normal distribution of the distance to it:
    from each value follows the distance, and from the distance the new value.
    """
    spread = max(feather, abs(shift))
    normal, soft = NormalDist(), max(feather, _CRISP)
    table = [0] * 256
    for value in range(1, 255):
        distance = spread * normal.inv_cdf(value / 255)
        table[value] = round(255 * normal.cdf((distance + shift) / soft))
    table[255] = 255
    return alpha.filter(ImageFilter.GaussianBlur(spread)).point(table)
