"""The pictures that a paid job begins with: read, checked, brought into the form that models take, and kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from darkroom.errors import CallerError
from darkroom.images.mask import check_size, normalise_mask
from darkroom.images.normalise import Normalised, normalise
from darkroom.images.workload import Workload
from darkroom.models.job import Parent, StoredImage, stored_image
from darkroom.models.source import ImageSource
from darkroom.ports import ImageStore
from darkroom.services.inputs.sources import Sources

Role = Literal["image", "mask"]

_MOST_REF: Final = 2048


@dataclass(frozen=True, slots=True)
class Input:
    """A picture in the form that models take: where it is kept, where it came from, and its bytes."""

    image: StoredImage
    parent: Parent
    data: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


class Inputs:
    def __init__(self, sources: Sources, images: ImageStore, *, max_megapixels: float) -> None:
        self._sources = sources
        self._images = images
        self._max_megapixels = max_megapixels

    def read(self, user: str, source: ImageSource, *, role: Role = "image", workload: Workload | None = None) -> Input:
        """Reads the picture, checks it and normalises it. Writes nothing.

        Args:
            workload: of the request, where it has several pictures.

        Raises:
            CallerError: it cannot be had, or is no picture (or mask) that can be used, or there are too many large
                ones; `param` is the source's name.
        """
        try:
            handed_over = self._sources.read(user, source)
            (workload or Workload()).add(handed_over, max_megapixels=self._max_megapixels)
            prepare = normalise_mask if role == "mask" else normalise
            picture = prepare(handed_over, max_megapixels=self._max_megapixels)
        except CallerError as error:
            error.param = source.name
            raise
        return Input(_stored(user, picture), parent_of(source, handed_over, role=role), picture.data, picture.warnings)

    def keep(self, inputs: Sequence[Input]) -> None:
        """Writes each where its content says, so that doing it twice changes nothing."""
        for image, data in {each.image.key: (each.image, each.data) for each in inputs}.values():
            self._images.write_output(image.key, data, media_type=image.media_type, metadata={})


def check_mask(first: StoredImage, mask: Input) -> None:
    """Raises InvalidParameter if the mask's size is not the picture's."""
    check_size((mask.image.width, mask.image.height), (first.width, first.height))


def _stored(user: str, picture: Normalised) -> StoredImage:
    digest = _sha256(picture.data)
    size = (picture.width, picture.height)
    return stored_image(f"inputs/{user}/{digest}", picture.data, picture.media_type, size, sha256=digest)


def parent_of(source: ImageSource, handed_over: bytes, *, role: Role = "image") -> Parent:
    """Where a picture came from, without what a URL may carry beside its path."""
    digest = _sha256(handed_over)
    if source.job_id is not None:
        return Parent(role=role, kind="job", ref=source.job_id, index=source.index, sha256=digest)
    if source.upload_id is not None:
        return Parent(role=role, kind="upload", ref=source.upload_id, sha256=digest)
    if source.url is not None:
        return Parent(role=role, kind="url", ref=_without_secrets(source.url), sha256=digest)
    return Parent(role=role, kind="file", sha256=digest)


def _without_secrets(url: str) -> str:
    """Without user, password, query and fragment: a presigned link's query is a credential."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:_MOST_REF]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
