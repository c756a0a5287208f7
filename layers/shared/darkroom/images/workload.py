"""How long the pictures of one request may take to decode and write again, told by their headers."""

from typing import Final

from darkroom.errors import ImageTooLarge
from darkroom.images.decode import Header, read_header

MAX_SECONDS: Final = 10.0

# Seconds of one vCPU for a megapixel of a noisy photograph, measured with `normalise` and rounded up.
_STORED: Final = {"JPEG": 0.02, "PNG": 0.06, "WEBP": 0.04}
_ENCODED: Final = {
    "JPEG": 0.04,
    "PNG": 0.17,
    "WEBP": 0.2,
    "GIF": 0.12,
    "TIFF": 0.16,
    "BMP": 0.16,
    "AVIF": 0.12,
    "HEIF": 0.09,
}
# A progressive JPEG has 10 scans, which are in the figures above; each further one goes over all pixels again.
_COMMON_SCANS: Final = 10
_SCAN: Final = 0.01
_RUN_LENGTH_BYTE: Final = 0.5e-6


class Workload:
    """The pictures of one request: each is counted before it is decoded, and refused where all take too long."""

    def __init__(self) -> None:
        self._seconds = self._megapixels = 0.0
        self._pictures = 0

    def add(self, data: bytes, *, max_megapixels: float) -> None:
        """Counts a picture.

        Raises:
            ImageTooLarge: it has more than max_megapixels, or all so far take more than MAX_SECONDS.
            CallerError: it is no picture, as `decode` says.
        """
        header = read_header(data, max_megapixels=max_megapixels)
        self._pictures += 1
        self._megapixels += _megapixels(header)
        self._seconds += seconds(header)
        if self._seconds > MAX_SECONDS:
            together = f"The first {self._pictures} pictures have {self._megapixels:.0f} megapixels together"
            one = f"The picture has {self._megapixels:.0f} megapixels"
            raise ImageTooLarge(
                f"{one if self._pictures == 1 else together}, and would take {self._seconds:.0f} seconds to read;"
                f" {MAX_SECONDS:g} are allowed for a request.",
                fix="Scale them down, send fewer, or send them as JPEG, which is read much faster.",
                context={"max_seconds": MAX_SECONDS, "megapixels": round(self._megapixels, 1)},
            )


def seconds(header: Header) -> float:
    """About the most that it takes to decode the picture and to write it for a model."""
    found = header.contents
    is_stored = found.is_common and found.orientation == 1 and found.code is None
    rate = (_STORED if is_stored and header.kind in _STORED else _ENCODED)[header.kind]
    if header.kind == "HEIF" and header.mode not in ("RGB", "L"):
        rate = _ENCODED["PNG"]  # as which it is written, for its alpha
    twice = 2 if found.proof is not None else 1
    for_pixels = _megapixels(header) * (rate * twice + _SCAN * max(0, found.scans - _COMMON_SCANS))
    return for_pixels + found.run_length_bytes * _RUN_LENGTH_BYTE


def _megapixels(header: Header) -> float:
    width, height = header.size
    return width * height / 1e6
