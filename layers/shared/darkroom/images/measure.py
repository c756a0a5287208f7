"""How large a picture is, from its header alone."""

import re

from darkroom.errors import CallerError

_VIEW_BOX = re.compile(rb"viewBox=[\"']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+(\d+)[\d.]*[\s,]+(\d+)")
_SIDES = (re.compile(rb"<svg[^>]*\swidth=[\"'](\d+)"), re.compile(rb"<svg[^>]*\sheight=[\"'](\d+)"))
_HEAD = 4096
_PNG = b"\x89PNG\r\n\x1a\n"


def measure(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as a viewer shows it; of an SVG its own units; (0, 0) if it does not say."""
    size = _plain_png(data)
    if size is not None:
        return size
    # Here, for Pillow is loaded with it, and most requests have no picture in them.
    from darkroom.images.decode import upright_size

    try:
        return upright_size(data)
    except CallerError:
        return _svg(data[:_HEAD])


def _plain_png(data: bytes) -> tuple[int, int] | None:
    """Of a PNG that does not say which side is up, as nearly all. Its chunks are only counted."""
    if not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return None
    at = len(_PNG)
    while at + 8 <= len(data) and (name := data[at + 4 : at + 8]) != b"IEND":
        if name == b"eXIf" or not name.isalpha():
            return None
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    width, height = (int.from_bytes(data[place : place + 4], "big") for place in (16, 20))
    return (width, height) if at + 8 <= len(data) and width and height else None


def _svg(head: bytes) -> tuple[int, int]:
    sides = [found.search(head) for found in _SIDES]
    if all(sides):
        return tuple(int(side[1]) for side in sides if side)  # type: ignore[return-value]
    box = _VIEW_BOX.search(head)
    return (int(box[1]), int(box[2])) if box else (0, 0)
