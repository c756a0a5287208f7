"""GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt"""

from typing import Final

from darkroom.images.containers.contents import Contents, damaged

# Up to the second frame. The decoder takes a microsecond for each, and one of a byte is enough for a block.
MAX_BLOCKS: Final = 100_000
# Encoders fill them: 255 bytes each.
MAX_SUB_BLOCKS: Final = 1_000_000

_EXTENSION, _IMAGE, _TRAILER, _CONTROL = 0x21, 0x2C, 0x3B, 0xF9
_HEADER: Final = 13


def contents(data: bytes) -> Contents:
    """The first frame as a file by itself, without comments and other extensions.

    Raises:
        UnreadableImage: in more blocks than a picture has.
    """
    if len(data) < _HEADER:
        return Contents(data)
    walk = _Walk(data)
    begin = at = _HEADER + _table(data[10])
    control, frame = b"", b""
    for _ in range(MAX_BLOCKS):
        kind = data[at] if at < len(data) else _TRAILER
        if kind == _TRAILER or (kind == _IMAGE and frame):
            return Contents(_alone(data, begin, control, frame), has_more_frames=kind == _IMAGE)
        if kind == _IMAGE:
            behind = at + 10 + (_table(data[at + 9]) if at + 9 < len(data) else 0) + 1
            frame = data[at : walk.over(behind)]
            at += len(frame)
        elif kind == _EXTENSION:
            end = walk.over(at + 2)
            if data[at + 1 : at + 2] == bytes((_CONTROL,)) and not frame:
                control = data[at:end]
            at = end
        else:
            at += 1
    if frame:
        return Contents(_alone(data, begin, control, frame))
    raise damaged(f"The GIF file has more than {MAX_BLOCKS} blocks before its picture.")


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_SUB_BLOCKS

    def over(self, at: int) -> int:
        """The place behind sub-blocks that begin there; the file's end if they are cut off."""
        while at < len(self._data):
            size = self._data[at]
            at += size + 1
            self._left -= 1
            if not size:
                break
            if not self._left:
                raise damaged(f"The GIF file is in more than {MAX_SUB_BLOCKS} pieces.")
        return min(at, len(self._data))


def _table(packed: int) -> int:
    """Bytes of a color table, as its flags tell."""
    return 3 * (2 << (packed & 7)) if packed & 0x80 else 0


def _alone(data: bytes, begin: int, control: bytes, frame: bytes) -> bytes:
    return b"".join((data[:begin], control, frame, b";")) if frame else data
