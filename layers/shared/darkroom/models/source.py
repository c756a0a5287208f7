"""The ways in which a picture can be handed over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One picture as file, URL, base64 text or upload id. `name` is the field that errors point at."""

    name: str
    data: bytes | None = None
    url: str | None = None
    b64: str | None = None
    upload_id: str | None = None

    @property
    def given(self) -> tuple[object, ...]:
        return tuple(way for way in (self.data, self.url, self.b64, self.upload_id) if way is not None)
