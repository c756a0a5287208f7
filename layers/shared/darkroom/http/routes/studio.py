"""The page at `/`: files of the function's package, with a content security policy that names each of its scripts.

The address of a file has the digest of all files in it, so browsers keep them for good, and relative imports lead to
files of the same release. The page itself is asked for again each time, and answered by 304 while it is the same.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from darkroom.application import Application
from darkroom.errors import NotFound
from darkroom.http.app import Api
from darkroom.http.schemas.studio import FILE, FILE_IN_FOLDER, KINDS, PAGE

_IMPORT_MAP: Final = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)
# As index.html names the folder of this release.
_PLACE: Final = b"/studio/_/"
_FOREVER: Final = "public, max-age=31536000, immutable"
_EACH_TIME: Final = "no-cache"
# These are compressed as they are.
_PACKED: Final = frozenset({"image/webp", "font/woff2"})
# What nothing but a reader of the source needs: whole lines of comments, and indentation. No literal of the page has
# either as a part of what it says.
_FOR_READERS: Final = re.compile(rb"^[ \t]*(?://[^\n]*\n|/\*.*?\*/[ \t]*\n)|^[ \t]+", re.MULTILINE | re.DOTALL)
_VENDORED: Final = "vendor/"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. Args: packed: the same by gzip, where that is smaller."""

    kind: str
    content: bytes
    packed: bytes | None

    @classmethod
    def of(cls, kind: str, content: bytes) -> "Asset":
        packed = None if kind in _PACKED else gzip.compress(content, mtime=0)
        return cls(kind, content, packed if packed and len(packed) < len(content) else None)

    @property
    def etag(self) -> str:
        return f'W/"{hashlib.sha256(self.content).hexdigest()[:24]}"'


class Files:
    """The page and its files, read and compressed once.

    Args:
        folder: has `index.html`, other files beside it and in folders of one level.
        origins: beside its own, where the page may send pictures to and show them from.
    """

    def __init__(self, folder: Path, origins: Sequence[str] = ()) -> None:
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.suffix in KINDS
        }
        everything = hashlib.sha256()
        for name, content in found.items():
            everything.update(f"{name}\0{len(content)}\0".encode() + content)
        self.version = everything.hexdigest()[:16]
        written = (folder / "index.html").read_bytes()
        page = written.replace(_PLACE, f"/studio/{self.version}/".encode())
        self.page = Asset.of("text/html", page)
        self.policy = _policy(page, origins)
        self._assets = {
            name: Asset.of(KINDS[Path(name).suffix], served(name, content)) for name, content in found.items()
        }

    def file(self, name: str) -> Asset:
        """Raises NotFound."""
        if name not in self._assets:
            raise NotFound(f"The page has no file {name[:100]!r}.", fix="Load the page again; it is at `/`.")
        return self._assets[name]


def served(name: str, content: bytes) -> bytes:
    """A file as browsers get it: vendored ones byte for byte, our scripts and styles without what is for readers."""
    own = name.endswith((".js", ".css")) and not name.startswith(_VENDORED)
    return _FOR_READERS.sub(b"", content) if own else content


def routes(app: Application, files: Files) -> Api:
    api = Api(app.callers, app.rates, public=frozenset({PAGE.route, FILE.route, FILE_IN_FOLDER.route}))

    @api.serve(PAGE)
    def page() -> Response[Any]:
        return _answered(api, files.page, _EACH_TIME, {"content-security-policy": files.policy})

    def kept(version: str) -> str:
        # A tab that a former release opened may yet ask for what it has not loaded: it gets what there is now.
        return _FOREVER if version == files.version else _EACH_TIME

    @api.serve(FILE)
    def file(version: str, file: str) -> Response[Any]:
        return _answered(api, files.file(file), kept(version))

    @api.serve(FILE_IN_FOLDER)
    def file_in_folder(version: str, folder: str, file: str) -> Response[Any]:
        return _answered(api, files.file(f"{folder}/{file}"), kept(version))

    return api


def _answered(api: Api, asset: Asset, kept: str, headers: dict[str, str] | None = None) -> Response[Any]:
    told = {"etag": asset.etag, "cache-control": kept, "vary": "accept-encoding", **(headers or {})}
    asked = api.headers
    if asset.etag.removeprefix("W/") in asked.get("if-none-match", ""):
        return Response(304, asset.kind, "", headers=told)
    kind = f"{asset.kind}; charset=utf-8" if asset.kind.startswith("text/") else asset.kind
    if asset.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        return Response(200, kind, asset.packed, headers={**told, "content-encoding": "gzip"})
    return Response(200, kind, asset.content, headers=told)


def _policy(page: bytes, origins: Sequence[str]) -> str:
    """What the page may run, load and call: files of this origin, its import map by its digest, and the buckets."""
    found = _IMPORT_MAP.search(page)
    digest = base64.b64encode(hashlib.sha256(found[1] if found else b"").digest()).decode()
    buckets = "".join(f" {origin}" for origin in origins)
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; font-src 'self'; "
        f"img-src 'self' blob: data:{buckets}; connect-src 'self'{buckets}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
