"""More or less light, as if the photograph had been exposed longer or shorter."""

from typing import ClassVar, Literal

from pydantic import Field

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import from_linear, to_linear


class Exposure(PointOperation):
    """Corrects an under- or overexposed photograph as a camera would: more or less light, in stops."""

    words: ClassVar[str] = """
        {"stops": 1}
        en: more exposure, exposure, expos* up, underexposed, under exposed, stop brighter, stops brighter
        en: brighter by stop*, stop* more, ev, push stop*, {too} little light, overexpose by, over expose by
        de: mehr Belichtung, belichtung, unterbelichtet, blende* heller, blendenstufe*, belicht* langer, blende* mehr
        fr: plus d'exposition, exposition, sous expose*, sousexpose*, diaph*, surexpose legerement, diaph* de plus
        es: más exposición, exposicion, subexpuest*, sub expuest*, paso* mas, paso* de luz, punto* de exposicion
        es: punto* mas de luz
        zh: 增加曝光, 曝光, 欠曝, 曝光不足, 档, 提高曝光, 太曝, 曝光 正, 补曝光, 曝光补偿
        ja: 露出を上げる, 露出, 露光, アンダー, 露出不足, 段 明, EV, 露出 上げ, 明るさ 段, 段分
        {"stops": -1}
        en: less exposure, exposure {down}, overexposed, over exposed, blown out, stop darker, stops darker
        en: {too} exposed, blown highlight*, stop* less, underexpose, under expose
        de: weniger Belichtung, belichtung {down}, uberbelichtet, blende* dunkler, ausgefressen*, blende* weniger
        fr: moins d'exposition, exposition {down}, surexpose*, sur expose*, cramee, crame, brule*, diaph* de moins
        fr: {too} expose*, diaph* moins
        es: menos exposición, exposicion {down}, sobreexpuest*, sobre expuest*, quemad*, paso* menos, {too} expuest*
        es: punto menos de exposicion, puntos menos, punto menos, paso menos de exposicion
        zh: 降低曝光, 曝光 {down}, 过曝, 曝光过度, 曝光太, 爆了, 过度曝光
        ja: 露出を下げる, 露出 {down}, 白飛び, 露出オーバー, 白とび, 飛んで, 段 暗, 露出過多
    """

    op: Literal["exposure"] = "exposure"
    stops: float = Field(ge=-5, le=5, description="Stops (EV): 1 doubles the light, -1 halves it, 0 leaves it.")

    def curve(self, channel: int, value: float) -> float:  # noqa: ARG002 -- all channels alike
        return from_linear(to_linear(value) * 2**self.stops)
