"""A file that somebody put under `inbox/{user}/` in the uploads bucket."""

import hashlib
import re
from pathlib import PurePosixPath

from msgspec import Struct

from darkroom.models.token import USER_PATTERN

INBOX = "inbox"


class DroppedFile(Struct, frozen=True):
    """One object version, as an S3 event names it (key already decoded)."""

    bucket: str
    key: str
    version: str | None
    etag: str
    sequencer: str
    receives: int = 1

    @property
    def user(self) -> str | None:
        """Whose inbox it lies in; None where the key names nobody who could be a user."""
        parts = self.key.split("/", 2)
        if len(parts) < 3 or parts[0] != INBOX or not re.fullmatch(USER_PATTERN, parts[1]):
            return None
        return parts[1]

    @property
    def is_folder(self) -> bool:
        """Consoles make empty objects to show a folder."""
        return self.key.endswith("/")

    @property
    def stem(self) -> str:
        """The file's name without folders and ending, for the name of the result."""
        return PurePosixPath(self.key).stem

    @property
    def identity(self) -> str:
        """The same for every delivery of the same object version, and for no other.

        A version id says it by itself. Without versioning, the sequencer tells two writes of one key apart.
        """
        mark = self.version or f"{self.sequencer}:{self.etag}"
        return hashlib.sha256("\0".join((self.bucket, self.key, mark)).encode()).hexdigest()
