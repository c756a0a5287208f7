"""Darkroom's HTTP API as the commands use it: calls that are repeated where that is safe, uploads, jobs, downloads."""

import io
import mimetypes
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from darkroom_cli.connection import Connection
from darkroom_cli.failures import JobFailed, Refused, Undecided, Unreachable, WrongUsage

# What Lambda takes of a file in a request, less what stands around it.
MAX_IN_REQUEST = 4_400_000
MAX_UPLOAD = 50 * 1024 * 1024
# Python's own table lacks some of these in places.
KINDS: Mapping[str, str] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
}
_ATTEMPTS = 4
_PASSING = frozenset({429, 502, 503, 504})
_LONGEST_WAIT = 10.0
_LOOK_EVERY = 1.0

Advance = Callable[[int], None]
"""Told how many more bytes, pictures or looks there were."""


def kind_of(photo: Path) -> str:
    """The media type by the name. Darkroom itself goes by the first bytes, so a wrong guess does no harm."""
    return KINDS.get(photo.suffix.lower()) or mimetypes.guess_type(photo.name)[0] or "image/jpeg"


class Client:
    """Calls Darkroom. Used as a context.

    Args:
        sleep: waits for a number of seconds.
    """

    def __init__(self, connection: Connection, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.connection = connection
        self._sleep = sleep
        # A proxy of the environment is for the world outside, not for this machine.
        is_outside = not connection.is_loopback
        self._http = httpx.Client(timeout=httpx.Timeout(60, connect=10), trust_env=is_outside)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return self.object_of(self.call("GET", path, params=query, repeatable=True))

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, repeatable: bool, **sent: Any
    ) -> httpx.Response:
        """The answer, whatever success it is.

        Args:
            repeatable: whether it may be sent again although it may have arrived.
            sent: as httpx takes it.

        Raises:
            Refused, Unreachable
        """
        told = {"Authorization": f"Bearer {self.connection.token}", "User-Agent": "darkroom-cli", **(headers or {})}
        url = f"{self.connection.url}{path}"
        for attempt in range(1, _ATTEMPTS + 1):
            is_last = attempt == _ATTEMPTS
            try:
                answer = self._http.request(method, url, headers=told, **sent)
            except httpx.TransportError as error:
                # What could not even connect has not arrived.
                if is_last or not (repeatable or isinstance(error, httpx.ConnectError)):
                    raise Unreachable(f"{self.connection.url} does not answer ({_said(error)}).") from error
                self._sleep(0.5 * attempt)
                continue
            if answer.is_success or answer.is_redirect:
                return answer
            refused = Refused(answer.status_code, _problem(answer))
            if is_last or not repeatable or not _passes(answer, refused):
                raise refused
            self._sleep(_seconds(answer, 0.5 * attempt))
        raise AssertionError  # the last attempt returns or raises

    def object_of(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unreachable(
                f"{self.connection.url} answered something else than Darkroom does. Is the address right?"
            )
        return found

    def upload(self, photo: Path, advance: Advance) -> str:
        """The id by which routes take the file from now on."""
        size = _size(photo)
        if size > MAX_UPLOAD:
            raise WrongUsage(f"{photo} has {size / 1e6:.0f} MB; Darkroom takes up to {MAX_UPLOAD // 1024 // 1024}.")
        asked = {"media_type": kind_of(photo)}
        form = self.object_of(self.call("POST", "/v1/uploads", json=asked, repeatable=True))
        with Told(photo, advance) as file:
            try:
                # To the bucket, which the token is none of the business of.
                sent = self._http.post(form["url"], data=form["fields"], files={"file": file})
            except httpx.TransportError as error:
                raise Unreachable(f"{photo} could not be uploaded ({_said(error)}). Try again.") from error
        if not sent.is_success:
            raise Refused(sent.status_code, {"detail": f"The bucket did not take {photo} ({sent.status_code})."})
        return str(form["upload_id"])

    def wait(self, job_id: str, look: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
        """The job when it is over.

        Args:
            look: shown the job whenever it was looked at.

        Raises:
            JobFailed
            Undecided: the provider's answer was lost, and what it cost is being found out.
        """
        while True:
            answer = self.call("GET", f"/v1/jobs/{job_id}", repeatable=True)
            job = self.object_of(answer)
            look(job)
            if job.get("status") == "succeeded":
                return job
            if job.get("status") == "uncertain":
                raise Undecided(
                    f"The provider's answer to {job_id} was lost, and whether it was charged is being found out. "
                    "Run the same command again in some minutes: it asks for this job and pays nothing more."
                )
            if job.get("status") not in ("queued", "running"):
                raise JobFailed(job)
            self._sleep(_seconds(answer, _LOOK_EVERY))

    def download(self, url: str, to: Path) -> None:
        """Writes what a link leads to, whole or not at all. Replaces a file that is there."""
        try:
            answer = self._http.get(url, follow_redirects=True)
        except httpx.TransportError as error:
            raise Unreachable(f"{to.name} could not be fetched ({_said(error)}).") from error
        if not answer.is_success:
            raise Refused(answer.status_code, {"detail": f"The link to {to.name} answered {answer.status_code}."})
        write(to, answer.content)


class Told(io.BufferedReader):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, advance: Advance) -> None:
        super().__init__(io.FileIO(path))
        self._advance = advance

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._advance(len(data))
        return data


def write(path: Path, data: bytes) -> None:
    """In one step: a picture that is there is whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WrongUsage(f"{path} cannot be written ({error.strerror}).") from error


def _size(photo: Path) -> int:
    try:
        return photo.stat().st_size
    except OSError as error:
        raise WrongUsage(f"{photo} cannot be read ({error.strerror}).") from error


def _passes(answer: httpx.Response, refused: Refused) -> bool:
    """Whether the same may be sent again, as the answer says or, where it says nothing, as its status does."""
    told = answer.headers.get("x-should-retry")
    return told == "true" or (told is None and refused.status in _PASSING)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _seconds(answer: httpx.Response, otherwise: float) -> float:
    told = answer.headers.get("retry-after", "")
    return min(_LONGEST_WAIT, float(told)) if told.isdecimal() else otherwise


def _said(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
