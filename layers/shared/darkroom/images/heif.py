"""HEIC, decoded by libheif and libde265 (LGPL; docs/adr/0022), which are loaded when the first such file comes."""

from io import BytesIO
from typing import Any

from pi_heif import HeifImageFile, options
from PIL import Image

from darkroom.images.containers.contents import damaged, unsupported

# Previews, depth maps and gain maps are not looked at: the primary picture is the one for ordinary screens.
options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
options.DECODE_THREADS = 2


class HeifPicture(HeifImageFile):  # type: ignore[misc]
    """The primary picture, upright as `irot` and `imir` say, which the decoder obeys; EXIF has no say."""

    def load(self) -> Any:
        try:
            return super().load()
        except Exception as error:
            raise _refusal(error) from error


def opened(data: bytes) -> Image.Image:
    """The picture, of which only the header is read; it is decoded by `load`.

    Raises:
        UnsupportedImage: coded in another way than HEVC.
        UnreadableImage: damaged.
    """
    try:
        return HeifPicture(BytesIO(data))
    except Exception as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> Exception:
    """libheif says in words alone whether it is the file or its own abilities."""
    if "nsupported" in str(error):
        return unsupported("HEIC", "coded in a way other than HEVC in 8 to 12 bits")
    return damaged("The file begins like a HEIC image, but cannot be decoded.")
