"""A result that says nothing beside the picture."""

from typing import ClassVar, Literal

from msgspec.structs import replace
from PIL import ImageCms
from pydantic import Field

from darkroom.images import icc as profiles
from darkroom.operations._base import Canvas, Operation, Tools


class StripMetadata(Operation):
    """Leaves nothing in the file but the picture: no place, camera, time, comments or preview.

    This holds for every result, with or without this operation; it may also take out the color profile.
    """

    words: ClassVar[str] = """
        en: no metadata, metadata, meta data, exif, gps, location data, geotag*, {remove} location, camera info*
        en: {remove} camera, {remove} gps, hidden data, privacy data, iptc, camera data, personal data, file info*
        en: location from file, where it was taken, location info, gps info, without metadata
        de: ohne Metadaten, metadaten, exif*, gps*, standort*, geodaten, ortsdaten, kameradaten, aufnahmeort
        de: aufnahmedaten, bildinformation*, ortsangabe*, aufnahmeinfo*
        fr: sans métadonnées, metadonnee*, exif, gps, geolocalisation, localisation, donnees appareil
        fr: donnees de l appareil, infos appareil, donnees cachees, donnees personnelles, lieu de prise
        es: sin metadatos, metadato*, exif, gps, ubicacion, geolocalizacion, datos de la camara, datos ocultos
        es: localizacion, datos de camara, informacion de la camara, datos personales, coordenadas
        zh: 去除元数据, 元数据, exif, gps, 位置信息, 拍摄信息, 定位, 地理位置, 拍摄地, 隐私信息, 相机信息, 拍摄数据
        ja: メタデータ削除, メタデータ, exif, gps, 位置情報, 撮影情報, 撮影場所, カメラ情報, 個人情報, 撮影データ
    """

    changes_file: ClassVar[bool] = True

    op: Literal["strip_metadata"] = "strip_metadata"
    color_profile: Literal["keep", "convert_to_srgb"] = Field(
        "keep", description="`convert_to_srgb` brings the colors to sRGB, which needs no profile in the file."
    )

    def apply(self, canvas: Canvas, tools: Tools) -> Canvas:  # noqa: ARG002
        if self.color_profile == "keep" or canvas.icc is None:
            return canvas
        if profiles.is_srgb(canvas.icc):
            return replace(canvas, icc=None)
        try:
            return replace(canvas, pixels=profiles.to_srgb(canvas.pixels, canvas.icc), icc=None)
        except ImageCms.PyCMSError:
            return canvas.warned("The colors could not be brought to sRGB; the picture keeps its color profile.")
