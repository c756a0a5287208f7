"""Where Darkroom is, and as whom it is called: options, then the environment, then the stack of `make up`."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from darkroom_cli.failures import Unreachable, WrongUsage

URL = "DARKROOM_URL"
TOKEN = "DARKROOM_TOKEN"  # noqa: S105 - a variable's name
_FILE = Path(".local") / "darkroom.json"
_TOKEN = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True)
class Connection:
    url: str
    token: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        return (urlsplit(self.url).hostname or "") in ("127.0.0.1", "::1", "localhost")


def find(url: str | None, token: str | None, *, environ: Mapping[str, str], folders: tuple[Path, ...]) -> Connection:
    """The connection that options, environment and a running `make up` give.

    The token of a file is sent to that file's address alone.

    Args:
        folders: where `.local/darkroom.json` is looked for, and in the folders above each.

    Raises:
        Unreachable: no address, or no token for it.
        WrongUsage: one that cannot be used.
    """
    url = url or environ.get(URL) or None
    token = token or environ.get(TOKEN) or None
    running = None if url and token else _running(folders)
    if url is None:
        if running is None:
            raise Unreachable(
                "Darkroom is not running here, and no other was named. Start it with `make up`, "
                f"or set {URL} and {TOKEN}."
            )
        url = str(running["url"])
    url = _origin(url)
    if token is None and running is not None and _origin(str(running["url"])) == url:
        token = str(running["token"])
    if token is None:
        raise Unreachable(f"There is no token for {url}. Set {TOKEN}: `make token` and the page of tokens make one.")
    if not _TOKEN.fullmatch(token):
        raise WrongUsage("The token has blanks, line ends or other characters that no token has. Copy it once more.")
    return Connection(url, token)


def _origin(url: str) -> str:
    """Without what people copy along with it."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise WrongUsage("The address is not one such as https://darkroom.example.com or http://127.0.0.1:8000.")
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _running(folders: tuple[Path, ...]) -> Mapping[str, Any] | None:
    for path in _files(folders):
        try:
            # A file that another user has put into a folder above would have the pictures sent to them.
            if path.stat().st_uid != os.getuid():
                continue
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and {"url", "token"} <= found.keys():
            return found
    return None


def _files(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        for each in (folder, *folder.parents):
            yield each / _FILE
