"""A blurred background behind a sharp subject."""

from typing import ClassVar, Literal

from PIL import Image, ImageChops, ImageFilter
from pydantic import Field

from darkroom.operations._alpha import bled, both, on_colors
from darkroom.operations._base import Canvas, Operation, Tools
from darkroom.operations._place import of_longer_side


class BackgroundBlur(Operation):
    """Blurs what is behind the subject and keeps the subject sharp, as a lens wide open does."""

    cost: ClassVar = 280

    needs_subject: ClassVar[bool] = True

    words: ClassVar[str] = """
        en: background blur, blur* background, background blur*, blur* backdrop, blur* behind, background out of focus
        en: background unsharp, bokeh, portrait mode, portrait effect, portrait lens, shallow depth of field
        en: depth of field, defocus* background, soften background, background soft*, background fuzzy
        en: unfocus* background, focus on subject, wide open lens
        de: Hintergrund unscharf, hintergrund unscharf*, hintergrund weichzeichn*, hintergrund verwisch*
        de: hintergrund verschwomm*, hintergrund weich*, hintergrund unscharfe, hintergrundunscharfe, hinten unscharf*
        de: dahinter unscharf*, bokeh*, portratmodus, portraitmodus, portrateffekt, tiefenscharfe, scharfentiefe
        de: freistellungsunscharfe
        fr: fond flou, flou* fond, flou* arriere plan, flou* derriere, bokeh, mode portrait, effet portrait
        fr: profondeur de champ, arriere plan flou*, fond flout*, estompe* fond, estompe* arriere plan
        fr: flou d arriere plan
        es: fondo desenfocado, desenfoc* fondo, difumin* fondo, fondo borros*, fondo difumin*, fondo desenfoc*, bokeh
        es: modo retrato, efecto retrato, profundidad de campo, desenfoc* detras, emborron* fondo, borros* detras
        es: desenfoque de fondo, fondo fuera de foco
        zh: 背景虚化, 背景 模糊, 虚化, 景深, 散景, 后面虚, 后面 模糊, 焦外, 人像模式, 大光圈, 背景 柔化, 后面 糊
        zh: 身后 模糊, 背景 虚, 背景 糊, 人像效果, 突出人物 背景
        ja: 背景ぼかし, 背景 ぼか, 背景 ボカ, 背景 ぼけ, 背景 ボケ, 後ろ ぼか, 後ろ ボケ, 後ろ ぼけ, 後ろ ボカ, ボケ感
        ja: 玉ボケ, ポートレートモード, 被写界深度, ポートレート風, 背後 ぼか, ピント 被写体, 背景をぼかし, 一眼レフ
        ja: 背景 ソフト
    """

    op: Literal["background_blur"] = "background_blur"
    radius: float = Field(
        1.5,
        ge=0,
        le=10,
        description="In per cent of the longer side; 0 changes nothing, 1.5 looks like a portrait lens.",
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:
        radius = of_longer_side(self.radius, canvas.pixels.size)
        if not radius:
            return canvas
        mask = tools.subject(canvas.pixels)
        around = canvas.pixels.convert("RGB")
        around.putalpha(both(ImageChops.invert(mask), canvas.pixels))
        # The subject is taken out of the background before that is blurred, or a halo of it would stand around it.
        blurred = bled(around, radius).filter(ImageFilter.GaussianBlur(radius))
        return canvas.having(on_colors(canvas.pixels, lambda image: Image.composite(image, blurred, mask)))
