"""The ways in which a picture can be handed over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One picture as file, URL, base64 text, upload id or a job's output. `name` is the field that errors point at."""

    name: str
    data: bytes | None = None
    url: str | None = None
    b64: str | None = None
    upload_id: str | None = None
    job_id: str | None = None
    index: int = 0

    @property
    def given(self) -> tuple[object, ...]:
        ways = (self.data, self.url, self.b64, self.upload_id, self.job_id)
        return tuple(way for way in ways if way is not None)
