"""Background removal against rembg: time from file to PNG, memory, and the time until a fresh process has a mask.

    python -m benchmarks.background_removal [--model u2net] [--megapixels 0.5 2 12 24] [--photo astronaut]

Both use the same weights. The two take turns, so that whatever else the machine does meets both; figures are medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTESTANTS = ("darkroom", "rembg")


# --- what is measured; imports stand inside, since importing is part of what a cold start costs -----------------------


def make_darkroom(weights: Path, model: str) -> tuple[Callable[[bytes], bytes], Callable[[bytes], object]]:
    """Functions from a file to a PNG, and from a file to a mask; the model is loaded."""
    from io import BytesIO

    from PIL import Image

    from darkroom.adapters.matter import RembgMatter
    from darkroom.adapters.segmenter import OnnxSegmenter
    from darkroom.images.pipeline import remove_background
    from darkroom.models.cutout import CutoutOptions

    segmenter, matter = OnnxSegmenter(weights, default=model), RembgMatter()
    segmenter.load(model)

    def to_png(data: bytes) -> bytes:
        return remove_background(
            data, CutoutOptions(), segmenter=segmenter, matter=matter, default_model=model, max_megapixels=50
        ).data

    return to_png, lambda data: segmenter.mask(Image.open(BytesIO(data)).convert("RGB"), model)


def make_rembg(weights: Path, model: str) -> tuple[Callable[[bytes], bytes], Callable[[bytes], object]]:
    from io import BytesIO

    os.environ["U2NET_HOME"] = str(weights)
    import rembg
    from PIL import Image

    session: Any = rembg.new_session(model, providers=["CPUExecutionProvider"])

    def to_png(data: bytes) -> bytes:
        result: bytes = rembg.remove(data, session=session)
        return result

    return to_png, lambda data: session.predict(Image.open(BytesIO(data)).convert("RGB"))


MAKE = {"darkroom": make_darkroom, "rembg": make_rembg}


# --- in a process of its own ------------------------------------------------------------------------------------------


def run_alone(who: str, task: str, weights: Path, model: str, photo: Path) -> None:
    """Prints seconds until ready, seconds until the first answer, and the peak of memory in MiB, as JSON."""
    start = time.perf_counter()
    to_png, to_mask = MAKE[who](weights, model)
    ready = time.perf_counter() - start
    data = photo.read_bytes()
    for _ in range(3 if task == "memory" else 1):
        (to_png if task == "memory" else to_mask)(data)
        first = time.perf_counter() - start
    print(json.dumps([ready, first, peak_mib()]))


def peak_mib() -> float:
    """This process's peak. Linux's getrusage would count the parent's as well."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def alone(who: str, task: str, arguments: argparse.Namespace, photo: Path) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.background_removal", "--alone", who, task, str(photo)]
    options = ["--model", arguments.model, "--weights", str(arguments.weights)]
    done = subprocess.run([*command, *options], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- the tables -------------------------------------------------------------------------------------------------------


def print_row(cells: Sequence[object], widths: Sequence[int]) -> None:
    print("  ".join(str(cell).rjust(width) for cell, width in zip(cells, widths, strict=True)), flush=True)


def compare_sizes(arguments: argparse.Namespace, photos: dict[float, Path]) -> None:
    widths = (6, 12, 12, 7, 12, 12, 12, 12)
    print(f"\nFile to PNG, warm, {arguments.model}, a JPEG of `{arguments.photo}`")
    print_row(("MP", "darkroom ms", "rembg ms", "ratio", "darkroom MB", "rembg MB", "peak MiB", "peak MiB"), widths)
    run = {who: MAKE[who](arguments.weights, arguments.model)[0] for who in CONTESTANTS}
    for megapixels, path in photos.items():
        data = path.read_bytes()
        taken: dict[str, list[float]] = {who: [] for who in CONTESTANTS}
        size = {who: len(run[who](data)) / 1e6 for who in CONTESTANTS}
        for _ in range(arguments.rounds if megapixels < 10 else max(arguments.rounds // 2, 3)):
            for who in CONTESTANTS:
                start = time.perf_counter()
                run[who](data)
                taken[who].append((time.perf_counter() - start) * 1000)
        ours, theirs = (statistics.median(taken[who]) for who in CONTESTANTS)
        peaks = [f"{alone(who, 'memory', arguments, path)[2]:.0f}" for who in CONTESTANTS]
        sizes = [f"{size[who]:.2f}" for who in CONTESTANTS]
        print_row((f"{megapixels:g}", f"{ours:.0f}", f"{theirs:.0f}", f"{theirs / ours:.2f}x", *sizes, *peaks), widths)


def compare_cold_starts(arguments: argparse.Namespace, photo: Path) -> None:
    widths = (10, 10, 14, 10)
    print(f"\nFresh process to first mask, {arguments.model}, 2 MP (files cached, numba's compilations too)")
    print_row(("", "loaded s", "first mask s", "peak MiB"), widths)
    runs: dict[str, list[list[float]]] = {who: [] for who in CONTESTANTS}
    for _ in range(arguments.cold_rounds):
        for who in CONTESTANTS:
            runs[who].append(alone(who, "mask", arguments, photo))
    firsts = []
    for who in CONTESTANTS:
        ready, first, peak = (statistics.median(column) for column in zip(*runs[who], strict=True))
        firsts.append(first)
        print_row((who, f"{ready:.2f}", f"{first:.2f}", f"{peak:.0f}"), widths)
    print(f"ratio of the first mask: {firsts[1] / firsts[0]:.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="u2netp", choices=["u2netp", "u2net"])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.5, 2, 12, 24])
    parser.add_argument("--photo", default="astronaut", help="a photograph of scikit-image's wheel")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cold-rounds", type=int, default=5)
    parser.add_argument("--weights", type=Path, default=ROOT / ".local" / "weights")
    parser.add_argument("--alone", nargs=3, metavar=("WHO", "TASK", "PHOTO"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        who, task, photo = arguments.alone
        run_alone(who, task, arguments.weights, arguments.model, Path(photo))
        return
    from tests.photos import jpeg

    with tempfile.TemporaryDirectory() as scratch:
        photos = {}
        for megapixels in sorted({*arguments.megapixels, 2.0}):
            photos[megapixels] = Path(scratch) / f"{megapixels:g}.jpg"
            photos[megapixels].write_bytes(jpeg(arguments.photo, megapixels))
        compare_cold_starts(arguments, photos[2.0])
        compare_sizes(arguments, {megapixels: photos[megapixels] for megapixels in sorted(arguments.megapixels)})


if __name__ == "__main__":
    main()
