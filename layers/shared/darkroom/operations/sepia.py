"""The brown of old photographs."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from darkroom.operations._matrix import IDENTITY, Matrix, MatrixOperation, mixed
from darkroom.operations._tone import PerCent

_SEPIA: Final = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))


class Sepia(MatrixOperation):
    """Tones the picture brown like an old photograph."""

    words: ClassVar[str] = """
        en: sepia, sepia*, brown tone*, brownish, brown tint*
        de: Sepia, sepia*, braunton*, braunlich*, brauntone
        fr: sépia, sepia*, ton brun, tons bruns, brun*, tons marron
        es: sepia, sepia*, tono marron, tonos marron*, marron*, tono cafe, tonos cafes, cafe antiguo, marron antiguo
        es: tono sepia
        zh: 棕褐色, 褐色, 怀旧棕, 深褐, 棕色调, 泛黄老照片, 乌贼墨, 发黄的老照片, 褐色调, 泛黄
        ja: セピア, 茶色っぽ, 茶系, 褐色, 茶色, 古い茶色, セピア色
    """

    op: Literal["sepia"] = "sepia"
    amount: PerCent = Field(100, description="Per cent: 0 unchanged, 100 all brown.")

    def matrix(self) -> Matrix:
        return mixed(IDENTITY, _SEPIA, self.amount / 100)
