"""Nothing that cutting out stands on may report home."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
from PIL import Image
from darkroom.adapters.segmenter import OnnxSegmenter
OnnxSegmenter(Path(sys.argv[1]), default="u2netp").load("u2netp")
"""
# Where onnxruntime stays silent by itself, the test would show nothing.
SILENCING = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"}


def test_onnxruntime_keeps_nothing_to_report(tmp_path: Path, weights_dir: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in SILENCING}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("XDG_DATA_HOME", None)
    subprocess.run([sys.executable, "-c", SCRIPT, str(weights_dir)], env=environment, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
