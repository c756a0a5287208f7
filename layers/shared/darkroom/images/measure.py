"""How large a picture is, from its header alone."""

import re
from io import BytesIO

from PIL import Image

_VIEW_BOX = re.compile(rb"viewBox=[\"']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+(\d+)[\d.]*[\s,]+(\d+)")
_SIDES = (re.compile(rb"<svg[^>]*\swidth=[\"'](\d+)"), re.compile(rb"<svg[^>]*\sheight=[\"'](\d+)"))
_HEAD = 4096


def measure(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as a viewer shows it; of an SVG its own units; (0, 0) if it does not say."""
    try:
        with Image.open(BytesIO(data)) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (height, width) if turned else (width, height)
    except Exception:  # noqa: BLE001 - Pillow raises nearly everything on what it does not know
        return _svg(data[:_HEAD])


def _svg(head: bytes) -> tuple[int, int]:
    sides = [found.search(head) for found in _SIDES]
    if all(sides):
        return tuple(int(side[1]) for side in sides if side)  # type: ignore[return-value]
    box = _VIEW_BOX.search(head)
    return (int(box[1]), int(box[2])) if box else (0, 0)
