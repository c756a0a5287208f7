"""AV1: as much of a sequence header as tells how large frames are (https://aomediacodec.github.io/av1-spec, 5.5)."""

from typing import Final

_SEQUENCE_HEADER: Final = 1
_MAX_UNITS: Final = 16


class _Bits:
    """Reads from the highest bit on. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | (self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1)
            self._at += 1
        return value


def frame_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that the first sequence header in some units (OBUs) allows; None if there is none."""
    try:
        header = _sequence_header(data)
        return None if header is None else _size(_Bits(header))
    except IndexError:
        return None


def _sequence_header(data: bytes) -> bytes | None:
    at = 0
    for _ in range(_MAX_UNITS):
        head = data[at]
        at += 2 if head & 4 else 1
        size, shift = 0, 0
        while head & 2:
            byte = data[at]
            size |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80 or shift > 28:
                break
        body = data[at : at + size] if head & 2 else data[at:]
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return body
        at += len(body)
    return None


def _size(bits: _Bits) -> tuple[int, int]:
    bits.take(4)  # profile, still picture
    if bits.take(1):  # reduced header of a still picture
        bits.take(5)
    else:
        _skip_operating_points(bits)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(across) + 1, bits.take(down) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = None
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):  # pictures at equal intervals: a number in Golomb's code
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(zeros if zeros < 32 else 0)
        if bits.take(1):  # a decoder's model
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits is not None and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)
