"""The page at `/` and the files that it is made of."""

from typing import Final

from darkroom.http.operation import HTML, Content, Operation

KINDS: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}
"""Media types by the ends of files' names."""
_FILES: Final[dict[int, Content]] = {200: dict.fromkeys(KINDS.values(), "bytes"), 304: {}}

PAGE: Final = Operation("GET /", {200: {HTML: "text"}, 304: {}})
FILE: Final = Operation("GET /studio/{version}/{file}", _FILES)
FILE_IN_FOLDER: Final = Operation("GET /studio/{version}/{folder}/{file}", _FILES)
