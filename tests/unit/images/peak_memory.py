"""Does one work on the largest pictures that are accepted, and writes the peak of this process's memory in MB.

    python -m tests.unit.images.peak_memory FOLDER --make
    python -m tests.unit.images.peak_memory FOLDER "deep PNG"

The files are made before, in a process whose memory does not count.
"""

import re
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

SIDE: Final = 5000  # 25 megapixels, the default of MaxMegapixels
LARGEST_HERE: Final = 3464  # 12 megapixels: larger ones go to the image function (services/recipes/render.py)
PAINTED: Final = 6300  # 40 megapixels, of what a model painted


def _saved(mode: str, kind: str, side: int = SIDE, **options: Any) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.new(mode, (side, side), {"F": 0.5, "I;16": 4000}.get(mode, 0)).save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def _png() -> bytes:
    return _saved("RGBA", "PNG", compress_level=1)


def _hdr() -> bytes:
    from tests.photos import png_chunk

    png = _png()
    return png[:33] + png_chunk(b"cICP", bytes((9, 16, 0, 1))) + png[33:]


def _deep() -> bytes:
    from tests.photos import png_file

    return png_file(SIDE, SIDE, depth=16, colour=6, rows=bytes(1 + 8 * SIDE) * SIDE)


def _heic() -> bytes:
    """10 bits a channel, in tiles, with alpha: 23.6 megapixels."""
    from tests.heif_files import Item, full_box, grid, heif_file, ispe, items_of, replace

    path = Path(__file__).parents[2] / "cases" / "pictures" / "heic_flat_10bit_tile.heic"
    tile = replace(items_of(path.read_bytes())[0], is_hidden=True)
    rows, columns = 9, 10
    count = rows * columns
    size = (512 * columns, 512 * rows)
    shown = Item(b"grid", grid(rows, columns, *size), (ispe(*size),), ((b"dimg", tuple(range(3, 3 + count))),))
    kind = full_box(b"auxC", b"urn:mpeg:hevc:2015:auxid:1\0")
    alpha = replace(
        shown.adding(kind),
        is_hidden=True,
        refers=((b"dimg", tuple(range(3 + count, 3 + 2 * count))), (b"auxl", (1,))),
    )
    return heif_file([shown, alpha, *[tile] * (2 * count)])


def _mask() -> bytes:
    from PIL import Image

    buffer = BytesIO()
    mask = Image.new("LA", (SIDE, SIDE), (0, 255))
    mask.paste((0, 0), (0, 0, SIDE // 2, SIDE))
    mask.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _normalised(files: list[bytes]) -> None:
    from darkroom.images.normalise import normalise

    normalise(files[0], max_megapixels=25)


def _composed(files: list[bytes]) -> None:
    from darkroom.images.mask import compose

    compose(*files, max_megapixels=25)


def _rendered(files: list[bytes]) -> None:
    from darkroom.operations import parse, render

    recipe = parse([{"op": "rotate", "angle": 20}])
    render(files[0], recipe, None, max_megapixels=25)  # type: ignore[arg-type]


def _small(files: list[bytes]) -> None:
    from darkroom.images.preview import thumbnail

    thumbnail(files[0], max_megapixels=40)


FILES: Final[dict[str, Callable[[], bytes]]] = {
    "PNG": _png,
    "deep PNG": _deep,
    "deep grey PNG": lambda: _saved("I;16", "PNG", compress_level=1),
    "HDR PNG": _hdr,
    "float TIFF": lambda: _saved("F", "TIFF"),
    "RGBA TIFF": lambda: _saved("RGBA", "TIFF"),
    "progressive JPEG without its end": lambda: _saved("RGB", "JPEG", progressive=True)[:-2],
    "CMYK JPEG": lambda: _saved("CMYK", "JPEG"),
    "WebP": lambda: _saved("RGBA", "WEBP", lossless=True, quality=0, method=0),
    "GIF": lambda: _saved("P", "GIF"),
    "BMP": lambda: _saved("RGB", "BMP"),
    "AVIF": lambda: _saved("RGB", "AVIF", speed=10),
    "HEIC": _heic,
    "mask": _mask,
    "painting": lambda: _saved("RGBA", "PNG", PAINTED, compress_level=1),
    "largest here": lambda: _saved("RGBA", "PNG", LARGEST_HERE, compress_level=1),
}
# What is done, and with which files: each of those that are sent is normalised.
WORKS: Final[dict[str, tuple[Callable[[list[bytes]], None], list[str]]]] = {
    **{name: (_normalised, [name]) for name in FILES if name not in ("mask", "painting", "largest here")},
    "an edit put together": (_composed, ["PNG", "painting", "mask"]),
    "a thumbnail of a painting": (_small, ["painting"]),
    "a recipe that lets it grow": (_rendered, ["largest here"]),
}


def make(folder: Path) -> None:
    """Writes all files, and keeps nothing of what that takes."""
    subprocess.run([sys.executable, "-m", "tests.unit.images.peak_memory", str(folder), "--make"], check=True)


def peak(folder: Path, name: str) -> int:
    """MB, of a process that does nothing else."""
    command = [sys.executable, "-m", "tests.unit.images.peak_memory", str(folder), name]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(folder: str, name: str) -> None:
    if name == "--make":
        for file, made in FILES.items():
            (Path(folder) / file).write_bytes(made())
        return
    work, files = WORKS[name]
    work([(Path(folder) / file).read_bytes() for file in files])
    sys.stdout.write(str(_peak_kb() // 1024))


def _peak_kb() -> int:
    """Of this program alone: `ru_maxrss` counts what the process that started it had, too."""
    status = Path("/proc/self/status")
    if status.exists():
        (found,) = re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())
        return int(found)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
