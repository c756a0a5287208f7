"""A black-and-white photograph."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from darkroom.operations._matrix import Matrix, MatrixOperation


class BlackAndWhite(MatrixOperation):
    """Makes a black-and-white picture; the weights say how bright each color becomes, like filters on film."""

    words: ClassVar[str] = """
        en: black_and_white, black_white, b&w, b_&_w, b_w, bw, b_n_w, grayscale, greyscale, gray scale, grey scale
        en: monochrome, monochromatic, {remove} color, without color, colorless, no color, black_&_white, b/w, b_/_w
        de: Schwarzweiß, schwarz_weiss*, schwarzweiss*, schwarz_und_weiss, s_w, s/w, sw, graustufen, monochrom*
        de: farbe {remove}, farben {remove}, einfarbig, entfarb*, schwarz_&_weiss
        fr: noir_et_blanc, n&b, n_&_b, n_et_b, niveaux de gris, monochrome, nuances de gris, {remove} couleur*
        fr: sans couleur*, noir_&_blanc
        es: blanco_y_negro, b/n, b_y_n, byn, blanco_negro, escala de grises, tonos grises, monocromo, monocromatic*
        es: {remove} color !alg*, sin color*, b_/_n
        zh: 黑白, 灰度, 单色, 去色, 灰阶, 去掉颜色, 没有颜色, 变灰
        ja: 白黒, モノクロ, グレースケール, モノトーン, 色 抜, 色をなく, 黒白, 無彩色
    """

    op: Literal["black_and_white"] = "black_and_white"
    red: float = Field(21.26, ge=0, le=100, description="Weight of red, relative to the others; much: bright skin.")
    green: float = Field(71.52, ge=0, le=100, description="Weight of green, relative to the others.")
    blue: float = Field(7.22, ge=0, le=100, description="Weight of blue, relative to the others; 0: dramatic dark sky.")

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if self.red + self.green + self.blue < 0.01:
            raise ValueError("the weights red, green and blue are all 0: the picture would be black")
        return self

    def matrix(self) -> Matrix:
        whole = self.red + self.green + self.blue
        row = (self.red / whole, self.green / whole, self.blue / whole)
        return row, row, row
