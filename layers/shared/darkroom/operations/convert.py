"""The file format of the result."""

from typing import Annotated, ClassVar, Literal

from msgspec.structs import replace
from PIL import Image
from pydantic import BeforeValidator, Field

from darkroom.models.form_values import file_format
from darkroom.operations._alpha import is_transparent
from darkroom.operations._base import Canvas, Operation, OutputFormat, Tools
from darkroom.operations._css import EXAMPLES, CssColor, rgba


class Convert(Operation):
    """Sets the file format of the result and how strongly it is compressed."""

    words: ClassVar[str] = """
        en: file format, as {format}, to {format}, into {format}, {format}, file type, convert to {format}
        en: save {format}, export {format}, format {format}
        de: Dateiformat, als {format}, {format}, speicher* {format}, in {format}, dateityp
        fr: format de fichier, en {format}, {format}, enregistr* {format}, au format {format}, export* {format}
        es: formato de archivo, {format}, en {format}, a {format}, guard* {format}, formato {format}, export* {format}
        zh: 文件格式, {format}, 存成{format}, 导出{format}, 转成{format}, 另存
        ja: ファイル形式, {format}, {format}形式, {format}で保存, {format}に変換
    """

    changes_file: ClassVar[bool] = True

    op: Literal["convert"] = "convert"
    format: Annotated[OutputFormat, BeforeValidator(file_format)] = Field(
        description="`png` is exact, `jpeg` small and without transparency, `webp` smaller and may be transparent."
    )
    quality: int | None = Field(
        None, ge=1, le=100, description="For jpeg and webp: 100 is best and largest; leave it out for a good default."
    )
    background: CssColor | None = Field(
        None, description=f"What a transparent picture is put on as jpeg; white if left out. {EXAMPLES}."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        canvas = replace(canvas, format=self.format, quality=self.quality)
        if self.format != "jpeg" or canvas.pixels.mode == "RGB":
            return canvas
        if not is_transparent(canvas.pixels):
            return canvas.having(canvas.pixels.convert("RGB"))
        behind = Image.new("RGB", canvas.pixels.size, rgba(self.background or "white", canvas.icc)[:3])
        behind.paste(canvas.pixels.convert("RGB"), mask=canvas.pixels.getchannel("A"))
        done = canvas.having(behind)
        return done if self.background else done.warned("JPEG knows no transparency; the picture was put on white.")
