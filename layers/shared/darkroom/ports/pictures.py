"""Pictures: where they are kept, where they come from, what tells subject from background."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from darkroom.models.value import Value

if TYPE_CHECKING:
    from PIL import Image


class PresignedUpload(Value):
    """A browser-style form POST straight to the uploads bucket."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


class ImageStore(Protocol):
    """The uploads bucket (what users put in) and the outputs bucket (what we made)."""

    def presign_upload(self, key: str, *, media_type: str, max_bytes: int) -> PresignedUpload: ...

    def read_upload(self, key: str, *, version: str | None = None, max_bytes: int) -> bytes:
        """The object's bytes.

        Raises:
            NotFound: no such object or version.
            PayloadTooLarge: it is larger than max_bytes.
        """

    def write_output(
        self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str], keep_days: int | None = None
    ) -> None:
        """Args: keep_days: one of RETENTION_DAYS; None for as long as its user wants theirs."""

    def read_output(self, key: str, *, max_bytes: int) -> bytes:
        """An object of the outputs bucket; raises as read_upload does."""

    def has_output(self, key: str) -> bool: ...

    def link_output(self, key: str) -> str:
        """A URL that reads the object for a while without further credentials."""

    def linked_key(self, url: str) -> str | None:
        """The key that such a URL is for, also when it has expired; None of other URLs."""

    def remove_outputs(self, keys: Sequence[str]) -> None:
        """Each with its thumbnail, which goes after it."""

    def remove_outputs_under(self, prefix: str) -> None:
        """All that the prefix, which ends with a slash, is the beginning of."""

    def renew_outputs(self, keys: Sequence[str]) -> None:
        """Has the bucket's lifecycle count their age from now; what is gone stays so."""


class UrlFetcher(Protocol):
    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The body behind a public http(s) URL.

        Raises:
            UrlRefused: the URL, one of its addresses or a redirect leads where nobody may be sent.
            UrlUnreachable: no answer in time, or not a 200.
            PayloadTooLarge: more than max_bytes.
        """


class Segmenter(Protocol):
    """Tells the subject from its background."""

    def available(self) -> tuple[str, ...]:
        """Names of the models whose weights are here, the default first."""

    def mask(self, image: "Image.Image", model: str) -> "Image.Image":
        """How much each pixel belongs to the subject.

        Args:
            image: RGB.
            model: a name from `available()`.

        Returns:
            Mode L at the model's own resolution, 255 = subject, stretched to the full range.

        Raises:
            NoForeground: nothing stands out.
        """


class Matter(Protocol):
    """Refines a mask along its edge."""

    @property
    def is_ready(self) -> bool:
        """Whether `refine` can begin at once, with nothing to be compiled before."""

    def make_ready(self, seconds: float) -> bool:
        """Has compiled what is missing, for so long at the most; whether it is ready then.

        Returns at once while another process is at it.

        Raises:
            InternalError: it cannot be compiled.
        """

    def refine(self, image: "Image.Image", mask: "Image.Image") -> "Image.Image":
        """Mode L, of the image's size."""
