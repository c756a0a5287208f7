"""Black point, white point and what lies between."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from darkroom.operations._base import PointOperation
from darkroom.operations._tone import CHANNEL_HELP, Channel, concerns


class Levels(PointOperation):
    """Sets which values become black and white and where the middle lies: for hazy, faded or too dark pictures."""

    words: ClassVar[str] = """
        en: levels, black point, white point, blacks to, whites to, output level*, histogram level*, level adjust*
        en: crush blacks, faded blacks, input levels
        de: Tonwerte, tonwert*, schwarzpunkt, weisspunkt, tonwertkorrektur
        fr: niveaux, niveaux !gris, point noir, point blanc, niveau d entree
        es: niveles, punto negro, punto blanco, punto de negro, punto de blanco
        zh: 色阶, 黑场, 白场, 黑点, 白点
        ja: レベル補正, レベル, 黒点, 白点, ブラックポイント, ホワイトポイント
    """

    op: Literal["levels"] = "levels"
    black: float = Field(0, ge=0, le=254, description="Values up to this become black (0 to 255).")
    white: float = Field(255, ge=1, le=255, description="Values from this on become white (0 to 255).")
    gamma: float = Field(1, ge=0.1, le=10, description="Middle tones: above 1 lightens, below 1 darkens.")
    output_black: float = Field(0, ge=0, le=255, description="What black becomes; above 0 looks faded (0 to 255).")
    output_white: float = Field(255, ge=0, le=255, description="What white becomes (0 to 255).")
    channel: Channel = Field("all", description=CHANNEL_HELP)

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.white - self.black < 1:
            raise ValueError(f"white ({self.white:g}) has to be at least 1 above black ({self.black:g})")
        return self

    def curve(self, channel: int, value: float) -> float:
        if not concerns(self.channel, channel):
            return value
        inside = min(max((value * 255 - self.black) / (self.white - self.black), 0.0), 1.0)
        low, high = self.output_black / 255, self.output_white / 255
        return float(low + (high - low) * inside ** (1 / self.gamma))
