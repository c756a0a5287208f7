"""How large a picture is, from its header alone."""

import re

from darkroom.errors import CallerError

_VIEW_BOX = re.compile(rb"viewBox=[\"']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+(\d+)[\d.]*[\s,]+(\d+)")
_SIDES = (re.compile(rb"<svg[^>]*\swidth=[\"'](\d+)"), re.compile(rb"<svg[^>]*\sheight=[\"'](\d+)"))
_HEAD = 4096


def measure(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as a viewer shows it; of an SVG its own units; (0, 0) if it does not say."""
    # Here, for Pillow is loaded with it, and most requests have no picture in them.
    from darkroom.images.decode import upright_size

    try:
        return upright_size(data)
    except CallerError:
        return _svg(data[:_HEAD])


def _svg(head: bytes) -> tuple[int, int]:
    sides = [found.search(head) for found in _SIDES]
    if all(sides):
        return tuple(int(side[1]) for side in sides if side)  # type: ignore[return-value]
    box = _VIEW_BOX.search(head)
    return (int(box[1]), int(box[2])) if box else (0, 0)
