"""Brighter or darker, in the picture's own encoding."""

from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import Signed


class Brightness(PointOperation):
    """Makes the whole picture brighter or darker; bright parts can turn white (use `gamma` to lift shadows alone)."""

    words: ClassVar[str] = """
        {"amount": 20}
        en: brighter, brighten*, brightness, lighter, lighten*, {too} dark, more light, light* up, less dark
        en: rather dark, pretty dark, dark photo, so dark, illuminate, bright !less, gloomy, dim, hard to see
        en: barely see
        de: heller, aufhell*, helligkeit, hell* auf, {too} dunkel, mehr licht, weniger dunkel, duster, erhell*
        de: hell !zu, recht dunkel, so dunkel, finster
        fr: plus lumineux, lumineu*, luminosite, eclairci*, plus clair*, {too} sombre, plus de lumiere, moins sombre
        fr: illumine*, un peu sombre, manque de lumiere, claire, clair !fond
        es: más brillante, brill*, brillo, aclar*, mas clar*, {too} oscur*, mas luz, luminos*, ilumin* !iluminacion
        es: menos oscur*, clarit*, falta luz, esta oscur*, muy oscur*
        zh: 更亮, 亮, 提亮, 变亮, 调亮, 亮度, {too}暗, {too}黑, 有点暗, 暗了, 看不清, 太黑, 光线不足, 太暗
        ja: 明るく, 明る, 明るさ, 暗い, 暗すぎ, 暗くて, 暗め, 輝度
        {"amount": -20}
        en: darker, darken*, brightness {down}, {too} bright, {too} light, less bright, dim it, dimmer, dim the
        en: tone down bright*, less light, tone down highlight*, highlight* {down}, reduc* highlight*, tame highlight*
        en: recover highlight*
        de: dunkler, abdunk*, dunkel* ab, helligkeit {down}, {too} hell, weniger hell, verdunk*, weniger licht
        de: nachdunk*, lichter abdunk*, lichter {down}, lichter dunk*, lichter zuruck*
        fr: plus sombre, assombri*, luminosite {down}, {too} clair*, {too} lumineu*, moins clair*, moins lumineu*
        fr: fonce*, obscurci*, hautes lumieres {down}, recuper* hautes lumieres, hautes lumieres
        es: más oscuro, oscure*, mas oscur*, brillo {down}, {too} clar*, {too} brill*, {too} luminos*, menos brill*
        es: menos luz, menos clar*, luces altas {down}, altas luces {down}, luces altas, altas luces
        zh: 更暗, 变暗, 调暗, 压暗, 暗一点, 暗一些, 暗点, 亮度 {down}, {too}亮, 别这么亮, 暗些, 高光 压, 压高光
        zh: 高光 {down}, 高光 暗, 高光
        ja: 暗く, 明るさ {down}, 明るすぎ, 暗めに, 暗くして, 明度 {down}, ハイライト 抑え, ハイライト {down}
        ja: ハイライト 暗, ハイライト
    """

    op: Literal["brightness"] = "brightness"
    amount: Signed = Field(description="Per cent: -100 black, 0 unchanged, 100 twice as bright.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return value * (1 + self.amount / 100)
