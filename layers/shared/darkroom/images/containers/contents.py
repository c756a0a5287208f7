"""What was found in a file."""

from dataclasses import dataclass, field
from typing import Final

from darkroom.errors import UnreadableImage, UnsupportedImage
from darkroom.images.colour_codes import ColourCode

CUT_SHORT: Final = "It may be damaged or cut short: check that it opens in another program and that all of it was sent."
DAMAGED_EXIF: Final = "The file's EXIF data are damaged; an orientation in them was ignored."
IGNORED_PROFILE: Final = "The file's colour profile is damaged or does not fit the picture; it was ignored."


@dataclass(frozen=True, slots=True)
class Contents:
    """A file taken apart.

    Attributes:
        data: a file of the same format with nothing in it but one picture; or the file as it came, of a format that is
            not taken apart.
        icc: its colour profile, as bytes that may still be no profile; None where the decoder has to be asked.
        code: what its colours are where it says so by numbers and not by a profile.
        orientation: 1 to 8, as EXIF counts.
        size: width and height as the file says them, where its decoder refuses large ones without saying that.
        has_more_frames: whether it holds further pictures, where that was looked at here.
        is_common: whether `data` is stored in a way that everybody reads: no CMYK, 16 bits or grey with alpha.
        scans: how often a decoder goes over all of the picture.
        run_length_bytes: how many bytes are taken one by one, by a slow decoder.
        proof: a file that decodes to the same picture as `data` only if none of its pixels are missing.
        warnings: what was ignored, as sentences.
        dpi: pixels per inch, across and down, where it was read here and not by the decoder.
    """

    data: bytes = field(repr=False)
    icc: bytes | None = None
    code: ColourCode | None = None
    orientation: int = 1
    size: tuple[int, int] | None = None
    has_more_frames: bool = False
    is_common: bool = False
    scans: int = 1
    run_length_bytes: int = 0
    proof: bytes | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    dpi: tuple[float, float] | None = None


def damaged(detail: str) -> UnreadableImage:
    return UnreadableImage(detail, fix=CUT_SHORT)


def unsupported(kind: str, what: str) -> UnsupportedImage:
    """Args: what: the kind of picture, as it follows "is", such as `a 12-bit JPEG`."""
    return UnsupportedImage(
        f"The {kind} file is {what}, a kind that is not supported here. The file itself may be perfectly sound.",
        fix="Save it as an 8-bit PNG or JPEG and send that.",
        context={"kind": what},
    )
