"""What kind of file some bytes are, told by their beginning and never by a label."""

from darkroom.errors import EmptyImage, UnsupportedMediaType

# Pillow's name of each accepted format, and ours.
ACCEPTED = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "GIF": "GIF",
    "TIFF": "TIFF",
    "BMP": "BMP",
    "AVIF": "AVIF",
    "HEIF": "HEIC",
}

_IMAGES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
)
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (b"ID3", "an MP3 recording"),
)
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")


def sniff(data: bytes) -> str:
    """Pillow's name of the format, one of `ACCEPTED`.

    Raises:
        EmptyImage: there are no bytes.
        UnsupportedMediaType: they are something else; the error says what they look like and what is accepted.
    """
    if not data:
        raise EmptyImage("The file is empty: 0 bytes.", fix="Send the bytes of a picture.")
    found = _image_format(data)
    if found is None:
        accepted = list(ACCEPTED.values())
        looks_like = _describe(data)
        raise UnsupportedMediaType(
            f"The file looks like {looks_like}, which is not an image that is accepted here.",
            fix=f"Send one of: {', '.join(accepted)}.",
            context={"looks_like": looks_like, "accepted": accepted},
        )
    return found


def media_type_of(data: bytes) -> str:
    """Such as `image/jpeg`; raises as `sniff` does."""
    return f"image/{sniff(data).lower()}"


def _image_format(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(data)
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    if any(brand in _HEIC_BRANDS for brand in brands):
        return "HEIF"
    return next((name for magic, name in _IMAGES if data.startswith(magic)), None)


def _brands(data: bytes) -> list[bytes]:
    """The brands of an ISO media file (AVIF, HEIC, MP4), the major one first; none for anything else."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), 128, len(data))
    return [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]


def _describe(data: bytes) -> str:
    if _brands(data):
        return "an MP4 or QuickTime video"
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return name
    return _describe_text(data[:2048])


def _describe_text(head: bytes) -> str:
    # The end may cut a character in two; a file with zero bytes is no text in any encoding met here.
    text = head.decode("utf-8-sig", errors="ignore").lstrip().lower()
    if b"\x00" in head or len(text.encode()) < len(head.strip()) * 0.9:
        return "binary data of an unknown kind"
    if "<svg" in text:
        return "an SVG drawing"
    if text.startswith("<!doctype html") or "<html" in text:
        return "an HTML page"
    if text.startswith("<?xml"):
        return "an XML document"
    if text.startswith(("{", "[")):
        return "JSON"
    return "base64 or a data URL" if text.startswith("data:") else "plain text"
