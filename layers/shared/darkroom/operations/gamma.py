"""Lighter or darker middle tones."""

from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import PointOperation


class Gamma(PointOperation):
    """Lightens or darkens the middle tones and leaves black and white where they are."""

    words: ClassVar[str] = """
        {"gamma": 1.3}
        en: lighter midtones, midtone*, mid tone*, middle tone*, gamma, lift shadow*, open shadow*, shadow* open*
        en: raise shadow*, bright* shadow*, shadow* bright*, shadow* lift*, shadow* block*, shadow* {too} dark
        en: recover shadow*, shadow detail*, light* shadow*
        de: hellere Mitteltöne, mittelton*, mitten !in, gamma, tiefen aufhell*, schatten aufhell*, tiefen anheb*
        de: schatten anheb*, tiefen offn*, schatten offn*, tiefen hell*, schatten hell*, zugelaufen*
        de: tiefen {too} dunkel, schatten {too} dunkel
        fr: tons moyens plus clairs, tons moyens, demi tons, gamma, debouch* ombres, eclairci* ombres, remonte* ombres
        fr: ombres bouchees, ombres {too}, relev* ombres, deboucher
        es: medios tonos más claros, medios tonos, tonos medios, gamma, aclar* sombras, levant* sombras, sub* sombras
        es: abr* sombras, sombras {too}, recuper* sombras, sombras empastadas
        zh: 提亮中间调, 中间调 亮, 中间调, 伽马, gamma, 提亮暗部, 暗部 亮, 暗部 提, 阴影 提, 阴影 亮, 暗部太黑
        zh: 暗部 死黑, 暗部, 阴影部分 亮, 暗处 亮, 暗的地方 亮, 黑的地方 亮
        ja: 中間調を明るく, 中間調 明る, 中間トーン 明る, 中間調, ガンマ, シャドウ 明る, シャドー 明る, 暗部 明る
        ja: 暗部 持ち上げ, 影の部分 明る, 中間トーン, 暗部, 暗いところ 明る, 影 明る, 陰 明る
        {"gamma": 0.8}
        en: darker midtones, midtone* dark*, dark* midtone*, mid tone* dark*, gamma {down}, midtone* {down}
        de: dunklere Mitteltöne, mittelton* dunk*, mittelton* abdunk*, gamma {down}
        fr: tons moyens plus sombres, tons moyens sombre*, assombri* tons moyens, gamma {down}
        es: medios tonos más oscuros, medios tonos oscur*, oscurec* medios tonos, oscurec* tonos medios, gamma {down}
        zh: 压暗中间调, 中间调 暗, 中间调 压, 伽马 {down}
        ja: 中間調を暗く, 中間調 暗, ガンマ {down}
    """

    op: Literal["gamma"] = "gamma"
    gamma: float = Field(ge=0.1, le=10, description="Above 1 lightens, below 1 darkens, 1 leaves it.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return float(value ** (1 / self.gamma))
