"""Small copies of stored pictures: made at the first request, kept beside the picture, and removed with it."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from darkroom.errors import ImageExpired, ImageTooLarge, NotFound
from darkroom.models.job import StoredImage, thumbnail_key
from darkroom.models.user_settings import RETENTION_DAYS
from darkroom.ports import Clock, ImageStore

MEDIA_TYPE: Final = "image/webp"
# What the functions' memory has room for.
_MAX_MEGAPIXELS: Final = 40
_MAX_BYTES: Final = 64 * 1024 * 1024
_FRESH: Final = timedelta(days=1)


class Thumbnails(Struct, frozen=True):
    images: ImageStore
    clock: Clock

    def of(self, image: StoredImage, *, made_at: datetime, until: datetime | None) -> bytes | None:
        """The thumbnail, or None of what is shown as it is: a drawing, or a picture too large to be unpacked here.

        Args:
            until: when the picture is removed. Its thumbnail goes before that, or is as old.

        Raises:
            ImageExpired: the picture is gone.
            UnreadableImage, UnsupportedMediaType: it cannot be read.
        """
        if image.media_type == "image/svg+xml" or image.width * image.height > _MAX_MEGAPIXELS * 1_000_000:
            return None
        key = thumbnail_key(image.key)
        try:
            return self.images.read_output(key, max_bytes=_MAX_BYTES)
        except NotFound:
            pass
        # Here, for most requests find one, and nothing else of theirs needs Pillow.
        from darkroom.images.preview import thumbnail

        try:
            made = thumbnail(self.images.read_output(image.key, max_bytes=_MAX_BYTES), max_megapixels=_MAX_MEGAPIXELS)
        except ImageTooLarge:
            return None
        except NotFound as error:
            raise _gone() from error
        self.images.write_output(
            key, made, media_type=MEDIA_TYPE, metadata={}, keep_days=self._kept_for(made_at, until)
        )
        if not self.images.has_output(image.key):
            # It was removed meanwhile, and whoever removed it may have looked for a thumbnail too early.
            self.images.remove_outputs([key])
            raise _gone()
        return made

    def _kept_for(self, made_at: datetime, until: datetime | None) -> int | None:
        """Days; None for as long as the picture itself, which is as new."""
        now = self.clock()
        if until is None or now - made_at < _FRESH:
            return None
        return max((days for days in RETENTION_DAYS if now + timedelta(days=days) <= until), default=RETENTION_DAYS[0])


def _gone() -> ImageExpired:
    return ImageExpired("The picture is gone: pictures are removed after a while.", fix="Make it once more.")
