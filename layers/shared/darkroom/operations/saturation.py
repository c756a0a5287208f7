"""More or less color, everywhere alike."""

from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._matrix import GREY, IDENTITY, Matrix, MatrixOperation, mixed
from darkroom.operations._tone import Signed


class Saturation(MatrixOperation):
    """Makes all colors stronger or weaker alike; lightness stays."""

    words: ClassVar[str] = """
        {"amount": 25}
        en: stronger colors, saturat*, vivid*, vibrant, colorful, colourful, color* pop, pop, color* strong*
        en: strong* color*, color* rich*, rich* color*, more color*, color* intens*, intens* color*, bright* color*
        en: color* {too} pale, pale, faded, color* bold*, bolder color*, boost color*, color* boost, sky washed out
        en: looks washed out, washed out, livel* color*, color* livel*, color* punch*, color* life, life color*, juicy
        en: richer
        de: kräftigere Farben, sattigung, satter*, gesattigt*, kraftig* farb*, farb* kraftig*, leuchtend* farb*
        de: farb* leucht*, bunt*, intensiv* farb*, farb* intensiv*, lebendig*, farb* aufpepp*, aufpepp*, blass
        de: farb* verstark*, knallig*, farbenfroh*, ausgewaschen, verwaschen, farb* {up}, mehr farbe, blasse
        de: farb* leben, lebhaft*, farb* frisch*, frischer*, farb* kraft
        fr: couleurs plus vives, satur*, couleur* viv*, viv*, couleur* intens*, colore*, couleur* eclatant*, eclat*
        fr: couleur* forte*, delave*, pale*, couleur* {up}, ravive*, plus de couleur*, couleurs pop, fade*
        fr: couleurs riches, peps, couleurs vivantes, couleurs punchy, plus de vie, couleur* gaies
        es: colores más vivos, satur*, color* viv*, vivid*, color* intens*, color* fuerte*, colorid*, mas color*
        es: deslavad*, palid*, lavad*, color* {up}, realz* color*, aviv*, color* llamativ*, desvaid*, vida color*
        es: color* vida, alegr* color*, color* alegr*, color* potent*
        zh: 更鲜艳, 鲜艳, 饱和, 饱和度, 鲜明, 色彩 浓, 颜色 浓, 艳, 颜色 淡, 色彩 丰富, 发白, 颜色 强, 色彩 强
        zh: 颜色 亮丽, 生动, 颜色太浅, 更浓, 活力, 颜色 活, 色彩 活, 颜色 亮, 鲜亮, 颜色 好看, 更艳, 颜色重, 颜色 深
        ja: 色を鮮やかに, 鮮やか, 彩度, ビビッド, 色 濃, 色 薄, 色 はっきり, カラフル, 色味 強, 色あせ, 白っぽ, 派手
        ja: 発色, 色 強, 生き生き, いきいき, 色 元気, 色 華やか, 華やか, 色を強, 色を濃
        {"amount": -25}
        en: weaker colors, desaturat*, saturation {down}, {too} saturated, {too} colorful, color* {down}
        en: less saturated, less vivid, muted, mute* color*, color* muted, {too} vivid, {too} much color
        en: tone down color*, pastel, paler, color* {too} strong, color* {too} vivid, color* {too} bright
        en: washed out look, subtle color*, less color*, color* weak*, soft* color*
        de: schwächere Farben, entsattig*, sattigung {down}, {too} bunt*, {too} gesattigt, weniger farb*, blasser*
        de: {too} satt*, gedampft*, gedeckt* farb*, farb* {down}, weniger bunt, pastell*, {too} knallig
        de: dezenter* farb*, farb* {too} kraftig, farb* dezent*, farb* schwach*, farb* zuruck*
        fr: couleurs moins vives, desatur*, saturation {down}, {too} satur*, moins satur*, couleur* {down}, {too} vif
        fr: {too} vives, moins vives, moins de couleur*, pastel*, plus pale*, couleur* {too} viv*, couleur* douc*
        fr: couleur* {too} satur*, couleurs {too}, moins colore*, {too} colore*
        es: colores menos vivos, desatur*, saturacion {down}, {too} satur*, menos satur*, color* {down}, menos viv*
        es: menos color*, mas apagad*, pastel*, color* {too} viv*, color* {too} fuerte*, color* {too} intens*
        es: color* apagad*, {too} colorid*, color* suav*, color* {too}
        zh: 降低饱和度, 饱和 {down}, {too}鲜艳, {too}艳, 饱和度太高, 颜色 淡一点, 淡一点, 颜色 {down}, 素雅, 淡雅
        zh: 颜色太浓, 清淡
        ja: 彩度を下げる, 彩度 {down}, 鮮やかすぎ, 派手すぎ, 色 薄く, 色を抑え, くすん, 淡い, 淡く, 色 濃すぎ
        ja: 落ち着いた色, 色味を抑え, パステル
    """

    op: Literal["saturation"] = "saturation"
    amount: Signed = Field(description="Per cent: -100 grey, 0 unchanged, 100 twice as strong.")

    def matrix(self) -> Matrix:
        return mixed(GREY, IDENTITY, 1 + self.amount / 100)
