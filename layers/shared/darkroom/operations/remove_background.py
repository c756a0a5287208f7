"""The subject alone."""

from typing import ClassVar, Literal

from darkroom.operations._alpha import both, with_alpha
from darkroom.operations._base import Canvas, Operation, Tools


class RemoveBackground(Operation):
    """Cuts the subject out: everything behind it becomes transparent."""

    needs_subject: ClassVar[bool] = True
    cuts: ClassVar[bool] = True

    words: ClassVar[str] = """
        en: background removed, {remove} background, background {remove}, {remove} backdrop, background transparent
        en: transparent background, transparent, transparency, cut out, cutout, cut* out subject, isolate, isolat*
        en: without background, only subject, just subject, no background, knock out background, extract subject
        en: extract person, clear background, {remove} everything behind, {remove} what is behind, bg {remove}
        en: {remove} bg, background gone, background away, background out, sticker
        de: Hintergrund entfernt, hintergrund {remove}, {remove} hintergrund, freistell*, freigestellt*, stell* frei
        de: durchsichtig*, transparent*, ausschneid*, schneid* aus, ohne hintergrund, nur das motiv
        de: hintergrund loswerden, hintergrund raus*, isolier*, kein hintergrund
        fr: fond supprimé, {remove} fond, {remove} arriere plan, fond transparent, arriere plan transparent, detoure*
        fr: detourer, transparent*, sans fond, sans arriere plan, isole*, decoupe* sujet, garde* que sujet
        fr: fond {remove}, transparence, decoupe personne, decoupe* objet, decoupe* silhouette
        es: fondo eliminado, {remove} fondo, fondo transparente, transparent*, sin fondo, aisl*, silueta
        es: recort* silueta, solo sujeto, fondo {remove}, recort* fondo, extra* sujeto, dej* solo
        es: recort* fondo transparente, recort* transparente
        zh: 去掉背景, 背景 {remove}, {remove} 背景, 抠图, 抠出, 抠像, 抠, 透明, 透明背景, 去背, 去底, 扣图, 只留人物
        zh: 只保留主体, 背景不要, 无背景
        ja: 背景を消す, 背景 {remove}, 背景 消, 背景 透明, 背景透過, 透過, 透明, 切り抜, 背景 抜, 背景なし
        ja: 背景 カット, 背景を取, 背景 いらない, 人物だけ, 被写体だけ, 人物を切り抜, 切り抜き画像
    """

    op: Literal["remove_background"] = "remove_background"

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        alpha = both(tools.subject(canvas.pixels), canvas.pixels)
        return canvas.having(with_alpha(canvas.pixels, alpha))
