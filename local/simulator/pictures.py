"""The painter: pictures that depend on the prompt, the size and the seed, and are the same for the same three."""

import io
import math
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from local.simulator import retouch, vector
from local.simulator.additions import added
from local.simulator.canvas import Canvas
from local.simulator.mark import marked
from local.simulator.scenes import ACCENTED, scene_for

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "svg": "image/svg+xml"}
# Larger pictures are painted with this side and enlarged.
MAX_DETAIL = 1024
# What tests have painted: in a fifth of the time, and as files of a twentieth of the bytes.
SKETCH = 64
# Where real pictures carry their content credentials (C2PA); a placeholder of the same kind.
_CREDENTIALS = b"simulated content credentials"


def make(
    prompt: str,
    size: tuple[int, int],
    seed: int,
    *,
    form: str = "png",
    references: Sequence[Image.Image] = (),
    transparent: bool = False,
    compression: int | None = None,
    detail: int = MAX_DETAIL,
) -> bytes:
    """A picture as a file.

    Args:
        form: "png", "jpeg", "webp" or "svg".
        references: pictures to edit; the first is changed, the others are put in.
        transparent: only what is in the middle is painted.
        compression: 0 to 100, for formats that lose something.
        detail: side in pixels, of a square, in which it is painted before it is enlarged; a sketch stays in squares.
    """
    if form == "svg":
        return vector.draw(prompt, size, seed)
    if detail < MAX_DETAIL and not references:
        return _sketch(prompt, size, seed, form, transparent, compression, detail)
    return _made(prompt, size, seed, form, references, transparent, compression, detail)


@lru_cache(maxsize=256)
def _sketch(
    prompt: str, size: tuple[int, int], seed: int, form: str, transparent: bool, compression: int | None, detail: int
) -> bytes:
    """A picture of few details, kept: tests ask for the same ones again, and they are small."""
    return _made(prompt, size, seed, form, (), transparent, compression, detail)


def _made(
    prompt: str,
    size: tuple[int, int],
    seed: int,
    form: str,
    references: Sequence[Image.Image],
    transparent: bool,
    compression: int | None,
    detail: int,
) -> bytes:
    picture = edit(prompt, references, size, seed, detail) if references else paint(prompt, size, seed, detail)
    return encode(marked(_cut_out(picture) if transparent else picture), form, compression)


def paint(prompt: str, size: tuple[int, int], seed: int, detail: int = MAX_DETAIL) -> Image.Image:
    """A new picture."""
    small = _reduced(size, detail)
    canvas = Canvas(small, zlib.crc32(prompt.lower().encode()) ^ (seed & 0xFFFFFFFF))
    scene = scene_for(prompt)
    canvas.accent = retouch.named_colour(prompt, neutrals=True)
    scene(canvas)
    canvas.grain(0.008)
    picture = canvas.image()
    # "A city at night" is the city, and then the night. What the scene is anyway need not be done to it.
    rest = re.sub(rf"\b{scene.__name__}s?\b", "", prompt, flags=re.IGNORECASE)
    for change in retouch.matching(rest, tints=scene not in ACCENTED):
        picture = change(picture, seed)
    return _enlarged(picture, size, detail)


def edit(
    prompt: str, references: Sequence[Image.Image], size: tuple[int, int], seed: int, detail: int = MAX_DETAIL
) -> Image.Image:
    """The first reference, changed as the prompt says."""
    small = _reduced(size, detail)
    picture = ImageOps.fit(_opaque(references[0]), small, Image.Resampling.LANCZOS)
    changed = picture
    extended = added(picture, prompt, seed)
    for change in retouch.matching(prompt, tints=extended is None):
        changed = change(changed, seed)
    changed = changed if extended is None else added(changed, prompt, seed) or changed
    for place, other in enumerate(references[1:4]):
        _inset(changed, other, place)
    if changed is picture:
        changed = retouch.framed(picture, prompt)
    return _enlarged(changed, size, detail)


def encode(picture: Image.Image, form: str, compression: int | None = None) -> bytes:
    data = io.BytesIO()
    quality = 90 if compression is None else max(1, min(95, compression))
    if form == "png":
        credentials = PngImagePlugin.PngInfo()
        credentials.add(b"caBX", _CREDENTIALS)
        picture.save(data, "PNG", compress_level=1, pnginfo=credentials)
    elif form == "jpeg":
        segment = b"\xff\xeb" + (len(_CREDENTIALS) + 2).to_bytes(2, "big") + _CREDENTIALS
        picture.convert("RGB").save(data, "JPEG", quality=quality, extra=segment)
    else:
        # Lossless unless something else is asked for, as the model does whose default it is.
        picture.save(
            data, "WEBP", lossless=compression is None, quality=10 if compression is None else quality, method=0
        )
    return data.getvalue()


def _reduced(size: tuple[int, int], detail: int) -> tuple[int, int]:
    factor = min(1.0, math.sqrt(detail * detail / (size[0] * size[1])))
    return max(16, round(size[0] * factor)), max(16, round(size[1] * factor))


def _enlarged(picture: Image.Image, size: tuple[int, int], detail: int) -> Image.Image:
    if picture.size == size:
        return picture
    return picture.resize(size, Image.Resampling.NEAREST if detail <= SKETCH else Image.Resampling.BICUBIC)


def _opaque(picture: Image.Image) -> Image.Image:
    """On white, where it is transparent."""
    picture = ImageOps.exif_transpose(picture).convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")


def _inset(picture: Image.Image, other: Image.Image, place: int) -> None:
    """Puts another picture into the lower right corner, in a white border."""
    side = min(picture.size) // 4
    small = ImageOps.expand(ImageOps.fit(_opaque(other), (side, side)), max(2, side // 30), "white")
    gap = side // 10
    picture.paste(small, (picture.width - (small.width + gap) * (place + 1), picture.height - small.height - gap))


def _cut_out(picture: Image.Image) -> Image.Image:
    canvas = Canvas(picture.size, 0)
    distance = np.sqrt(((canvas.x / canvas.shape - 0.5) / 0.42) ** 2 + ((canvas.y - 0.52) / 0.46) ** 2)
    alpha = (np.clip((1 - distance) * 30, 0, 1) * 255).astype(np.uint8)
    cut = picture.convert("RGB")
    cut.putalpha(Image.fromarray(alpha, "L"))
    return cut
