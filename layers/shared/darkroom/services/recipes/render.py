"""Operations done to pictures: bytes in, bytes out, and the results where they are kept."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from PIL import Image, ImageCms

from darkroom.errors import CallerError, InvalidParameter
from darkroom.images.decode import decode
from darkroom.images.icc import to_srgb
from darkroom.images.measure import measure
from darkroom.images.picture import Picture, opaque
from darkroom.models.job import Job, StoredImage, stored_image
from darkroom.models.operations import OperationStep
from darkroom.models.segmentation import AUTO, usable
from darkroom.models.source import ImageSource
from darkroom.operations import Operation, Rendered, parse, render
from darkroom.ports import ImageStore, Segmenter
from darkroom.services.inputs.sources import Sources
from darkroom.services.paid.calls import MOST_STORED_BYTES

# Of a picture that a function without the segmentation model works on: it waits for providers, and has little memory.
MOST_PIXELS_ELSEWHERE: Final = 12_000_000
_UPLOAD: Final = re.compile(r"upl_[0-9A-Za-z]{1,60}")
_JOB: Final = re.compile(r"(job_[0-9A-Za-z-]{1,60})(?:/([0-9]{1,4}))?")


class NeedsImageFunction(Exception):
    """An operation has to know the subject, or the picture is large: the image function has a model, and memory."""


class Render(Struct, frozen=True):
    """Args:
    sources: of the pictures that operations name.
    segmenter: tells what the subject is; None where no model is at hand.
    model: whichever of the segmenter's models a user wants to be asked, or `auto`.
    """

    images: ImageStore
    sources: Sources
    max_megapixels: float
    segmenter: Segmenter | None
    model: Callable[[str], str]

    def apply(self, user: str, data: bytes, operations: Sequence[Operation]) -> Rendered:
        """A file after the operations. Nothing is stored.

        Raises:
            NeedsImageFunction: nothing was done; it is known before any work.
            CallerError: the file is no picture, or an operation cannot be done to it; `param` is `operations[2]…`.
        """
        wanting = next((each for each in operations if each.needs_subject), None)
        if wanting is not None and self.segmenter is None:
            raise NeedsImageFunction(
                f"{type(wanting).__name__} has to know the subject; there is no model here for it."
            )
        width, height = (0, 0) if self.segmenter is not None else measure(data)
        if width * height > MOST_PIXELS_ELSEWHERE:
            raise NeedsImageFunction(f"{width} x {height} pixels are more than there is memory for here.")
        tools = PictureTools(user, self.sources, self.max_megapixels, self.segmenter, self.model)
        return render(data, operations, tools, max_megapixels=self.max_megapixels)

    def keep(self, job: Job, rendered: Rendered, *, stem: str) -> StoredImage:
        """Writes it where only this job can have put it, so that doing it twice changes nothing."""
        size = (rendered.width, rendered.height)
        image = stored_image(f"outputs/{job.user}/{job.id}/{stem}", rendered.data, rendered.media_type, size)
        self.images.write_output(image.key, rendered.data, media_type=image.media_type, metadata={"job": job.id})
        return image

    def redo(self, user: str, image: StoredImage, operations: Sequence[OperationStep]) -> Rendered:
        """A kept picture after the operations, not kept itself."""
        data = self.images.read_output(image.key, max_bytes=MOST_STORED_BYTES)
        return self.apply(user, data, parse(operations))


class PictureTools(Struct, frozen=True):
    """What operations need beside the picture, for one user."""

    user: str
    sources: Sources
    max_megapixels: float
    segmenter: Segmenter | None
    model: Callable[[str], str]

    def subject(self, image: Image.Image) -> Image.Image:
        """How much each pixel belongs to the subject: mode L, of the image's size.

        Raises:
            NoForeground: nothing stands out.
            NeedsImageFunction: there is no model here.
        """
        if self.segmenter is None:
            raise NeedsImageFunction("There is no segmentation model here.")
        # Here, for who has no model has no numpy either.
        from darkroom.images.segmented import segmented

        segmenter, flat, installed = self.segmenter, opaque(image), self.segmenter.available()
        wanted = self.model(self.user)
        name = wanted if wanted == AUTO else usable(wanted, installed)
        mask = segmented(lambda model: segmenter.mask(flat, model), name, installed).mask
        return mask.resize(image.size, Image.Resampling.LANCZOS)

    def picture(self, ref: str) -> Image.Image:
        """Another picture of the same user, in sRGB: an upload's id, `job_…/0`, or a data URL. RGB or RGBA.

        Raises:
            InvalidParameter: it names no picture; a URL does not, for a recipe gives the same result for ever.
            NotFound: there is none of that name, or it is another's.
        """
        try:
            picture = decode(self.sources.read(self.user, _source(ref)), max_megapixels=self.max_megapixels)
        except CallerError as error:
            error.param = "image"
            raise
        return _in_srgb(picture)


def _source(ref: str) -> ImageSource:
    if _UPLOAD.fullmatch(ref):
        return ImageSource("image", upload_id=ref)
    if ref.startswith("data:"):
        return ImageSource("image", b64=ref)
    if found := _JOB.fullmatch(ref):
        return ImageSource("image", job_id=found[1], index=int(found[2] or 0))
    raise InvalidParameter(
        f"{ref[:60]!r} names none of your pictures.",
        fix="Give an upload's id (`upl_…`) or a picture of one of your jobs (`job_…/0`). URLs are not accepted here.",
    )


def _in_srgb(picture: Picture) -> Image.Image:
    if picture.icc is None:
        return picture.pixels
    try:
        return to_srgb(picture.pixels, picture.icc)
    except ImageCms.PyCMSError:
        return picture.pixels
