"""What every command works with."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from darkroom_cli import money
from darkroom_cli.client import KINDS, Client
from darkroom_cli.failures import WrongUsage
from darkroom_cli.pending import Pending
from darkroom_cli.progress import Progress

# Uploads at the same time.
_HANDS = 4
_ENDINGS = {kind: ending for ending, kind in KINDS.items() if ending not in (".jpeg", ".tif", ".heif")} | {
    "image/svg+xml": ".svg"
}


@dataclass(frozen=True)
class Context:
    """Attributes:
    out: for what a command makes: paths, figures. Everything else goes to `progress`.
    """

    client: Client
    pending: Pending
    progress: Progress
    out: TextIO

    def tell(self, text: str) -> None:
        print(self.progress.without_secret(text), file=self.out, flush=True)

    def look(self, job: Mapping[str, Any]) -> None:
        """Shows how a job stands, while it goes on."""
        progress = (job.get("output") or {}).get("progress") or {}
        far = f" {progress.get('done', 0) + progress.get('failed', 0)} of {progress['total']}" if progress else ""
        self.progress.show(f"{job.get('id')} {job.get('status')}{far} …")

    def finish(self, job: Mapping[str, Any]) -> None:
        """Says what is worth knowing of a job that is over, and what it cost."""
        self.progress.clear()
        for warning in job.get("warnings") or ():
            self.progress.note(f"Note: {warning}")
        self.progress.say(money.charged(job.get("cost") or {}))

    def upload_all(self, photos: Sequence[Path], label: str) -> list[str]:
        """The ids, in the order of the photos."""
        sizes = sum(_size(photo) for photo in photos)
        hands = ThreadPoolExecutor(_HANDS)
        try:
            with self.progress.bar(label, sizes) as advance:
                return list(hands.map(lambda photo: self.client.upload(photo, advance), photos))
        finally:
            # After Ctrl-C the others are not waited for; they end with the process.
            hands.shutdown(wait=False, cancel_futures=True)


def ending_of(image: Mapping[str, Any]) -> str:
    return _ENDINGS.get(str(image.get("media_type")), ".png")


def format_of(path: Path | None) -> str | None:
    """The format that a file's name asks for: `png`, `webp`, `jpeg`."""
    kind = KINDS.get(path.suffix.lower(), "") if path is not None else ""
    return kind.removeprefix("image/") if kind in ("image/png", "image/webp", "image/jpeg") else None


def require_files(photos: Sequence[Path]) -> None:
    """Raises WrongUsage for the first that is none, before anything is sent."""
    for photo in photos:
        if not photo.is_file():
            what = "is a folder" if photo.is_dir() else "is not there"
            raise WrongUsage(f"{photo} {what}. Name a file with a picture.")


def free_name(wanted: Path, taken: frozenset[Path] = frozenset()) -> Path:
    """The path, or with a number behind it the first that is not there."""
    number, path = 1, wanted
    while path.exists() or path in taken:
        number += 1
        path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return path


def _size(photo: Path) -> int:
    try:
        return photo.stat().st_size
    except OSError as error:
        raise WrongUsage(f"{photo} cannot be read ({error.strerror}).") from error
